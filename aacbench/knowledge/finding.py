"""From a base's name, or from what a retriever was told, to the base: built first where it can be.

Named bases lie in ``knowledge/NAME/ENCODER`` of the folder of data sets. Those of soundbox alone
are built when they are first asked for, since their data are generated; others are for those who
ask.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from aacbench import bases, catalog
from aacbench.assets import data_home
from aacbench.bases import MANIFEST, Recipe
from aacbench.errors import BadData, BadOption, Busy, MissingAsset
from aacbench.executors import Executor
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.building import build, encoder_fingerprint
from aacbench.specs import Choice, Context

Report = Callable[[int, int], None]
TOLD_SECONDS = 10.0
RETRY_SECONDS = 1.0


def home(name: str, encoder: str) -> Path:
    """Where the named base of an encoder lies, built or not."""
    expression = catalog.choose("encoders", encoder).expression
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", expression).strip("-")[:60]
    return data_home() / "knowledge" / name / f"{plain}-{encoder_fingerprint(encoder)[:8]}"


def built(name: str) -> Iterator[Path]:
    """The folders of a named base that were begun, one an encoder."""
    folder = data_home() / "knowledge" / name
    yield from sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def neighbours() -> list[Path]:
    """The named bases that are here, whose shards may serve another."""
    return [path for name in bases.recipes() for path in built(name)]


def open_named(
    name: str, encoder: str, context: Context, report: Report | None = None
) -> KnowledgeBase:
    """The named base in an encoder's space; one of soundbox alone is built where it is not there.

    Another process that builds it is waited for. `report(done, of)` counts clips; without it,
    lines on standard error do. `MissingAsset` says how to build one of other data; a base that was
    built by another recipe of that name is refused (`BadData`).
    """
    recipe = bases.recipe(name)
    path = home(name, encoder)
    if not _ready(path):
        if not all(split.startswith("soundbox-") for split in recipe.splits()):
            expression = catalog.choose("encoders", encoder).expression
            raise MissingAsset(
                f"The knowledge base '{name}' is not built for {expression} on this machine.",
                f"Type: aacbench kb build {name} --encoder '{expression}'",
            )
        for each in stages(recipe):
            _build_waiting(each, encoder, context, report)
    base = KnowledgeBase.open(path)
    if base.manifest.get("recipe") != recipe.digest:
        raise BadData(
            f"{path} was built when '{name}' was made of other data.",
            f"Delete it, and it is built again: rm -r '{path}'",
        )
    return base


def stages(recipe: Recipe) -> tuple[Recipe, ...]:
    """The named bases to build, one after the other, the last of them that of the recipe."""
    if recipe.refines is None:
        return (recipe,)
    return (bases.recipe(recipe.refines), _alone(recipe), recipe)


def build_named(
    recipe: Recipe,
    encoder: str,
    path: Path,
    context: Context,
    executor: Executor | None = None,
    exclude: tuple[str, ...] | None = None,
    report: Report | None = None,
) -> KnowledgeBase:
    """Build a named base in `path`; one that is cut down, from the larger one, which comes first.

    Shards that other named bases have already are shared with them.
    """
    if recipe.refines is None:
        return build(recipe, encoder, path, context, executor, exclude, report, neighbours())
    if _ready(path):
        return KnowledgeBase.open(path)
    from aacbench.knowledge.refining import refine

    whole, by = (
        build_named(each, encoder, home(each.name, encoder), context, executor, exclude, report)
        for each in stages(recipe)[:-1]
    )
    named = {"name": recipe.name, "recipe": recipe.digest}
    return refine(whole, by, recipe.k, recipe.weight, path, named=named, report=report)


def _alone(recipe: Recipe) -> Recipe:
    """The named base of the very data that another is cut down by."""
    for other in bases.recipes().values():
        if other.refines is None and other.data == recipe.by:
            return other
    raise BadOption(
        f"No named base is made of {' and '.join(recipe.by)} alone, by which '{recipe.name}' is "
        "cut down.",
        "Build one, and cut down by its folder: aacbench kb refine",
    )


def open_for(choice: Choice, encoder: str, context: Context) -> KnowledgeBase:
    """The base that a retriever looks things up in: its ``@source``, or its option `knowledge`.

    `BadOption` where it has neither, or where that base is of another encoder than the retriever.
    """
    if choice.source is not None:
        return open_named(choice.source, encoder, context)
    folder: Path | None = getattr(choice.options, "knowledge", None)
    name = choice.spec.name
    if folder is None:
        raise BadOption(
            f"'{name}' looks things up in a knowledge base; say which.",
            f"For example {name}@events, or {name}(knowledge=FOLDER). See: aacbench kb info",
        )
    base = KnowledgeBase.open(folder.expanduser())
    refuse_other_encoder(base, encoder)
    return base


def refuse_other_encoder(base: KnowledgeBase, encoder: str) -> None:
    """`BadOption` unless a base holds embeddings of this encoder, with the weights it has here."""
    expression = catalog.choose("encoders", encoder).expression
    if base.encoder != expression:
        raise BadOption(
            f"{base.path} was built with the encoder {base.encoder}, and {expression} is to look "
            "in it: their embeddings have nothing to do with each other.",
            f"Write encoder={base.encoder} beside it, or build one: "
            f"aacbench kb build FOLDER --data SPLIT --encoder '{expression}'",
        )
    if base.manifest["encoder"].get("fingerprint") != encoder_fingerprint(expression):
        raise BadOption(
            f"{base.path} was built with other weights of {expression} than are here now.",
            "Build it again with these, or bring back those.",
        )


def _ready(path: Path) -> bool:
    """Whether a finished base is there; one that cannot be read is for `KnowledgeBase.open`."""
    if not (path / MANIFEST).is_file():
        return False
    return bool(bases.read_manifest(path).get("complete"))


def _build_waiting(recipe: Recipe, encoder: str, context: Context, report: Report | None) -> None:
    path, waiting = home(recipe.name, encoder), False
    while not _ready(path):
        try:
            told = report or _telling(recipe.name, path)
            build_named(recipe, encoder, path, context, report=told)
        except Busy:
            if not waiting:
                _say(f"another process builds the knowledge base '{recipe.name}'; waiting for it")
            waiting = True
            time.sleep(RETRY_SECONDS)


def _telling(name: str, path: Path) -> Report:
    """Says on standard error that a base is being built, and every few seconds how far it is."""
    _say(f"building the knowledge base '{name}', once: {path}")
    began = told = time.monotonic()
    first: int | None = None

    def report(done: int, of: int) -> None:
        nonlocal told, first
        first = done if first is None else first
        now = time.monotonic()
        if now - told < TOLD_SECONDS and done < of:
            return
        told = now
        speed = (done - first) / (now - began) if done > first else 0.0
        left = f", {(of - done) / speed:.0f} s left" if speed and done < of else ""
        _say(f"{name}: {done} of {of} clips{left}")

    return report


def _say(text: Any) -> None:
    print(f"aacbench: {text}", file=sys.stderr)

"""What is to go into a knowledge base: which clips of which splits, in which shards, and which not.

All of it is decided before a sound is read, from the data at hand alone, so that a build that was
killed finds the same plan again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from aacbench import bases, catalog, expressions
from aacbench.errors import BadData, BadOption
from aacbench.knowledge.shards import note
from aacbench.overlap import recording, recordings
from aacbench.specs import Context, DatasetSpec
from aacbench.types import Clip, Dataset

GROUP = 32
"""Clips that are embedded together: it decides the last bits of texts' embeddings."""
SHARD_PAIRS = 50_000
HELD_OUT = ("val", "validation", "dev", "test", "eval", "evaluation")
OVERLAP, NO_CAPTION, NOT_AT_HAND = "overlap", "no_caption", "not_at_hand"
SOURCE_ID = re.compile(r"[\w-]+:[^/@(]+")
SPLIT = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Order:
    """What a base is to be made of: `data` are splits and `exclude` splits or source ids, both in
    canonical form; clips above `longest` seconds stay out."""

    encoder: str
    data: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    longest: float | None = None
    name: str | None = None
    recipe: str | None = None


@dataclass(frozen=True)
class Given:
    """One clip that goes in, with its captions."""

    clip: Clip
    captions: tuple[str, ...]
    source_id: str | None


@dataclass
class Split:
    """The clips that one split gives: `called` is what entries say of where they are from.

    `unsourced` of them say nothing of the recording they were cut from, so that nobody knows
    whether it is in an evaluation set too.
    """

    called: str
    expression: str
    given: list[Given] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)
    unsourced: int = 0

    def digest(self, order: Order) -> str:
        """The sha256 of all that decides the split's shards, other than the sounds themselves."""
        digest = hashlib.sha256()
        head = [self.called, order.longest, GROUP, SHARD_PAIRS]
        for line in (head, *([g.clip.id, g.source_id, g.captions] for g in self.given)):
            digest.update(json.dumps(line).encode() + b"\n")
        return digest.hexdigest()

    def shards(self) -> Iterator[list[list[Given]]]:
        """The groups of each shard: as many as hold `SHARD_PAIRS` pairs, and at least one."""
        shard: list[list[Given]] = []
        pairs = 0
        for start in range(0, len(self.given), GROUP):
            group = self.given[start : start + GROUP]
            more = sum(len(given.captions) for given in group)
            if shard and pairs + more > SHARD_PAIRS:
                yield shard
                shard, pairs = [], 0
            shard.append(group)
            pairs += more
        if shard:
            yield shard


def order_of(recipe: bases.Recipe, encoder: str, exclude: Collection[str] | None) -> Order:
    """The order for a named base; without `exclude` it keeps out what `held_out` says."""
    if recipe.refines:
        raise BadOption(
            f"'{recipe.name}' is '{recipe.refines}' cut down, and is not built from data.",
            f"Type: aacbench kb build {recipe.name}",
        )
    data = tuple(canonical(split) for split in recipe.data)
    if repeated := {split for split in data if data.count(split) > 1}:
        raise BadOption(f"{min(repeated)} is named twice.", "Name it once.")
    kept_out = held_out(data) if exclude is None else exclude
    return Order(
        catalog.choose("encoders", encoder).expression,
        data,
        tuple(dict.fromkeys(map(_excluded, kept_out))),
        recipe.longest,
        recipe.name if recipe.name in bases.recipes() else None,
        recipe.digest if recipe.name in bases.recipes() else None,
    )


def canonical(split: str) -> str:
    """A split as the catalogue writes it; the folder where its data lie is made absolute."""
    choice = catalog.choose_target(split).choice
    term = expressions.parse_term(choice.expression)
    places = ((name, getattr(choice.options, name, None)) for name in ("path", "root"))
    whole = {name: str(Path(p).expanduser().resolve()) for name, p in places if p is not None}
    return expressions.write(term.name, term.preset, term.source, {**term.options, **whole})


def held_out(data: Collection[str]) -> tuple[str, ...]:
    """The evaluation splits of the data sets that a base is made of. Soundbox has none that could
    share a sound with another: every clip is generated for itself."""
    found: dict[str, None] = {}
    for split in data:
        spec = cast(DatasetSpec, catalog.choose("datasets", split).spec)
        if not spec.name.startswith("soundbox-"):
            names = (f"{spec.name}@{name}" for name in spec.splits if name in HELD_OUT)
            found |= dict.fromkeys(names)
    return tuple(name for name in found if name not in data)


def _excluded(name: str) -> str:
    """A source id as it is, a split (``"clotho/evaluation"`` too) in canonical form."""
    if SOURCE_ID.fullmatch(name):
        return name
    dataset = SPLIT.fullmatch(name) and not Path(name).is_dir()
    return canonical(name.replace("/", "@") if dataset else name)


def kept_out(order: Order, context: Context) -> frozenset[str]:
    """The recordings that must not be inside."""
    found: set[str] = set()
    for name in order.exclude:
        if SOURCE_ID.fullmatch(name):
            found.add(recording(name))
        else:
            dataset, split = opened(name, context)
            found |= recordings(dataset.annotations(split))
    return frozenset(found)


def opened(expression: str, context: Context) -> tuple[Dataset, str]:
    """A split's data set, built, and the split's name."""
    target = catalog.choose_target(expression)
    return cast(Dataset, context.build("datasets", target.choice.expression)), target.split


def called(expression: str) -> str:
    """What entries say of where they are from: ``"clotho/development"``, ``"folder:mine/all"``;
    options that are no paths and decide what a clip is are said too."""
    target = catalog.choose_target(expression)
    options = target.choice.options
    paths = {n for n, v in (options.model_dump() if options else {}).items() if isinstance(v, Path)}
    given = expressions.parse_term(target.choice.expression).options
    told = {name: value for name, value in given.items() if name not in paths}
    return expressions.write(target.name.replace("@", "/"), None, None, told)


def read_split(expression: str, order: Order, out: frozenset[str], context: Context) -> Split:
    """Which clips of a split go in; `out` are the recordings that do not."""
    dataset, split = opened(expression, context)
    clips, annotations = dataset.clips(split), dataset.annotations(split)
    if not clips:
        raise BadData(
            f"No sound of {expression} is at hand.",
            f"See what is missing: aacbench data show '{expression}'",
        )
    found = Split(called(expression), expression)
    missing = _missing(annotations, clips)
    for name in missing:
        note(found.left_out, found.named, NOT_AT_HAND, name)
    for clip in clips:
        known = annotations.get(clip.id)
        captions = tuple(text for text in known.references if text.strip()) if known else ()
        source = clip.source_id or (known.source_id if known else None)
        if not captions:
            note(found.left_out, found.named, NO_CAPTION, clip.id)
        elif source and recording(source) in out:
            note(found.left_out, found.named, OVERLAP, clip.id)
        else:
            found.given.append(Given(clip, captions, source))
            found.unsourced += source is None
    return found


def _missing(annotations: Mapping[str, Any], clips: Sequence[Clip]) -> list[str]:
    there = {clip.id for clip in clips}
    return [name for name in annotations if name not in there]

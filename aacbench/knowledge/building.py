"""Data -> a knowledge base: killed at any moment, the same command goes on and ends the same.

The manifest of a finished base changes only when what was added to it is finished too, so that it
can be searched all the while.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np

from aacbench import catalog
from aacbench.bases import MANIFEST, Recipe, origins, read_manifest
from aacbench.errors import BadData, BadOption
from aacbench.executors import Executor
from aacbench.executors.local import Local
from aacbench.knowledge.base import SHARDS, KnowledgeBase, digest_of, write_manifest
from aacbench.knowledge.borrowing import borrow
from aacbench.knowledge.embedding import Decode, Ears, Embedded
from aacbench.knowledge.entries import Entry
from aacbench.knowledge.planning import Given, Order, Split, kept_out, order_of, read_split
from aacbench.knowledge.shards import NAMED, ShardWriter
from aacbench.knowledge.writing import write
from aacbench.specs import Context
from aacbench.store import RunFolder
from aacbench.types import Encoder

__all__ = ["append", "build", "encoder_fingerprint", "resume", "write"]

Report = Callable[[int, int], None]


def build(
    recipe: Recipe,
    encoder: str,
    out: Path,
    context: Context,
    executor: Executor | None = None,
    exclude: Collection[str] | None = None,
    report: Report | None = None,
    near: Sequence[Path] = (),
) -> KnowledgeBase:
    """Build the base of a recipe in the folder `out`, or go on with it, or give it if it is there.

    `exclude` names splits and source ids whose recordings stay out; without it, the evaluation
    splits of the recipe's data sets do. `near` are finished bases, whose shards are copied where
    they hold the same clips in the same encoder's space. `report(done, of)` counts clips. Raises
    `BadData` where `out` holds something else, and `Busy` while another process writes to it.
    """
    order = order_of(recipe, encoder, exclude)
    with RunFolder(out).locked():
        begun = _manifest(out)
        if begun:
            _refuse_other(out, begun, order)
        return _Construction(out, order, begun, context, near).run(executor, report)


def append(
    out: Path,
    data: Sequence[str],
    context: Context,
    executor: Executor | None = None,
    exclude: Collection[str] | None = None,
    report: Report | None = None,
) -> KnowledgeBase:
    """Add splits to a base: only their shards are made. What was excluded stays excluded.

    It is then no longer the named base that it may have been; its indexes are to be made anew.
    """
    new = Recipe("", data=tuple(data))
    with RunFolder(out).locked():
        begun = read_manifest(out)
        if begun.get("refined"):
            raise BadOption(
                f"{out} was cut down from a larger base, and takes no data of its own.",
                "Add to that one, and cut it down again: aacbench kb refine",
            )
        order = _ordered(begun)
        more = order_of(new, order.encoder, exclude)
        data = tuple(dict.fromkeys((*order.data, *more.data)))
        out_of = tuple(dict.fromkeys((*order.exclude, *more.exclude)))
        if data != order.data:
            order = replace(order, data=data, exclude=out_of, name=None, recipe=None)
        return _Construction(out, order, begun, context).run(executor, report)


def resume(
    out: Path, context: Context, executor: Executor | None = None, report: Report | None = None
) -> KnowledgeBase:
    """Go on with whatever was begun in `out`; shards whose folders were deleted are made anew."""
    with RunFolder(out).locked():
        begun = read_manifest(out)
        order = _ordered(begun)
        return _Construction(out, order, begun, context).run(executor, report)


def encoder_fingerprint(expression: str) -> str:
    """The sha256 of what decides an encoder's embeddings: its name, version and weights."""
    choice = catalog.choose("encoders", expression)
    content = (
        choice.expression,
        choice.spec.version,
        *sorted(catalog.fingerprint(choice).values()),
    )
    return sha256("\0".join(content).encode()).hexdigest()


def _manifest(out: Path) -> dict[str, Any] | None:
    """What was begun in a folder, or None in a new one; `BadData` in one that holds other files."""
    if (out / MANIFEST).is_file():
        return read_manifest(out)
    if out.is_dir() and any(path.name != ".lock" for path in out.iterdir()):
        raise BadData(f"{out} holds something else than a knowledge base.", "Give another --out.")
    return None


def _ordered(manifest: Mapping[str, Any]) -> Order:
    """The order that a base was begun with, what is being added to it included."""
    told = manifest.get("adding") or manifest.get("order")
    if told is None:
        raise BadOption(
            "This base was made of given embeddings, not built from data.",
            "Make it again with what made it.",
        )
    several = {name: tuple(told[name]) for name in ("data", "exclude")}
    return Order(**{**told, **several})


def _refuse_other(out: Path, manifest: Mapping[str, Any], order: Order) -> None:
    begun = _ordered(manifest)
    if begun == order:
        return
    spoken = {
        "encoder": "encoder",
        "data": "data",
        "exclude": "excluded",
        "longest": "longest clip",
    }
    for field, name in spoken.items():
        theirs, ours = getattr(begun, field), getattr(order, field)
        if theirs != ours:
            raise BadData(
                f"{out} holds a base with other settings; {name}: {_said(theirs)}, not "
                f"{_said(ours)}.",
                "Give another --out; to put more data into it: "
                f"aacbench kb build '{out}' --add --data SPLIT",
            )
    raise BadData(f"{out} was built by another recipe.", f"Delete it to build anew: rm -r '{out}'")


def _said(value: object) -> str:
    return ", ".join(map(str, value)) or "nothing" if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class _Planned:
    """One shard to make: the split that it is of, and all of its groups."""

    split: Split
    writer: ShardWriter
    groups: list[list[Given]]


class _Construction:
    """One base being built: what is there, what is planned, and the manifest that comes of it."""

    def __init__(
        self,
        out: Path,
        order: Order,
        begun: Mapping[str, Any] | None,
        context: Context,
        near: Sequence[Path] = (),
    ) -> None:
        self.out, self.order, self.begun, self.context = out, order, begun or {}, context
        self.near = near
        self.fingerprint = encoder_fingerprint(order.encoder)
        told = self.begun.get("encoder")
        if told and told["fingerprint"] != self.fingerprint:
            raise BadData(
                f"{out} was built with other weights of {order.encoder} than are here now.",
                "Two encoders' embeddings do not mix. Give another --out.",
            )
        known = {told["expression"]: told for told in self.begun.get("sources", ())}
        self.sources: dict[str, dict[str, Any]] = dict(known)

    def run(self, executor: Executor | None, report: Report | None) -> KnowledgeBase:
        """Make what is missing, and write the manifest of the whole."""
        splits = list(self._read())
        at_rest = self.begun.get("complete") and "adding" not in self.begun
        if splits or not at_rest or self.order != _ordered(self.begun):
            self._say_begun()
            planned = [shard for split in splits for shard in self._shards(split)]
            dim = self._make(planned, executor or Local(), report)
            self._say_finished(dim)
        return KnowledgeBase.open(self.out)

    def _read(self) -> Iterator[Split]:
        """The splits of which some shards are missing; those that are whole are not even read."""
        out: frozenset[str] | None = None
        names: dict[str, str] = {}
        for number, expression in enumerate(self.order.data):
            known = self.sources.get(expression)
            if known is None or not self._whole(known):
                out = kept_out(self.order, self.context) if out is None else out
                split = read_split(expression, self.order, out, self.context)
                known = self._noted(split, known, number)
                yield split
            other = names.setdefault(known["name"], expression)
            if other != expression:
                raise BadOption(
                    f"{other} and {expression} would both be called {known['name']}.",
                    "Rename one of the folders.",
                )

    def _noted(self, split: Split, known: Mapping[str, Any] | None, number: int) -> dict[str, Any]:
        """What the manifest says of a split; `BadData` where the data have changed since."""
        plan = split.digest(self.order)
        if known and known["plan"] != plan:
            raise BadData(
                f"{split.expression} has changed since {self.out} was begun: other clips or "
                "captions are at hand.",
                f"Build it anew: rm -r '{self.out}'",
            )
        stem = f"{number:03d}-" + re.sub(r"[^A-Za-z0-9._]+", "-", split.called).strip("-")
        count = sum(1 for _ in split.shards())
        self.sources[split.expression] = told = {
            "name": split.called,
            "expression": split.expression,
            "plan": plan,
            "shards": [f"{stem}-{part:05d}" for part in range(count)],
            "left_out": split.left_out,
            "named": split.named,
            "unsourced": split.unsourced,
        }
        return told

    def _shards(self, split: Split) -> Iterator[_Planned]:
        told = self.sources[split.expression]
        for number, (name, groups) in enumerate(zip(told["shards"], split.shards(), strict=True)):
            path = self.out / SHARDS / name
            if not path.exists():
                borrow(path, told["plan"], number, self.fingerprint, self.near)
            yield _Planned(split, ShardWriter(path), groups)

    def _whole(self, source: Mapping[str, Any]) -> bool:
        paths = [self.out / SHARDS / name for name in source["shards"]]
        return all(path.is_dir() and ShardWriter(path).complete for path in paths)

    def _say_begun(self) -> None:
        """A new base is unfinished; one that is added to stays as it is, and says what comes."""
        told = [self.sources[expression] for expression in self.order.data]
        if self.begun.get("complete"):
            content = {**self.begun, "adding": asdict(self.order), "sources": told}
        else:
            content = {
                "complete": False,
                "order": asdict(self.order),
                "name": self.order.name,
                "recipe": self.order.recipe,
                "encoder": {"expression": self.order.encoder, "fingerprint": self.fingerprint},
                "datasets": [origins(expression) for expression in self.order.data],
                "sources": told,
                "shards": [],
            }
        write_manifest(self.out, content)

    def _make(self, planned: Sequence[_Planned], executor: Executor, report: Report | None) -> int:
        """Embed what is left to do; gives the width of the embeddings."""
        of = sum(len(group) for shard in planned for group in shard.groups)
        left = [(shard, shard.groups[shard.writer.groups :]) for shard in planned]
        left = [(shard, groups) for shard, groups in left if not shard.writer.complete]
        groups = [group for _, several in left for group in several]
        done = of - sum(map(len, groups))
        dim = int(self.begun.get("encoder", {}).get("dim") or 0)
        worker = Ears(self.order.encoder, self.context)
        decode = Decode(self.order.longest)
        results = executor.run(decode, worker, groups) if groups else iter(())
        for shard, several in left:
            for group in several:
                embedded = next(results)
                dim = embedded.audio.shape[1]
                _add(shard, embedded)
                done += len(group)
                if report:
                    report(done, of)
            shard.writer.finish()
        return dim or self._width()

    def _width(self) -> int:
        """Of a base in which this process has put nothing, the encoder itself must say it."""
        return cast(Encoder, self.context.build("encoders", self.order.encoder)).dim

    def _say_finished(self, dim: int) -> None:
        sources = [self.sources[expression] for expression in self.order.data]
        shards, left_out, named = [], dict[str, int](), dict[str, list[str]]()
        for source in sources:
            _add_counts(left_out, named, source)
            for name in source["shards"]:
                writer = ShardWriter(self.out / SHARDS / name)
                _add_counts(left_out, named, vars(writer))
                shards.append(writer.told(source["expression"]))
        counts = {
            "pairs": sum(shard["rows"] for shard in shards),
            "clips": sum(shard["clips"] for shard in shards),
            "excluded": left_out,
            "named": named,
            "unsourced": sum(source["unsourced"] for source in sources),
        }
        digest = digest_of(dim, shards)
        same = digest == self.begun.get("digest")
        content = {
            "complete": True,
            "order": asdict(self.order),
            "name": self.order.name,
            "recipe": self.order.recipe,
            "encoder": {
                "expression": self.order.encoder,
                "fingerprint": self.fingerprint,
                "dim": dim,
            },
            "datasets": list(dict.fromkeys(origins(one) for one in self.order.data)),
            "sources": sources,
            "shards": shards,
            "counts": counts,
            "digest": digest,
            "refined": None,
            "indexes": self.begun.get("indexes", {}) if same else {},
        }
        write_manifest(self.out, content)


def _add(shard: _Planned, embedded: Embedded) -> None:
    """One entry for each caption of each clip; the sound's embedding is repeated."""
    entries = [
        Entry(given.clip.id, shard.split.called, caption, given.source_id)
        for given in embedded.given
        for caption in given.captions
    ]
    times = [len(given.captions) for given in embedded.given]
    heard = np.repeat(embedded.audio, times, axis=0)
    shard.writer.append(entries, heard, embedded.text, len(times), embedded.left_out)


def _add_counts(
    left_out: dict[str, int], named: dict[str, list[str]], told: Mapping[str, Any]
) -> None:
    for reason, count in told["left_out"].items():
        left_out[reason] = left_out.get(reason, 0) + count
        named[reason] = [*named.get(reason, ()), *told["named"].get(reason, ())][:NAMED]

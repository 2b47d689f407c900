"""A run in shards: each captions its part of a target into its own file; gathered they are one.

For schedulers that start processes and nothing more: shards share a folder and do not talk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from aacbench.errors import BadOption
from aacbench.store import Line, Record, RunFolder, part_files

T = TypeVar("T")

WRITTEN = re.compile(r"([0-9]+)(?:/|-of-)([0-9]+)")


@dataclass(frozen=True, order=True)
class Shard:
    """One of `of` shards, numbered from 1."""

    of: int
    number: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def part(self) -> str:
        """As it stands in the names of files."""
        return f"{self.number}-of-{self.of}"

    def take(self, items: Sequence[T]) -> Sequence[T]:
        """Its items: of the whole in order, those at `number`, `number` + `of` and so on, counted
        from 1. Which they are hangs on nothing that has been done before."""
        return items[self.number - 1 :: self.of]


def shard(text: str) -> Shard:
    """``"2/8"`` as a shard; `BadOption` where there is no such one."""
    found = WRITTEN.fullmatch(text)
    made = Shard(int(found[2]), int(found[1])) if found else Shard(0, 0)
    if not 1 <= made.number <= made.of:
        raise BadOption(
            f"There is no shard '{text}'.",
            "They are counted from 1: of four shards they are 1/4, 2/4, 3/4 and 4/4.",
        )
    return made


def lying(path: Path) -> list[Shard]:
    """The shards whose files lie in a run's folder, not gathered yet."""
    return sorted(shard(part) for part in part_files(path))


def known(path: Path) -> dict[str, Record]:
    """What any shard has done, or had gathered, by clip."""
    shards = [RunFolder(path, one.part).lines() for one in lying(path)]
    whole = RunFolder(path).lines()  # read last: it has what is gathered meanwhile
    return {name: line.record for name, line in _merged([whole, *shards]).items()}


def gather(folder: RunFolder, order: Sequence[str]) -> list[Shard]:
    """Put the shards' captions into the run's own file, in the order of `order` (clip ids), and
    remove the shards' files; gives the shards. Without any, nothing is touched.

    The folder must be held by the caller. `Busy` where a shard is at work. A line is kept as it
    was written; of a clip that failed in one and was captioned in another, the caption.
    """
    shards = lying(folder.path)
    parts = [RunFolder(folder.path, one.part) for one in shards]
    with ExitStack() as held:
        for part in parts:
            held.enter_context(part.locked())
        if parts:
            merged = _merged([folder.lines(), *(part.lines() for part in parts)])
            place = {name: number for number, name in enumerate(order)}
            names = sorted(merged, key=lambda name: place.get(name, len(place)))
            folder.write_lines(merged[name] for name in names)
        for part in parts:
            part.captions.unlink()
    return shards


def _merged(several: Sequence[dict[str, Line]]) -> dict[str, Line]:
    merged: dict[str, Line] = {}
    for lines in several:
        for name, line in lines.items():
            if name not in merged or merged[name].record.caption is None:
                merged[name] = line
    return merged

"""The pairs of a knowledge base, as lines of JSON that any of them can be read from alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from aacbench.errors import BadData
from aacbench.overlap import recording

TOGETHER = 4096
"""Lines that are read as one piece of JSON where no entry is wanted for itself."""


@dataclass(frozen=True)
class Entry:
    """One pair: a clip of ``dataset/split`` and one of its captions.

    `id` is the clip's; a clip with five captions makes five entries. `source_id` names the
    recording, as in `aacbench.Clip`.
    """

    id: str
    dataset: str
    caption: str
    source_id: str | None = None

    @property
    def recording(self) -> str:
        """What the clip was cut from, as overlap is judged; its id, where nobody names it."""
        return recording(self.source_id) if self.source_id else self.id

    def line(self) -> str:
        """The entry as one line of JSON."""
        return json.dumps([self.id, self.dataset, self.caption, self.source_id]) + "\n"


def read_line(line: bytes, path: Path) -> Entry:
    """The inverse of `Entry.line`; `BadData` names the file."""
    try:
        name, dataset, caption, source = json.loads(line)
    except (ValueError, TypeError):
        raise BadData(
            f"{path} holds a line that is not an entry: {line[:60]!r}.", mend(path.parent)
        ) from None
    return Entry(name, dataset, caption, source)


def mend(shard: Path) -> str:
    """What to type where a shard's files are not whole."""
    base = shard.parent.parent
    return f"Make that shard anew: rm -r '{shard}' && aacbench kb build '{base}'"


class Entries:
    """The entries of one shard, read from disk as they are asked for."""

    def __init__(self, path: Path, rows: int) -> None:
        self.path = path
        self.rows = rows
        self._starts: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[Entry]:
        with self.path.open("rb") as file:
            for _ in range(self.rows):
                yield read_line(file.readline(), self.path)

    def recordings(self) -> Iterator[str]:
        """`Entry.recording` of each, in a fraction of the time that reading entries takes."""
        with self.path.open("rb") as file:
            left = self.rows
            while left and (some := list(islice(file, min(left, TOGETHER)))):
                left -= len(some)
                try:
                    parts = json.loads(b"[" + b",".join(some) + b"]")
                    yield from (
                        recording(source) if source else name for name, _, _, source in parts
                    )
                except (ValueError, TypeError):
                    yield from (read_line(line, self.path).recording for line in some)

    def at(self, rows: Sequence[int]) -> list[Entry]:
        """The entries of these rows, in their order."""
        starts = self._offsets()
        found = []
        with self.path.open("rb") as file:
            for row in rows:
                file.seek(int(starts[row]))
                found.append(read_line(file.readline(), self.path))
        return found

    def _offsets(self) -> npt.NDArray[np.int64]:
        """Where each line starts, found once by a pass over the file."""
        if self._starts is None:
            with self.path.open("rb") as file:
                lengths = np.fromiter((len(line) for line in file), dtype=np.int64)
            starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else lengths
            if len(starts) < self.rows:
                raise BadData(
                    f"{self.path} holds {len(starts)} entries, not {self.rows}.",
                    mend(self.path.parent),
                )
            self._starts = starts
        return self._starts


def lines(entries: Iterable[Entry]) -> str:
    """Entries as the text of a file."""
    return "".join(entry.line() for entry in entries)


def origin(called: str) -> str:
    """The split that `Entry.dataset` names, as training data are named: ``"folder:mine/all"`` is
    ``"folder/all"``, ``"soundbox-events/train(seed=7)"`` is ``"soundbox-events/train"``."""
    name, _, split = called.partition("(")[0].rpartition("/")
    return f"{name.partition(':')[0]}/{split}"

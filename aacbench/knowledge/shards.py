"""One shard of a knowledge base: entries and the two embeddings of each, appended batch by batch.

A batch is on disk as a whole once the shard's count says so: what was written beyond it, when a
build was killed, is cut off before the next batch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aacbench.assets import sha256_of
from aacbench.errors import BadData
from aacbench.knowledge.entries import Entries, Entry, lines, mend

STATE, ENTRIES, AUDIO, TEXT = "shard.json", "entries.jsonl", "audio.f16", "text.f16"
FILES = (ENTRIES, AUDIO, TEXT)
NAMED = 5
"""How many of the clips that were left out for one reason are named."""

Half = npt.NDArray[np.float16]
Files = Mapping[str, Mapping[str, Any]]
"""``{"bytes": n, "sha256": h}`` of each of `FILES`, as the manifest has them."""


class Shard:
    """A finished shard, to be read: ``entries.jsonl`` and two matrices of float16, (rows, dim)."""

    def __init__(self, path: Path, dim: int, rows: int) -> None:
        self.path = path
        self.dim = dim
        self.rows = rows
        self.lines = Entries(path / ENTRIES, rows)

    def vectors(self) -> tuple[Half, Half]:
        """Memory-mapped embeddings of sounds and captions, (rows, dim) each, of unit length."""
        return self._mapped(AUDIO), self._mapped(TEXT)

    def _mapped(self, name: str) -> Half:
        if self.rows == 0:
            return np.zeros((0, self.dim), np.float16)
        return np.memmap(self.path / name, "<f2", "r", shape=(self.rows, self.dim))


def refuse_damaged(path: Path, files: Files, thorough: bool = False) -> None:
    """`BadData` names the first of a shard's files that is missing or not of its size; with
    `thorough`, the first that holds other bytes."""
    for name in FILES:
        file, told = path / name, files[name]
        size = file.stat().st_size if file.is_file() else None
        if size is None:
            raise BadData(f"{file} is missing.", mend(path))
        if size != told["bytes"]:
            raise BadData(f"{file} holds {size} bytes where {told['bytes']} are due.", mend(path))
        if thorough and sha256_of(file) != told["sha256"]:
            raise BadData(f"{file} is damaged: its sha256 is not the manifest's.", mend(path))


class ShardWriter:
    """Appends to a shard; `groups` of its clips are done, and `left_out` is why others were not.

    A folder whose files hold less than was promised is begun anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        state = _read(path / STATE)
        if not _kept(path, state):
            for name in (STATE, *FILES):
                (path / name).unlink(missing_ok=True)
            state = {}
        self.rows = int(state.get("rows", 0))
        self.clips = int(state.get("clips", 0))
        self.groups = int(state.get("groups", 0))
        self.left_out: dict[str, int] = dict(state.get("left_out", {}))
        self.named: dict[str, list[str]] = dict(state.get("named", {}))
        self.files: dict[str, dict[str, Any]] | None = state.get("files")
        self._sizes: dict[str, int] = dict(state.get("sizes", dict.fromkeys(FILES, 0)))

    @property
    def complete(self) -> bool:
        """Whether nothing more is to come."""
        return self.files is not None

    def told(self, dataset: str | None) -> dict[str, Any]:
        """What a manifest says of this shard, once it is finished; `dataset` is its split."""
        return {
            "name": self.path.name,
            "dataset": dataset,
            "rows": self.rows,
            "clips": self.clips,
            "complete": self.complete,
            "files": self.files,
        }

    def append(
        self,
        entries: Sequence[Entry],
        audio: Half,
        text: Half,
        clips: int = 0,
        left_out: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Add a group: the entries that `clips` clips made, and (reason, name) of those left out.

        On disk as a whole when this returns, or not at all.
        """
        if not len(entries) == len(audio) == len(text):
            raise ValueError("a batch needs an embedding of each side for every entry")
        self.path.mkdir(parents=True, exist_ok=True)
        for name, content in (
            (ENTRIES, lines(entries).encode("ascii")),
            (AUDIO, audio.astype("<f2", copy=False).tobytes()),
            (TEXT, text.astype("<f2", copy=False).tobytes()),
        ):
            _write(self.path / name, self._sizes[name], content)
            self._sizes[name] += len(content)
        self.rows += len(entries)
        self.clips += clips
        self.groups += 1
        for reason, who in left_out:
            note(self.left_out, self.named, reason, who)
        self._say()

    def finish(self) -> None:
        """Say that nothing more is to come, and what the files hold."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            _write(self.path / name, self._sizes[name], b"")
        self.files = {
            name: {"bytes": self._sizes[name], "sha256": sha256_of(self.path / name)}
            for name in FILES
        }
        self._say()

    def _say(self) -> None:
        state = {
            "rows": self.rows,
            "clips": self.clips,
            "groups": self.groups,
            "left_out": self.left_out,
            "named": self.named,
            "sizes": self._sizes,
            "files": self.files,
        }
        replace_json(self.path / STATE, state)


def note(counts: dict[str, int], named: dict[str, list[str]], reason: str, who: str) -> None:
    """Count what is left out for a reason, and name the first few."""
    counts[reason] = counts.get(reason, 0) + 1
    if len(named.setdefault(reason, [])) < NAMED:
        named[reason].append(who)


def replace_json(path: Path, content: Mapping[str, Any], indent: int | None = None) -> None:
    """Write under a temporary name, then replace."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(content, indent=indent) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _kept(path: Path, state: Mapping[str, Any]) -> bool:
    """Whether what the count promises is there, and behind a finished shard nothing more."""
    for name, size in state.get("sizes", {}).items():
        there = (path / name).stat().st_size if (path / name).is_file() else -1
        if there < size or (state.get("files") and there > size):
            return False
    return True


def _write(path: Path, at: int, content: bytes) -> None:
    """Write behind the first `at` bytes; what stood there, of a batch cut short, goes."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(at)
        file.seek(at)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def count(path: Path) -> tuple[int, int]:
    """How many rows and clips a shard holds so far; reads its state alone."""
    state = _read(path / STATE)
    return int(state.get("rows", 0)), int(state.get("clips", 0))

"""A knowledge base: its manifest, its shards, and the entries and embeddings that they hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aacbench.bases import KIND, MANIFEST, SCHEMA, read_manifest
from aacbench.errors import BadData
from aacbench.knowledge.entries import Entry
from aacbench.knowledge.shards import FILES, Half, Shard, refuse_damaged, replace_json

SHARDS = "shards"


@dataclass(frozen=True)
class Block:
    """Neighbouring rows of a base: the first row's number, and both embeddings, (rows, dim)."""

    first: int
    audio: Half
    text: Half


class KnowledgeBase:
    """Pairs of sound and caption in one encoder's space; rows are numbered through all shards.

    `manifest` says which encoder made the embeddings, what went in and what was left out.
    """

    def __init__(self, path: Path, manifest: Mapping[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.dim = int(manifest["encoder"]["dim"])
        self._shards = [
            Shard(path / SHARDS / told["name"], self.dim, int(told["rows"]))
            for told in manifest["shards"]
        ]
        self._firsts = np.cumsum([0, *(shard.rows for shard in self._shards)])
        self._recordings: Recordings | None = None

    @classmethod
    def open(cls, path: Path) -> KnowledgeBase:
        """Read a finished base; `BadData` says what is wrong with one that is none.

        Files are held against the manifest by their sizes; `verify` reads them through.
        """
        manifest = read_manifest(path)
        if not manifest.get("complete"):
            raise BadData(
                f"The knowledge base {path} is not finished.",
                f"Go on where it stopped: aacbench kb build '{path}'",
            )
        try:
            base = cls(path, manifest)
            for shard, told in zip(base._shards, manifest["shards"], strict=True):
                refuse_damaged(shard.path, told["files"])
                base._refuse_odd(shard, told["files"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadData(
                f"{path / MANIFEST} is not whole: {type(error).__name__}: {error}.",
                "Build the base again, or copy the manifest from where it is whole.",
            ) from None
        return base

    def _refuse_odd(self, shard: Shard, files: Mapping[str, Any]) -> None:
        for name in FILES[1:]:
            if files[name]["bytes"] != shard.rows * self.dim * 2:
                raise BadData(
                    f"{shard.path / name} holds {files[name]['bytes']} bytes, which are not "
                    f"{shard.rows} embeddings of {self.dim} numbers.",
                    "The manifest was written over. Build the base again.",
                )

    def __len__(self) -> int:
        return int(self._firsts[-1])

    @property
    def encoder(self) -> str:
        """The expression of the encoder that made the embeddings."""
        return str(self.manifest["encoder"]["expression"])

    @property
    def digest(self) -> str:
        """The base's identity: a sha256 over the entries and embeddings, in order."""
        return str(self.manifest["digest"])

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data set splits that the entries came from (``"clotho/development"``)."""
        return tuple(self.manifest["datasets"])

    def verify(self) -> None:
        """Read every byte; `BadData` names the first file that is not what was written."""
        for shard, told in zip(self._shards, self.manifest["shards"], strict=True):
            refuse_damaged(shard.path, told["files"], thorough=True)

    def entries(self, rows: Sequence[int]) -> list[Entry]:
        """The entries of these rows, in their order."""
        wanted = np.asarray(rows, dtype=np.int64)
        found: dict[int, Entry] = {}
        for number, ours in self._parted(wanted):
            shard, first = self._shards[number], int(self._firsts[number])
            there = sorted({int(row) - first for row in wanted[ours]})
            found |= zip((row + first for row in there), shard.lines.at(there), strict=True)
        return [found[int(row)] for row in wanted]

    def all_entries(self) -> Iterator[Entry]:
        """Every entry, in the order of the rows."""
        for shard in self._shards:
            yield from shard.lines

    def recordings(self) -> Iterator[str]:
        """The recording of every row, as `rows_by_recording` names it."""
        for shard in self._shards:
            yield from shard.lines.recordings()

    def vectors(self, rows: Sequence[int]) -> tuple[Half, Half]:
        """Both embeddings of these rows, (rows, dim) each."""
        wanted = np.asarray(rows, dtype=np.int64)
        audio = np.zeros((len(wanted), self.dim), np.float16)
        text = np.zeros_like(audio)
        for number, ours in self._parted(wanted):
            heard, said = self._shards[number].vectors()
            there = wanted[ours] - self._firsts[number]
            audio[ours], text[ours] = heard[there], said[there]
        return audio, text

    def _parted(self, rows: npt.NDArray[np.int64]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
        """Which places in `rows` are of which shard, by its number; refuses rows beyond the end."""
        if len(rows) and (rows.min() < 0 or rows.max() >= len(self)):
            raise IndexError(f"rows are 0 to {len(self) - 1}; asked for {rows.min()}, {rows.max()}")
        owners = np.searchsorted(self._firsts, rows, side="right") - 1
        for number in np.unique(owners).tolist():
            yield number, np.flatnonzero(owners == number)

    def blocks(self, size: int = 65_536) -> Iterator[Block]:
        """All embeddings, at most `size` rows at a time, read from disk as they are asked for."""
        for first, shard in zip(self._firsts, self._shards, strict=False):
            audio, text = shard.vectors()
            for start in range(0, len(audio), size):
                end = start + size
                yield Block(int(first) + start, audio[start:end], text[start:end])

    def rows_by_recording(self) -> Mapping[str, npt.NDArray[np.int64]]:
        """Which rows are of one recording, by its name as `overlap.recording` gives it; a clip
        whose source nobody wrote down goes by its id. Read once, and then kept."""
        if self._recordings is None:
            self._recordings = Recordings(self)
        return self._recordings


class Recordings(Mapping[str, "npt.NDArray[np.int64]"]):
    """Rows by recording in 16 bytes a row: names are kept as 64 bits of their digest."""

    def __init__(self, base: KnowledgeBase) -> None:
        self._base = base
        keys = np.fromiter((_key(name) for name in base.recordings()), np.uint64, len(base))
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def __getitem__(self, recording: str) -> npt.NDArray[np.int64]:
        key = np.uint64(_key(recording))
        first, end = (int(np.searchsorted(self._keys, key, side)) for side in ("left", "right"))
        if first == end:
            raise KeyError(recording)
        return self._order[first:end]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(self._base.recordings()))

    def __len__(self) -> int:
        return len(np.unique(self._keys))


def _key(recording: str) -> int:
    digest = hashlib.blake2b(recording.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


def digest_of(dim: int, shards: Sequence[Mapping[str, Any]]) -> str:
    """A base's identity, from what its shards' files hold."""
    listed = [[told["files"][name]["sha256"] for name in FILES] for told in shards]
    return hashlib.sha256(json.dumps([dim, listed]).encode()).hexdigest()


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest as a whole."""
    path.mkdir(parents=True, exist_ok=True)
    content = {**manifest, "kind": KIND, "schema": SCHEMA}
    replace_json(path / MANIFEST, dict(sorted(content.items())), indent=2)

"""Embeddings of texts and sounds, computed once and kept in the cache by content."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aacbench.assets import cache_home
from aacbench.catalog import choose, fingerprint
from aacbench.perceiving import ImageEncoder, perceive, sees
from aacbench.provenance import identity
from aacbench.types import Clip, Encoder

if TYPE_CHECKING:
    from pathlib import Path

Rows = npt.NDArray[np.float32]
Report = Callable[[int, int], None]
BATCH = 32


class Shelf:
    """Vectors by key in one file, which several processes may use at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, keys: Iterable[str]) -> dict[str, Rows]:
        """The vectors of those keys that are here."""
        found = {}
        with closing(self._opened()) as file:
            for key in keys:
                for (vector,) in file.execute("SELECT vector FROM rows WHERE key = ?", [_key(key)]):
                    found[key] = np.frombuffer(vector, dtype="<f4")
        return found

    def write(self, vectors: Mapping[str, Rows]) -> None:
        """Keep vectors; all of them are on disk when this returns, or none."""
        rows = [(_key(key), vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with closing(self._opened()) as file, file:
            file.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?)", rows)

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(self._path, timeout=60)
        file.execute("CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, vector BLOB)")
        return file


def _key(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def cached_text(encoder: Encoder | ImageEncoder, expression: str, texts: Sequence[str]) -> Rows:
    """``encoder.embed_text(texts)``, (texts, dim), from the cache where it was done before.

    Encoders that share a frozen text side say so by a common `text_space`, and share the rows.
    """
    distinct = sorted(set(texts))
    shared = getattr(encoder, "text_space", None)
    path = _named("text", [str(shared)] if shared else _behind(expression), distinct)
    rows = _kept(path, lambda: encoder.embed_text(distinct))
    place = {text: row for row, text in enumerate(distinct)}
    return rows[[place[text] for text in texts]]


def cached_audio(
    encoder: Encoder | ImageEncoder,
    expression: str,
    clips: Sequence[Clip],
    report: Report | None = None,
) -> Rows:
    """``perceive(encoder, clips)``, (clips, dim), each clip from the cache where it was heard, or
    seen, before; `report(heard, of)` tells of those that were not.

    Clips are known by `provenance.identity`. Killed, it goes on with the batch that was in hand.
    """
    if sees(encoder):
        clips = [replace(clip, audio=None) for clip in clips]  # known by their pictures
    digest = _digest(_behind(expression))
    shelf = Shelf(cache_home() / "embeddings" / f"audio-{digest}.sqlite")
    keys = [identity(clip) for clip in clips]
    known = shelf.read(keys)
    new = [(key, clip) for key, clip in zip(keys, clips, strict=True) if key not in known]
    for start in range(0, len(new), BATCH):
        batch = new[start : start + BATCH]
        rows = perceive(encoder, [clip for _, clip in batch])
        heard = {key: row for (key, _), row in zip(batch, rows, strict=True)}
        shelf.write(heard)
        known |= heard
        if report:
            report(start + len(batch), len(new))
    return np.stack([known[key] for key in keys]) if keys else np.zeros((0, encoder.dim), "f4")


def _behind(expression: str) -> list[str]:
    """What decides an encoder's rows: its name, version and weights."""
    choice = choose("encoders", expression)
    return [choice.expression, choice.spec.version, *sorted(fingerprint(choice).values())]


def _digest(content: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in content:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:32]


def _named(side: str, encoder: Iterable[str], content: Iterable[str]) -> Path:
    return cache_home() / "embeddings" / f"{side}-{_digest((*encoder, '', *content))}.npy"


def _kept(path: Path, compute: Callable[[], Rows]) -> Rows:
    if path.is_file():
        return np.asarray(np.load(path, allow_pickle=False))
    rows = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.save(file, rows)
    os.replace(partial, path)
    return rows

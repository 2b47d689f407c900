"""Embeddings of texts and sounds, computed once and kept in the cache by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from aacbench.assets import cache_home
from aacbench.catalog import choose, fingerprint
from aacbench.provenance import identity
from aacbench.types import Clip, Encoder

if TYPE_CHECKING:
    from pathlib import Path

Rows = npt.NDArray[np.float32]


def cached_text(encoder: Encoder, expression: str, texts: Sequence[str]) -> Rows:
    """``encoder.embed_text(texts)``, (texts, dim), from the cache where it was done before."""
    distinct = sorted(set(texts))
    path = _path(expression, "text", distinct)
    rows = _kept(path, lambda: encoder.embed_text(distinct))
    place = {text: row for row, text in enumerate(distinct)}
    return rows[[place[text] for text in texts]]


def cached_audio(encoder: Encoder, expression: str, clips: Sequence[Clip]) -> Rows:
    """``encoder.embed_audio(clips)``, (clips, dim), from the cache where it was done before.

    Clips are known by id, source and file size.
    """
    return _kept(
        _path(expression, "audio", [identity(clip) for clip in clips]),
        lambda: encoder.embed_audio(clips),
    )


def _path(expression: str, side: str, content: Iterable[str]) -> Path:
    digest = hashlib.sha256()
    choice = choose("encoders", expression)
    for part in (choice.expression, choice.spec.version, *sorted(fingerprint(choice).values())):
        digest.update(part.encode() + b"\0")
    for text in content:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return cache_home() / "embeddings" / f"{side}-{digest.hexdigest()[:32]}.npy"


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

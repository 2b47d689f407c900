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
    """``encoder.embed_text(texts)``, (texts, dim), from the cache where it was done before.

    Encoders that share a frozen text side say so by a common `text_space`, and share the rows.
    """
    distinct = sorted(set(texts))
    shared = getattr(encoder, "text_space", None)
    path = _named("text", [str(shared)] if shared else _behind(expression), distinct)
    rows = _kept(path, lambda: encoder.embed_text(distinct))
    place = {text: row for row, text in enumerate(distinct)}
    return rows[[place[text] for text in texts]]


def cached_audio(encoder: Encoder, expression: str, clips: Sequence[Clip]) -> Rows:
    """``encoder.embed_audio(clips)``, (clips, dim), from the cache where it was done before.

    Clips are known by `provenance.identity`.
    """
    return _kept(
        _named("audio", _behind(expression), [identity(clip) for clip in clips]),
        lambda: encoder.embed_audio(clips),
    )


def _behind(expression: str) -> list[str]:
    """What decides an encoder's rows: its name, version and weights."""
    choice = choose("encoders", expression)
    return [choice.expression, choice.spec.version, *sorted(fingerprint(choice).values())]


def _named(side: str, encoder: Iterable[str], content: Iterable[str]) -> Path:
    digest = hashlib.sha256()
    for text in (*encoder, "", *content):
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

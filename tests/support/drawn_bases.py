"""Small knowledge bases of embeddings drawn by a seed, for tests of searching."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aacbench.knowledge import synthetic
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.building import write
from aacbench.knowledge.entries import Entry
from aacbench.knowledge.probes import Probe, Rows

ENCODER = {"expression": "drawn", "fingerprint": "drawn"}


def unit(rows: int, dim: int, seed: int) -> Rows:
    """(rows, dim) evenly in all directions."""
    drawn = np.random.default_rng(seed).standard_normal((rows, dim))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


def clustered(dim: int, seed: int = 0) -> synthetic.Cloud:
    """Pairs that lie to each other as those of real data do: clips, and captions near to them."""
    clips = np.repeat(np.arange(150), 4)
    rows = unit(150, dim, seed)[clips] + 0.5 * unit(600, dim, seed + 1)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    spread = synthetic.noise(synthetic.within_clips(rows, clips), 0.5)
    return synthetic.Cloud(synthetic.seeds(rows, clips), spread, synthetic.lift(dim, dim, 0))


def base_of(
    out: Path,
    audio: Rows,
    text: Rows,
    entries: Sequence[Entry] | None = None,
    encoder: str = "drawn",
) -> KnowledgeBase:
    """A base of given embeddings; each row is a clip of its own where no entries say otherwise."""
    dim = audio.shape[1]
    given = entries or [Entry(str(row), "drawn/all", f"caption {row}") for row in range(len(audio))]
    told = {"expression": encoder, "fingerprint": encoder, "dim": dim}
    return write(out, told, [(list(given), audio.astype(np.float16), text.astype(np.float16))])


def by_hand(
    base: KnowledgeBase, probe: Probe, k: int, excluded: Sequence[set[int]] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What exact search must give, by all products in double precision: rows and scores."""
    audio, text = (half.astype(np.float64) for half in base.vectors(range(len(base))))
    scores = np.zeros((len(probe), len(base)))
    for half, known in ((probe.audio, audio), (probe.text, text)):
        if half is not None:
            scores += half.astype(np.float64) @ known.T
    scores = scores.astype(np.float32)
    for query, rows in enumerate(excluded or ()):
        scores[query, [row for row in rows if row < len(base)]] = -np.inf
    found = np.full((len(probe), k), -1, np.int64)
    best = np.full((len(probe), k), -np.inf, np.float32)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found[:, : order.shape[1]] = order
    best[:, : order.shape[1]] = np.take_along_axis(scores, order, 1)
    found[np.isneginf(best)] = -1
    return found, best

"""Examples for training: of each caption, the nearest other pairs of the training data.

Dense retrieval by the encoder over all pairs, none of the same recording (section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aacbench.knowledge.searching import probe

Rows = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
BLOCK = 256  # queries at once
KEPT = 60  # rows of each list: five captions a clip leave twelve clips


@dataclass(frozen=True)
class Pairs:
    """Training pairs: `clip_of` and `recording` are each row's clip and recording; `heard` and
    `said` are embeddings of clips, (clips, dim), and of captions, (rows, dim)."""

    clip_of: Numbers
    recording: Numbers
    heard: Rows
    said: Rows


def nearest(pairs: Pairs, way: str, weight: float = 0.5, kept: int = KEPT) -> Numbers:
    """(rows, kept) numbers of the nearest rows, best first, the lower row in a tie; -1 where there
    are no more."""
    rows = len(pairs.clip_of)
    kept = min(kept, rows)
    found = np.full((rows, kept), -1, np.int64)
    if way != "pair-to-pair":  # every caption of a clip asks the same
        firsts = np.unique(pairs.clip_of, return_index=True)[1]
    else:
        firsts = np.arange(rows)
    for start in range(0, len(firsts), BLOCK):
        asking = firsts[start : start + BLOCK]
        asked = probe(way, pairs.heard[pairs.clip_of[asking]], pairs.said[asking], weight)
        score = np.zeros((len(asking), rows), np.float32)
        if asked.audio is not None:
            score += (asked.audio @ pairs.heard.T)[:, pairs.clip_of]
        if asked.text is not None:
            score += asked.text @ pairs.said.T
        score[pairs.recording[asking][:, None] == pairs.recording] = -np.inf
        found[asking] = _best(score, kept)
    return found if way == "pair-to-pair" else found[firsts][pairs.clip_of]


def _best(score: Rows, kept: int) -> Numbers:
    bar = -np.partition(-score, kept - 1, axis=1)[:, kept - 1]
    best = np.full((len(score), kept), -1, np.int64)
    for query, (values, least) in enumerate(zip(score, bar, strict=True)):
        good = np.flatnonzero((values >= least) & (values > -np.inf))
        good = good[np.argsort(-values[good], kind="stable")][:kept]
        best[query, : len(good)] = good
    return best


def chosen(
    rows: Sequence[int],
    count: int,
    clip_of: Numbers,
    once: bool,
    random: np.random.Generator,
) -> list[int]:
    """The first `count` of a list of rows; with `once`, of each clip one of its rows by chance, in
    the place of its first."""
    there = [row for row in rows if row >= 0]
    if not once:
        return there[:count]
    by_clip: dict[int, list[int]] = {}
    for row in there:
        by_clip.setdefault(int(clip_of[row]), []).append(row)
    return [own[int(random.integers(len(own)))] for own in list(by_clip.values())[:count]]

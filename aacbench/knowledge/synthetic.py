"""Embeddings drawn around those of real captions, for measuring searches of bases of any size.

How well an index does depends on how rows lie to each other, so rows must not be mere noise. A
synthetic pair starts from a clip of the real captions. Its text is a mixture of one of the clip's
captions and of a caption near to that, its sound the same mixture of another caption of the clip;
each is moved by noise of the covariance that captions of one clip have about their mean, and
brought to unit length. All of it is carried into a wider space by one fixed orthonormal map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aacbench.knowledge.probes import Rows
from aacbench.knowledge.shards import Half

NEIGHBOURS = 10
POOL = 8192
"""Captions, at equal distances, among which neighbours are looked for: of all of them, it would
take longer than what is to be measured."""

CHUNK = 1024
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Seeds:
    """Real captions: `rows` (captions, dim) of unit length, sorted by clip; of clip c they are
    ``rows[firsts[c]:firsts[c + 1]]``. `near` (captions, 10) are others like each, of any clip."""

    rows: Rows
    firsts: Numbers
    near: Numbers

    @property
    def clips(self) -> int:
        """How many clips the captions are of."""
        return len(self.firsts) - 1


@dataclass(frozen=True)
class Drawn:
    """Synthetic pairs: both embeddings, (pairs, dim), and the caption that each text is from."""

    audio: Rows
    text: Rows
    captions: Numbers

    def halves(self) -> tuple[Half, Half]:
        """As a base keeps them."""
        return self.audio.astype(np.float16), self.text.astype(np.float16)


def seeds(rows: Rows, clips: npt.NDArray[np.int64]) -> Seeds:
    """From captions' embeddings and the number of each one's clip, which must not decrease."""
    firsts = np.flatnonzero(np.diff(clips, prepend=-1, append=clips[-1] + 1))
    pool = np.arange(len(rows))[:: -(-len(rows) // POOL)]
    near = np.empty((len(rows), min(NEIGHBOURS, len(pool) - 1)), np.int64)
    known, width = np.ascontiguousarray(rows[pool].T), near.shape[1]
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK] @ known
        part[pool == np.arange(start, start + len(part))[:, None]] = -np.inf
        near[start : start + CHUNK] = pool[np.argpartition(-part, width - 1, axis=1)[:, :width]]
    return Seeds(rows, firsts.astype(np.int64), near)


def within_clips(rows: Rows, clips: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(dim, dim) the covariance of captions about the mean of their clip's, from clips that have
    two or more. Its trace is the mean squared distance."""
    _, number, several = np.unique(clips, return_inverse=True, return_counts=True)
    means = np.zeros((len(several), rows.shape[1]))
    np.add.at(means, number, rows)
    means /= several[:, None]
    apart = (rows - means[number])[several[number] > 1]
    freedom = len(apart) - int((several > 1).sum())
    if freedom < 1:
        return np.zeros((rows.shape[1],) * 2)
    found: npt.NDArray[np.float64] = apart.T @ apart / freedom
    return found


def lift(dim: int, wide: int, seed: int) -> Rows:
    """(dim, wide) with orthonormal rows: keeps all inner products."""
    drawn = np.random.default_rng(seed).standard_normal((wide, dim))
    return np.ascontiguousarray(np.linalg.qr(drawn)[0].T, np.float32)


def noise(covariance: npt.NDArray[np.float64], share: float = 1.0, even: bool = False) -> Rows:
    """(dim, dim) what normal numbers are multiplied with to have `share` times this spread;
    `even` spreads the same mean squared length over all directions alike."""
    if even:
        alike = np.sqrt(np.trace(covariance) / len(covariance))
        return np.asarray(share * alike * np.eye(len(covariance)), np.float32)
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(share * (vectors * np.sqrt(np.maximum(values, 0))).T, np.float32)


class Cloud:
    """Draws pairs around `seeds`; the same seed and block always give the same pairs.

    `spread` is from `noise` and `wider` from `lift`. A text keeps 50 to 100 % of its caption, and
    the rest is a neighbour's.
    """

    def __init__(self, seeds: Seeds, spread: Rows, wider: Rows) -> None:
        self._seeds = seeds
        self._wider = wider
        self._spread = spread @ wider
        self._rows = seeds.rows @ wider

    def draw(self, pairs: int, seed: int, block: int = 0) -> Drawn:
        """So many pairs, in the wider space."""
        rng = np.random.default_rng([seed, block])
        first, end = self._seeds.firsts[:-1], self._seeds.firsts[1:]
        clip = rng.integers(0, self._seeds.clips, pairs)
        size = (end - first)[clip]
        one = rng.integers(0, size)
        # Another caption of the clip where it has one.
        other = (one + rng.integers(0, np.maximum(size - 1, 1)) + (size > 1)) % size
        kept = rng.uniform(0.5, 1.0, (pairs, 1)).astype(np.float32)
        sides = []
        for caption in (first[clip] + other, first[clip] + one):
            choice = rng.integers(0, self._seeds.near.shape[1], pairs)
            near = self._seeds.near[caption, choice]
            mixed = kept * self._rows[caption] + (1 - kept) * self._rows[near]
            mixed += rng.standard_normal((pairs, len(self._spread)), np.float32) @ self._spread
            sides.append(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))
        return Drawn(sides[0], sides[1], first[clip] + one)

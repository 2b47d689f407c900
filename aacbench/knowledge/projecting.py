"""Fewer numbers a row, for indexes: principal components of ``[z_A; z_T]``, turned at random.

Taking the mean away changes no ranking, since each score loses the same; without it the rows lie
on all sides of the origin, where lists and codes tell them apart. A turn at random spreads what
the first components hold over all parts of a code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aacbench.knowledge.probes import Probe, Rows
from aacbench.knowledge.scanning import single
from aacbench.knowledge.shards import Half


@dataclass(frozen=True)
class Projection:
    """`turn` is (2 dim, kept) with orthonormal columns, `shift` (kept,) the projected mean."""

    turn: Rows
    shift: Rows

    def rows(self, audio: Half, text: Half) -> Rows:
        """(rows, kept) of embeddings, (rows, dim) each."""
        placed: Rows = joined(audio, text) @ self.turn - self.shift
        return placed

    def query(self, probe: Probe, number: int) -> Rows:
        """(1, kept) of one query by itself, so that it rounds as it would in any other company."""
        dim = len(self.turn) // 2
        placed = np.zeros(self.turn.shape[1], np.float32)
        if probe.audio is not None:
            placed += probe.audio[number] @ self.turn[:dim]
        if probe.text is not None:
            placed += probe.text[number] @ self.turn[dim:]
        return placed[None]


def joined(audio: Half, text: Half) -> Rows:
    """``[z_A; z_T]`` in single precision, (rows, 2 dim)."""
    return np.concatenate([single(audio), single(text)], axis=1)


def learned(audio: Half, text: Half, kept: int, seed: int) -> Projection:
    """The `kept` components in which a sample of rows, (rows, dim) each, varies most."""
    rows = joined(audio, text)
    mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    rows -= mean
    spread: npt.NDArray[np.float64] = (rows.T @ rows).astype(np.float64)
    components = np.linalg.eigh(spread)[1][:, ::-1][:, :kept]
    drawn = np.random.default_rng(seed).standard_normal((components.shape[1],) * 2)
    turn = (components @ np.linalg.qr(drawn)[0]).astype(np.float32)
    return Projection(np.ascontiguousarray(turn), mean @ turn)

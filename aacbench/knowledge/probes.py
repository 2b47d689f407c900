"""What a knowledge base is asked, and what it answers: every way of looking is one inner product.

With z_A and z_T the embeddings of an entry's sound and caption, and q_A, q_T those of the query
(Choi et al., equations 4 and 10 to 12), an entry's score is ``<a, z_A> + <t, z_T>`` with

    audio-to-audio    a = q_A          t = 0
    audio-to-text     a = 0            t = q_A
    audio-to-mixture  a = q_A          t = q_A
    pair-to-pair      a = W q_A        t = (1 - W) q_T

so that one index over ``[z_A; z_T]`` serves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aacbench.errors import BadOption, nearest

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Probe:
    """Queries as the two halves of an inner product, (queries, dim) each; None is all zeros."""

    audio: Rows | None
    text: Rows | None

    def __len__(self) -> int:
        half = self.audio if self.audio is not None else self.text
        return 0 if half is None else len(half)

    def at(self, queries: npt.NDArray[np.int64] | slice) -> Probe:
        """Some of the queries, in their order."""
        audio = None if self.audio is None else self.audio[queries]
        return Probe(audio, None if self.text is None else self.text[queries])

    @property
    def lengths(self) -> npt.NDArray[np.float64]:
        """(queries,) the sum of both halves' lengths: no score of unit rows is above it."""
        halves = [half for half in (self.audio, self.text) if half is not None]
        zero = np.zeros(len(self))
        return sum((np.linalg.norm(half.astype(np.float64), axis=1) for half in halves), zero)


@dataclass(frozen=True)
class Hits:
    """The best rows of each query, best first, and their scores; -1 where there are no more."""

    rows: npt.NDArray[np.int64]  # (queries, k)
    scores: Rows  # (queries, k)


def audio_to_audio(heard: Rows) -> Probe:
    """Equation 10."""
    return Probe(heard, None)


def audio_to_text(heard: Rows) -> Probe:
    """Equation 11."""
    return Probe(None, heard)


def audio_to_mixture(heard: Rows) -> Probe:
    """Equation 12."""
    return Probe(heard, heard)


def pair_to_pair(heard: Rows, said: Rows, weight: float = 0.5) -> Probe:
    """Equation 4; `weight` is W, the share of the sound."""
    return Probe(np.float32(weight) * heard, np.float32(1.0 - weight) * said)


WAYS: Mapping[str, Callable[[Rows, Rows, float], Probe]] = {
    "audio-to-audio": lambda heard, said, weight: audio_to_audio(heard),
    "audio-to-text": lambda heard, said, weight: audio_to_text(heard),
    "audio-to-mixture": lambda heard, said, weight: audio_to_mixture(heard),
    "pair-to-pair": pair_to_pair,
}
"""The four ways by name, each from the embeddings of sounds and of captions and W."""


def probe(way: str, heard: Rows, said: Rows, weight: float = 0.5) -> Probe:
    """The queries of a way given by name; `BadOption` with the nearest name."""
    if way not in WAYS:
        raise BadOption(f"There is no way '{way}' of searching.", nearest(way, WAYS))
    return WAYS[way](heard, said, weight)

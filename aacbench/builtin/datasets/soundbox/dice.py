"""Random draws from stable integer keys, so that any clip can be made alone and in any order.

Only the generator's plain uniform stream is used for scenes and captions: it is the one that stays
the same from one numpy release to the next.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")
Range = tuple[float, float]
_BLOCK = 64


def generator(*key: int) -> np.random.Generator:
    """A numpy generator that depends on `key` alone (non-negative integers)."""
    return np.random.default_rng(np.random.SeedSequence(key))


class Dice:
    """Draws from one stream; the same key gives the same draws."""

    def __init__(self, *key: int) -> None:
        self._generator = generator(*key)
        self._left: list[float] = []

    def fraction(self) -> float:
        """Uniform in [0, 1)."""
        if not self._left:
            self._left = self._generator.random(_BLOCK).tolist()
        return self._left.pop()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.fraction() < probability

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.fraction()

    def ratio(self, low: float, high: float) -> float:
        """Uniform in the logarithm where both ends are positive, else uniform."""
        if low <= 0.0 or low == high:
            return self.between(low, high)
        return low * math.exp(math.log(high / low) * self.fraction())

    def integer(self, low: int, high: int) -> int:
        """Uniform in low..high, both included."""
        return low + int(self.fraction() * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """One of `options`, all alike."""
        return options[int(self.fraction() * len(options))]

    def weighted(self, wheel: Wheel[T]) -> T:
        """One of the wheel's options, by weight."""
        return wheel.at(self.fraction())


class Wheel(Generic[T]):
    """Options with weights, ready to be drawn from."""

    def __init__(self, options: Sequence[T], weights: Sequence[float]) -> None:
        self.options = tuple(options)
        self._edges = list(accumulate(weights))

    def at(self, fraction: float) -> T:
        """The option that covers `fraction` (0 to 1) of the total weight."""
        place = bisect_right(self._edges, fraction * self._edges[-1])
        return self.options[min(place, len(self.options) - 1)]

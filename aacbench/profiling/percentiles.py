"""Percentiles of latencies: with their intervals where there are samples enough, else not at all.

Nothing is assumed of how latencies are distributed. How many samples a percentile wants follows
MLPerf's load generator; its interval lies between two order statistics (David and Nagaraja, *Order
Statistics*, section 7.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[np.float64]

CONFIDENCE = 0.99
LEVEL = 0.95
RESAMPLES = 5_000
SHIFT = 0.05  # a change of the median between halves that is too small to matter
SETTLED_P = 0.01


@dataclass(frozen=True)
class Percentile:
    """A percentile of `n` samples and the interval that holds the true one at `LEVEL`."""

    percent: float
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Ratio:
    """The median over clips of one latency by another, and its bootstrap interval at `LEVEL`."""

    ratio: float
    low: float
    high: float
    clips: int


def needed(percent: float) -> int:
    """The fewest samples from which a percentile is told: 11 for p50, 64 for p90, 130 for p95, 662
    for p99.

    With so many, the chance that fewer than two samples lie above the true percentile is at most
    1 - `CONFIDENCE`, so the second highest bounds it from above.
    """
    below = percent / 100
    n = 2
    while below**n + n * (1 - below) * below ** (n - 1) > 1 - CONFIDENCE:
        n += 1
    return n


def percentile(samples: Sequence[float], percent: float) -> Percentile | None:
    """The percentile, or None where there are fewer samples than `needed`."""
    n = len(samples)
    if n < needed(percent):
        return None
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    low, high = ranks(n, percent)
    value = float(np.percentile(ordered, percent))
    return Percentile(percent, value, float(ordered[low - 1]), float(ordered[high - 1]), n)


def ranks(n: int, percent: float) -> tuple[int, int]:
    """The order statistics, counted from 1, between which the percentile lies at `LEVEL`."""
    from scipy.stats import binom

    tail = (1 - LEVEL) / 2
    below = percent / 100
    counts = np.arange(n + 1)
    at_most = binom.cdf(counts, n, below)  # that so many samples lie below the percentile
    low = int(np.count_nonzero(at_most <= tail))
    high = int(np.searchsorted(at_most, 1 - tail)) + 1
    return max(1, low), min(n, high)


def missing(percent: float, n: int) -> str:
    """Why a percentile is absent, and what would give it."""
    wanted = needed(percent)
    return f"p{percent:g} wants {wanted} samples; there are {n}, {wanted - n} more are needed"


def paired_ratio(
    ours: Sequence[float], theirs: Sequence[float], clips: Sequence[int], seed: int = 0
) -> Ratio:
    """How many times as long ours takes as theirs; the three run in parallel, a sample a place.

    Each clip has one ratio, of its two medians; clips are what is drawn anew.
    """
    ratios = _ratio_per_clip(np.asarray(ours), np.asarray(theirs), np.asarray(clips))
    drawn = np.random.default_rng(seed).integers(0, len(ratios), (RESAMPLES, len(ratios)))
    medians = np.median(ratios[drawn], axis=1)
    low, high = np.quantile(medians, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Ratio(float(np.median(ratios)), float(low), float(high), len(ratios))


def _ratio_per_clip(ours: Values, theirs: Values, clips: npt.NDArray[np.int64]) -> Values:
    return np.asarray(
        [np.median(ours[clips == c]) / np.median(theirs[clips == c]) for c in np.unique(clips)]
    )


def floor(samples: Sequence[float], clips: Sequence[int]) -> float:
    """The median over clips of each clip's fastest time: what is left when others are quiet."""
    values, places = np.asarray(samples), np.asarray(clips)
    return float(np.median([values[places == clip].min() for clip in np.unique(places)]))


def unsettled(samples: Sequence[float], clips: Sequence[int]) -> str | None:
    """A sentence where the second half of the samples, in order of time, is not like the first.

    Where clips come more than once, each is held against its own median, so that which clips
    came when plays no part.
    """
    from scipy.stats import mannwhitneyu

    values, places = np.asarray(samples, dtype=np.float64), np.asarray(clips)
    medians = {clip: np.median(values[places == clip]) for clip in np.unique(places)}
    if len(values) >= 2 * len(medians):
        values = values / np.asarray([medians[clip] for clip in places])
    first, second = np.array_split(values, 2)
    if len(first) < 5 or len(second) < 5:
        return None
    change = float(np.median(second) / np.median(first) - 1)
    p = float(mannwhitneyu(first, second).pvalue)
    if p >= SETTLED_P or abs(change) <= SHIFT:
        return None
    direction = "slower" if change > 0 else "faster"
    return (
        f"not settled: the second half of the samples is {abs(change):.0%} {direction} than the "
        f"first (p = {p:.2g})"
    )

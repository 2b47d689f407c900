"""Clips drawn anew for all systems of a board at once: how surely one is better than another.

All systems meet the same resamples. Per-clip figures are whole numbers of a millionth here, so
that sums are exact and the same on every machine, in whatever order a processor adds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aacbench import intervals, resampling, stats

if TYPE_CHECKING:
    from aacbench.leaderboard.results import Result
    from aacbench.leaderboard.rows import Value
    from aacbench.types import FloatArray

RESAMPLES = 10_000
"""As `comparing`: p values must be small enough to survive an adjustment for their number."""

SEED = 0
LEVEL = 0.95
STEPS = 1e6
"""Per-clip figures are kept to a millionth."""

DIGITS = 9
"""Beyond these, processors may differ."""

MEAN = 2e-6
"""How far a figure may be from the mean of its clips' stored values and still be that mean."""


@dataclass(frozen=True)
class Difference:
    """A's figure minus B's with its interval; `p` is two-sided, None where there is no test."""

    difference: float
    low: float
    high: float
    p: float | None


def is_mean(result: Result, figure: str) -> bool:
    """Whether a figure is the mean of its clips' values, and not more (BLEU) or less (a count)."""
    values = result.lines.values.get(figure)
    if values is None or not np.isfinite(values).any():
        return False
    estimate = float(result.result["figures"][figure]["estimate"])
    return bool(abs(float(np.nanmean(values)) - estimate) <= MEAN * max(1.0, abs(estimate)))


class Together:
    """Several results on the clips that all of them have, `clips` in number.

    `figures` are those to ask for; all must be means of clips in all results.
    """

    def __init__(self, results: Sequence[Result], figures: Sequence[str]) -> None:
        shared = set.intersection(*(set(one.lines.ids) for one in results))
        self.clips = len(shared)
        self._steps = {
            figure: np.stack([_on(one, figure, shared) for one in results]) for figure in figures
        }
        self._samples = self._resampled() if self.clips and figures else {}

    def samples(self, figure: str) -> FloatArray:
        """(results, RESAMPLES) means over the clips drawn."""
        return self._samples[figure]

    def known(self, figure: str) -> bool:
        """Whether every resample gives every result its figure."""
        return figure in self._samples and bool(np.isfinite(self._samples[figure]).all())

    def difference(self, figure: str, a: int, b: int) -> Difference:
        """Result number `a`'s figure minus number `b`'s.

        p is by the paired bootstrap, or by McNemar's exact test where every clip is right or
        wrong, as `comparing` has it.
        """
        ours, theirs = (self._steps[figure][place] / STEPS for place in (a, b))
        if _yes_or_no(ours) and _yes_or_no(theirs):
            p = stats.mcnemar_exact(int((ours > theirs).sum()), int((theirs > ours).sum()))
            found = stats.share_difference(ours, theirs, LEVEL)
            return _rounded(found.estimate, found.low, found.high, p)
        steps = self._steps[figure]
        estimate = round((_mean(steps[a]) - _mean(steps[b])) / STEPS, DIGITS)
        samples = self._samples[figure][a] - self._samples[figure][b]
        low, high = intervals.difference_bounds(samples, estimate, self.clips, LEVEL)
        p = intervals.probability_of_none(samples, estimate, self.clips)
        return _rounded(estimate, low, high, p)

    def _resampled(self) -> dict[str, FloatArray]:
        """Figure to (results, RESAMPLES). Sums of whole numbers below 2**53 are exact in float64,
        whoever multiplies, and no figure's come near."""
        figures, systems = list(self._steps), len(next(iter(self._steps.values())))
        table = np.concatenate([self._steps[figure] for figure in figures]).T  # (clips, columns)
        there = np.isfinite(table)
        whole, counted = np.where(there, table, 0.0), there.astype(np.float64)
        chunks = []
        for weights in resampling.resample_weights(self.clips, RESAMPLES, SEED):
            with np.errstate(invalid="ignore"):
                chunks.append((weights @ whole) / (weights @ counted))
        means = np.concatenate(chunks).T.reshape(len(figures), systems, RESAMPLES) / STEPS
        return dict(zip(figures, means, strict=True))


def _on(result: Result, figure: str, shared: set[str]) -> FloatArray:
    """(clips,) whole millionths, clips in the order of their ids, NaN for none."""
    places = {name: row for row, name in enumerate(result.lines.ids)}
    rows = [places[name] for name in sorted(shared)]
    return np.asarray(np.rint(result.lines.values[figure][rows] * STEPS), dtype=np.float64)


def _mean(steps: FloatArray) -> float:
    known = steps[np.isfinite(steps)]
    return float(known.sum() / len(known)) if len(known) else float("nan")


def _yes_or_no(values: FloatArray) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def of_intervals(a: Value, b: Value) -> Difference:
    """The difference of two figures that are no means of clips, from their own intervals.

    Zou and Donner (2008, "Construction of confidence limits about effect measures") for two
    independent figures; figures on the same clips move together, so it is wider than need be. NaN
    bounds where either has no interval.
    """
    apart = a.value - b.value
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return _rounded(apart, float("nan"), float("nan"), None)
    down = ((a.value - a.low) ** 2 + (b.high - b.value) ** 2) ** 0.5
    up = ((a.high - a.value) ** 2 + (b.value - b.low) ** 2) ** 0.5
    return _rounded(apart, apart - down, apart + up, None)


def _rounded(estimate: float, low: float, high: float, p: float | None) -> Difference:
    """To what every machine agrees on."""
    middle, least, most = (round(value, DIGITS) + 0.0 for value in (estimate, low, high))
    return Difference(middle, least, most, None if p is None else round(p, DIGITS))

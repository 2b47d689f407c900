"""How sure a number is: bootstrap intervals, paired tests between captioners, ranks.

Intervals are percentile intervals (Efron 1979). They need nothing but the figure itself, which
matters where a figure is no mean of clips (BLEU, micro F1) and has no formula for its error; they
never leave the figure's range; and with the hundreds of clips that a target has, their coverage is
near nominal. Below some 30 clips they are too narrow.

Everything is seeded and resamples are drawn in an order that depends on the seed and the number
of clips alone: two captioners, or two metrics, on the same clips meet the same resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, lgamma, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench.errors import BadOption

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import FloatArray

    IntArray = npt.NDArray[np.int64]

Corpus = Callable[[Any, "FloatArray"], Mapping[str, "FloatArray"]]
"""A metric's `corpus`: statistics and weights, (resamples, items), to figures, (resamples,)."""

_CHUNK = 1 << 21
"""Weights held at a time, so that memory is bounded however many clips there are."""


@dataclass(frozen=True)
class Interval:
    """An estimate and the bounds between which the truth lies at confidence `level`.

    `n` is the number of things that were resampled or counted: clips, groups of them, or trials.
    `resamples` is 0 where the bounds come from a formula.
    """

    estimate: float
    low: float
    high: float
    level: float
    resamples: int
    n: int


@dataclass(frozen=True)
class Difference:
    """How much higher captioner A's figure is than B's, and the two-sided p value of "equal"."""

    interval: Interval
    p: float


# --- resamples ------------------------------------------------------------------------------------


def resample_weights(
    n_items: int, resamples: int, seed: int, groups: Sequence[Any] | None = None
) -> Iterator[FloatArray]:
    """How often each item counts in each resample, in chunks of (up to resamples, n_items).

    Items are drawn with replacement; with `groups`, one label an item, whole groups are (several
    excerpts of one recording are no independent clips). Raises BadOption if `resamples` < 1.
    """
    _check(resamples)
    member = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    drawn = n_items if member is None else int(member.max(initial=-1)) + 1
    rng = np.random.default_rng(seed)
    rows = max(1, _CHUNK // max(1, n_items, drawn))
    for start in range(0, resamples, rows):
        counts = _draw(rng, min(rows, resamples - start), drawn)
        yield counts if member is None else counts[:, member]


def _draw(rng: np.random.Generator, rows: int, n: int) -> FloatArray:
    """(rows, n) counts of n draws with replacement out of n."""
    if not n:
        return np.zeros((rows, 0))
    drawn = rng.integers(0, n, size=(rows, n)) + n * np.arange(rows)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)


def _check(resamples: int, level: float = 0.5) -> None:
    if resamples < 1:
        raise BadOption(f"{resamples} resamples are too few.", "Ask for 1000.")
    if not 0 < level < 1:
        raise BadOption(f"A confidence level of {level} is not between 0 and 1.", "Try 0.95.")


def point_estimates(corpus: Corpus, statistics: Any, n_items: int) -> dict[str, float]:
    """The plain corpus figures, NaN for those that the items do not give."""
    figures = corpus(statistics, np.ones((1, n_items)))
    return {figure: float(values[0]) for figure, values in figures.items()}


def bootstrap_samples(
    corpus: Corpus,
    statistics: Any,
    n_items: int,
    *,
    resamples: int = 1000,
    seed: int = 0,
    groups: Sequence[Any] | None = None,
) -> dict[str, FloatArray]:
    """Each figure in every resample, (resamples,)."""
    chunks = [
        corpus(statistics, weights)
        for weights in resample_weights(n_items, resamples, seed, groups)
    ]
    return {figure: np.concatenate([chunk[figure] for chunk in chunks]) for figure in chunks[0]}


# --- intervals ------------------------------------------------------------------------------------


def percentile_bounds(samples: FloatArray, level: float) -> tuple[float, float]:
    """The bounds of the middle `level` of the samples; NaN samples count for nothing."""
    known = samples[np.isfinite(samples)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap(
    corpus: Corpus,
    statistics: Any,
    n_items: int,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    groups: Sequence[Any] | None = None,
) -> dict[str, Interval]:
    """Percentile intervals of a metric's corpus figures.

    A figure that the items do not give (NaN on the whole of them) is absent from the answer. Leave
    out figures whose `Figure.resamples` is false. With `groups`, see `resample_weights`.
    """
    _check(resamples, level)
    estimates = point_estimates(corpus, statistics, n_items)
    samples = bootstrap_samples(
        corpus, statistics, n_items, resamples=resamples, seed=seed, groups=groups
    )
    n = n_items if groups is None else len(set(groups))
    return {
        figure: Interval(estimate, *percentile_bounds(samples[figure], level), level, resamples, n)
        for figure, estimate in estimates.items()
        if not isnan(estimate)
    }


def bootstrap_crossed(
    corpus: Corpus,
    runs: Sequence[Any],
    n_items: int,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Intervals of the mean over training runs, when both runs and clips are samples.

    `runs` holds the statistics of the same clips, in the same order, under each training seed.
    Runs and clips are drawn independently of each other (Owen 2007, "The pigeonhole bootstrap").
    A few runs cannot show how much runs differ: where that is most of the error, intervals meant
    for 95 % hold the truth 77 % of the time with 3 runs, 86 % with 5 and 94 % with 20.
    Raises BadOption without runs.
    """
    _check(resamples, level)
    if not runs:
        raise BadOption("There are no training runs to resample.", "Give at least one.")
    rng = np.random.default_rng([seed, 1])
    estimates: list[dict[str, float]] = [point_estimates(corpus, run, n_items) for run in runs]
    chunks: list[dict[str, FloatArray]] = []
    for weights in resample_weights(n_items, resamples, seed):
        drawn = _draw(rng, len(weights), len(runs))
        figures = [corpus(run, weights) for run in runs]
        chunks.append(
            {
                figure: np.einsum("ri,ir->r", drawn, [each[figure] for each in figures]) / len(runs)
                for figure in figures[0]
            }
        )
    means = {name: float(np.mean([each[name] for each in estimates])) for name in estimates[0]}
    return {
        name: Interval(
            mean,
            *percentile_bounds(np.concatenate([chunk[name] for chunk in chunks]), level),
            level,
            resamples,
            n_items,
        )
        for name, mean in means.items()
        if not isnan(mean)
    }


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Interval of a proportion (Wilson 1927), which behaves near 0 and 1 and for few trials.

    Without trials every proportion is possible and the estimate is NaN.
    """
    _check(1, level)
    if n == 0:
        return Interval(float("nan"), 0.0, 1.0, level, 0, 0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At the ends the bound is the estimate itself; rounding must not put it on the other side.
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == n else middle + half
    return Interval(share, low, high, level, 0, n)


# --- tests ----------------------------------------------------------------------------------------


def paired_permutation(
    a: FloatArray, b: FloatArray, *, seed: int = 0, permutations: int = 10_000
) -> float:
    """Two-sided p value of "A and B are exchangeable on every clip", for means of clips.

    `a` and `b` are (clips,) values of the same clips; a clip where either is NaN is left out. The
    signs of the differences are flipped at random; where all sign patterns are no more than
    `permutations`, each is tried once and p is exact. Without clips, or differences, p is 1.
    """
    _check(permutations)
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    differences = differences[np.isfinite(differences) & (differences != 0)]
    n = len(differences)
    # Sums that are equal but for rounding count as equal.
    least = abs(differences.sum()) - 1e-12 * np.abs(differences).sum()
    if n == 0:
        return 1.0
    if n < 63 and 2**n <= permutations:
        patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1
        return float(np.mean(np.abs((2 * patterns - 1) @ differences) >= least))
    rng = np.random.default_rng(seed)
    extreme, rows = 0, max(1, _CHUNK // n)
    for start in range(0, permutations, rows):
        flips = rng.integers(0, 2, size=(min(rows, permutations - start), n), dtype=np.int8)
        extreme += int(np.count_nonzero(np.abs((2.0 * flips - 1) @ differences) >= least))
    return (1 + extreme) / (1 + permutations)


def paired_bootstrap(
    corpus: Corpus,
    statistics_a: Any,
    statistics_b: Any,
    n_items: int,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    groups: Sequence[Any] | None = None,
) -> dict[str, Difference]:
    """A's figure minus B's, for any figure, on the same clips in the same order.

    p is twice the share of resamples on the far side of 0 (Koehn 2004, made two-sided), at least
    2 / (resamples + 1). Figures that either lacks are absent.
    """

    def difference(statistics: Any, weights: FloatArray) -> Mapping[str, FloatArray]:
        a, b = (corpus(each, weights) for each in statistics)
        return {figure: a[figure] - b[figure] for figure in a if figure in b}

    _check(resamples, level)
    both = (statistics_a, statistics_b)
    estimates = point_estimates(difference, both, n_items)
    samples = bootstrap_samples(
        difference, both, n_items, resamples=resamples, seed=seed, groups=groups
    )
    n = n_items if groups is None else len(set(groups))
    return {
        figure: Difference(
            Interval(estimate, *percentile_bounds(samples[figure], level), level, resamples, n),
            _two_sided(samples[figure]),
        )
        for figure, estimate in estimates.items()
        if not isnan(estimate)
    }


def _two_sided(differences: FloatArray) -> float:
    known = differences[np.isfinite(differences)]
    fewer = min(np.count_nonzero(known <= 0), np.count_nonzero(known >= 0))
    return min(1.0, 2 * (1 + int(fewer)) / (1 + len(known)))


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Two-sided exact p value of McNemar's test: `only_a` clips where A alone is right, `only_b`
    where B alone is. Clips on which both agree say nothing about the difference."""
    n, fewer = only_a + only_b, min(only_a, only_b)
    if n == 0:
        return 1.0
    # Logarithms, because the binomial coefficients of a thousand clips overflow a float.
    terms = np.array(
        [lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) for k in range(fewer + 1)]
    ) - n * np.log(2)
    return min(1.0, 2 * float(np.exp(terms).sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for their number (Holm 1979), in the order given: any that is below
    alpha may be called significant, and the chance of one false call stays below alpha."""
    order = np.argsort(p_values, kind="stable")
    factors = len(order) - np.arange(len(order))
    stepped = np.minimum(1.0, np.maximum.accumulate(np.asarray(p_values)[order] * factors))
    adjusted = np.empty(len(order))
    adjusted[order] = stepped
    return [float(p) for p in adjusted]


# --- ranks ----------------------------------------------------------------------------------------


def rank_intervals(
    samples: FloatArray, *, level: float = 0.95, higher_is_better: bool = True
) -> IntArray:
    """(systems, 2): the lowest and highest rank of each system, 1 being the best.

    `samples`, (systems, resamples), are `bootstrap_samples` of one figure with one seed, so that
    a column is the same resample of clips for all systems. Equal systems share the better rank.
    Raises BadOption for a sample that is NaN: a missing figure has no rank.
    """
    _check(1, level)
    if np.isnan(samples).any():
        raise BadOption(
            "A figure that is missing has no rank.", "Rank only systems that have the figure."
        )
    values = samples if higher_is_better else -samples
    ranks = 1 + np.array([(values > each).sum(axis=0) for each in values], dtype=np.int64)
    bounds = np.quantile(ranks, [(1 - level) / 2, (1 + level) / 2], axis=1, method="inverted_cdf")
    return bounds.T.astype(np.int64)

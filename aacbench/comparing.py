"""Two captioners on the same clips: how far apart, how sure that is, and on which clips most."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from aacbench import resampling, stats
from aacbench.effects import Effect, effects
from aacbench.errors import BadOption, nearest
from aacbench.scoring import LEVEL, Scored
from aacbench.stats import Interval
from aacbench.store import maker_of, system_of, task_of

if TYPE_CHECKING:
    from aacbench.types import FloatArray, Metric

Test = Literal["bootstrap", "permutation"]
RESAMPLES = 10_000
"""More than an interval needs, so that p values are small enough to survive Holm's adjustment."""


@dataclass(frozen=True)
class Compared:
    """One figure of A and of B on the clips that both caption.

    `difference` is A's figure minus B's; its bounds are NaN where a bootstrap says nothing about
    the figure. `p` is of `test` alone, `adjusted` takes into account how many figures are tested
    (Holm 1979). `effect` is None where single clips have no such figure.
    """

    figure: str
    higher_is_better: bool | None
    decimals: int
    a: float
    b: float
    difference: Interval
    p: float
    adjusted: float
    test: str
    effect: Effect | None


@dataclass(frozen=True)
class Comparison:
    """`clips` caption both, `only_a` and `only_b` one of them; `left_out` says why a figure that
    either has is not compared."""

    clips: int
    only_a: int
    only_b: int
    figures: tuple[Compared, ...]
    left_out: Mapping[str, str]


@dataclass(frozen=True)
class Apart:
    """A clip on which A and B differ: their captions and their values of one figure."""

    clip_id: str
    caption_a: str
    caption_b: str
    a: float
    b: float


def refuse_incomparable(a: Mapping[str, Any], b: Mapping[str, Any]) -> None:
    """Raise BadOption where two results (as ``result.json`` holds them) are of other things."""
    first, second = system_of(a), system_of(b)
    if task_of(a) != task_of(b):
        raise BadOption(
            f"{first} is a run of {task_of(a)}, {second} of {task_of(b)}.",
            "Compare captioners with each other, or retrievers.",
        )
    if a["target"] != b["target"]:
        verb = "captions" if maker_of(a) == "captioner" else "ranks"
        raise BadOption(
            f"{first} {verb} {a['target']}, {second} {b['target']}.",
            f"Compare {maker_of(a)}s on one target.",
        )
    if a["references"] != b["references"]:
        raise BadOption(
            f"{first} and {second} were scored against different references.",
            f"Compare {maker_of(a)}s on the same data.",
        )


def compare(a: Scored, b: Scored, seed: int = 0, test: Test = "bootstrap") -> Comparison:
    """Every figure that both have, on the clips that both caption.

    Raises BadOption where no clip is captioned by both, or the test is unknown. p is by the paired
    bootstrap or by a permutation test; where single clips are right or wrong, by McNemar's exact
    test. What different judges gave is not compared.
    """
    if test not in ("bootstrap", "permutation"):
        raise BadOption(f"There is no test '{test}'.", nearest(test, ("bootstrap", "permutation")))
    pair = _Pair.of(a, b)
    if not pair.clips:
        raise BadOption("There is no clip that both caption.", "Check the clips' ids.")
    found = _tested(pair, seed, test)
    adjusted = stats.holm([one.p for one in found])
    figures = tuple(replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True))
    n = pair.clips
    left_out = dict(_left_out(a, b, {one.figure for one in figures}))
    return Comparison(n, len(a.items) - n, len(b.items) - n, figures, left_out)


def furthest_apart(a: Scored, b: Scored, figure: str, clips: int) -> list[Apart]:
    """The clips on which a figure differs most, the largest difference first.

    Raises BadOption where single clips have no such figure, in either.
    """
    known = [name for name in a.per_clip if name in b.per_clip]
    if figure not in known:
        raise BadOption(f"No clip has the figure '{figure}' in both.", nearest(figure, known))
    pair = _Pair.of(a, b)
    mine, theirs = pair.per_clip(figure)
    gaps = np.nan_to_num(abs(mine - theirs))
    order = np.argsort(-gaps, kind="stable")[: max(0, clips)]
    return [
        Apart(
            a.items[pair.rows_a[at]].clip_id,
            a.items[pair.rows_a[at]].candidates[0].text,
            b.items[pair.rows_b[at]].candidates[0].text,
            float(mine[at]),
            float(theirs[at]),
        )
        for at in order
        if gaps[at] > 0
    ]


# --- the clips and figures of both ----------------------------------------------------------------


@dataclass(frozen=True)
class _Pair:
    """`rows_a` and `rows_b`, (clips,), are where the clips of both stand in each."""

    a: Scored
    b: Scored
    rows_a: Any
    rows_b: Any

    @classmethod
    def of(cls, a: Scored, b: Scored) -> _Pair:
        place = {item.clip_id: row for row, item in enumerate(b.items)}
        both = [
            (row, place[item.clip_id]) for row, item in enumerate(a.items) if item.clip_id in place
        ]
        rows = np.array(both, dtype=np.int64).reshape(-1, 2)
        return cls(a, b, rows[:, 0], rows[:, 1])

    @property
    def clips(self) -> int:
        """How many clips both caption."""
        return len(self.rows_a)

    def per_clip(self, figure: str) -> tuple[FloatArray, FloatArray]:
        """(clips,) values of A and of B."""
        values = (self.a.per_clip[figure][self.rows_a], self.b.per_clip[figure][self.rows_b])
        return np.asarray(values[0], dtype=np.float64), np.asarray(values[1], dtype=np.float64)

    def of_shares(self, figure: str, a: float, b: float) -> bool:
        """Whether A's and B's figure are shares of the same clips (no resamples were needed)."""
        if not self.has_per_clip(figure) or any(
            one.figures[figure]["resamples"] for one in (self.a, self.b)
        ):
            return False
        ours, theirs = self.per_clip(figure)
        same = bool((np.isfinite(ours) == np.isfinite(theirs)).all())
        return same and stats.is_share(ours, a) and stats.is_share(theirs, b)

    def alike(self, figure: str) -> bool:
        """Whether both have the figure, from the same judge."""
        ours, theirs = self.a.figures.get(figure), self.b.figures.get(figure)
        return bool(ours and theirs and ours["expression"] == theirs["expression"])

    def has_per_clip(self, figure: str) -> bool:
        """Whether single clips have the figure."""
        return figure in self.a.per_clip and figure in self.b.per_clip

    def estimates(self, figures: Sequence[str]) -> dict[str, tuple[float, float]]:
        """A's and B's figures on the clips of both, where both have one."""
        corpus, *both = self._statistics(figures)
        a, b = (resampling.point_estimates(corpus, rows, self.clips) for rows in both)
        known = [name for name in figures if not isnan(a.get(name, nan) + b.get(name, nan))]
        return {name: (a[name], b[name]) for name in known}

    def bootstrap(self, figures: Sequence[str], seed: int) -> dict[str, stats.Difference]:
        """By the paired bootstrap."""
        corpus, a, b = self._statistics(figures)
        return stats.paired_bootstrap(
            corpus, a, b, self.clips, resamples=RESAMPLES, seed=seed, level=LEVEL
        )

    def permute(self, figures: Sequence[str], seed: int) -> dict[str, float]:
        """p values by the permutation test; a metric at a time, for their rows differ in kind."""
        found: dict[str, float] = {}
        for metric, a, b in self._metrics(figures):
            found |= stats.paired_permutation(
                metric.corpus, a, b, self.clips, permutations=RESAMPLES, seed=seed
            )
        return found

    def _statistics(self, figures: Sequence[str]) -> tuple[resampling.Corpus, Any, Any]:
        """All metrics together, so that they meet the same resamples, drawn once."""
        metrics = list(self._metrics(figures))

        def corpus(statistics: Any, weights: FloatArray) -> Mapping[str, FloatArray]:
            found: dict[str, FloatArray] = {}
            for (metric, *_), rows in zip(metrics, statistics, strict=True):
                found.update(metric.corpus(rows, weights))
            return {figure: found[figure] for figure in figures if figure in found}

        return corpus, [a for _, a, _ in metrics], [b for *_, b in metrics]

    def _metrics(self, figures: Sequence[str]) -> Iterator[tuple[Metric, Any, Any]]:
        """Each metric that gives one of the figures, and the statistics of A and of B."""
        ones = np.ones((1, len(self.a.items)))
        for name, (metric, scores) in self.a.kept.items():
            given = metric.corpus(scores.statistics, ones)
            if name in self.b.kept and any(figure in given for figure in figures):
                theirs = self.b.kept[name][1].statistics
                yield metric, scores.statistics[self.rows_a], theirs[self.rows_b]


def _left_out(a: Scored, b: Scored, compared: set[str]) -> Iterator[tuple[str, str]]:
    for figure in dict.fromkeys([*a.figures, *b.figures]):
        if figure in compared:
            continue
        ours, theirs = (_source(figure, a, b), _source(figure, b, a))
        if ours and theirs and ours != theirs:
            yield figure, f"different judges: {ours} for A, {theirs} for B"
        elif figure in a.figures and a.figures[figure]["low"] is None:
            yield figure, "a bootstrap says nothing of it; type --test permutation"
        elif ours and theirs:
            yield figure, "the clips of both do not give it"
        else:
            lacking, scored = ("A", a) if theirs else ("B", b)
            metric = (a.figures.get(figure) or b.figures[figure])["metric"]
            known = {re.split(r"[:@(]", name)[0]: why for name, why in scored.absent.items()}
            reasons = [known[metric]] if metric in known else []
            yield figure, f"{lacking} does not have it" + "".join(f": {why}" for why in reasons)


def _source(figure: str, scored: Scored, other: Scored) -> str | None:
    """The expression that gives a figure, or its metric's figures under another judge's name."""
    if figure in scored.figures:
        return str(scored.figures[figure]["expression"])
    metric = other.figures[figure]["metric"]
    same = [one["expression"] for one in scored.figures.values() if one["metric"] == metric]
    return str(same[0]) if same else None


# --- tests ----------------------------------------------------------------------------------------


def _tested(pair: _Pair, seed: int, test: Test) -> list[Compared]:
    """Every figure, as if it were the only one."""
    figures = {name: one for name, one in pair.a.figures.items() if pair.alike(name)}
    resampled = [name for name, one in figures.items() if one["low"] is not None]
    bootstrapped = pair.bootstrap(resampled, seed)
    permuted = pair.permute(list(figures), seed) if test == "permutation" else {}
    values = {name: pair.per_clip(name) for name in figures if pair.has_per_clip(name)}
    sizes = effects(values, {name: one["higher_is_better"] for name, one in figures.items()}, seed)
    compared = []
    for name, (a, b) in pair.estimates(list(figures)).items():
        found = bootstrapped.get(name)
        interval = found.interval if found else Interval(a - b, nan, nan, LEVEL, 0, pair.clips)
        p = permuted.get(name, found.p if found else nan)
        by: str = test
        if pair.of_shares(name, a, b):
            (interval, p), by = _of_shares(*values[name]), "mcnemar"
        if not isnan(p):
            one = figures[name]
            shown = (one["higher_is_better"], one["decimals"], a, b, interval, p, p, by)
            compared.append(Compared(name, *shown, sizes.get(name)))
    return compared


def _of_shares(a: FloatArray, b: FloatArray) -> tuple[Interval, float]:
    """Interval and exact p of a difference of shares, from (clips,) ones and zeros."""
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    p = stats.mcnemar_exact(int((a > b).sum()), int((b > a).sum()))
    return stats.share_difference(a, b, LEVEL), p

"""Intervals, tests and ranks: equal to scipy's where it has the same, and right on simulations."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats as reference

from aacbench import stats
from aacbench.errors import BadOption


def mean(statistics: Any, weights: np.ndarray) -> Mapping[str, np.ndarray]:
    with np.errstate(invalid="ignore"):
        return {"mean": (weights @ statistics[:, 0]) / weights.sum(axis=1)}


def ratio_of_sums(statistics: Any, weights: np.ndarray) -> Mapping[str, np.ndarray]:
    sums = weights @ statistics
    return {"ratio": sums[:, 0] / sums[:, 1]}


def column(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=float)[:, None]


# --- resamples ------------------------------------------------------------------------------------


def test_every_resample_draws_as_many_clips_as_there_are() -> None:
    weights = np.concatenate(list(stats.resample_weights(37, 200, seed=1)))
    assert weights.shape == (200, 37)
    assert (weights.sum(axis=1) == 37).all()
    assert (weights == 0).mean() == pytest.approx((36 / 37) ** 37, abs=0.02)


def test_chunks_keep_memory_bounded_and_change_no_resample(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(stats.resample_weights(50, 40, seed=3)))
    monkeypatch.setattr(stats, "_CHUNK", 350)
    chunks = list(stats.resample_weights(50, 40, seed=3))
    assert max(chunk.size for chunk in chunks) <= 350
    np.testing.assert_array_equal(np.concatenate(chunks), whole)


def test_seed_decides_the_resamples() -> None:
    first, again, other = (
        np.concatenate(list(stats.resample_weights(20, 5, seed=seed))) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_groups_are_drawn_whole() -> None:
    groups = ["x", "y", "x", "z", "y", "x"]
    weights = np.concatenate(list(stats.resample_weights(6, 100, seed=0, groups=groups)))
    for same in ([0, 2, 5], [1, 4]):
        assert (weights[:, same] == weights[:, same[:1]]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


@pytest.mark.parametrize(("resamples", "level"), [(0, 0.95), (10, 0.0), (10, 95.0)])
def test_impossible_settings_are_refused(resamples: int, level: float) -> None:
    with pytest.raises(BadOption):
        stats.bootstrap(mean, column(np.arange(5)), 5, resamples=resamples, level=level)


# --- intervals ------------------------------------------------------------------------------------


def test_bootstrap_agrees_with_scipys_percentile_interval() -> None:
    values = np.random.default_rng(0).gamma(2.0, size=120)
    ours = stats.bootstrap(mean, column(values), 120, resamples=9000, seed=1)["mean"]
    theirs = reference.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=9000, rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours.estimate == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)
    assert (ours.level, ours.resamples, ours.n) == (0.95, 9000, 120)


@pytest.mark.parametrize("n", [60, 200])
def test_intervals_of_a_mean_cover_the_truth_as_often_as_they_say(n: int) -> None:
    rng = np.random.default_rng(n)
    hits = 0
    for seed in range(400):
        values = rng.exponential(size=n)
        interval = stats.bootstrap(mean, column(values), n, resamples=400, seed=seed)["mean"]
        hits += interval.low <= 1.0 <= interval.high
    assert 0.90 <= hits / 400 <= 0.975


def test_intervals_of_a_ratio_of_sums_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for seed in range(300):
        trials = rng.integers(1, 12, size=150)
        rows = np.column_stack([rng.binomial(trials, 0.3), trials]).astype(float)
        interval = stats.bootstrap(ratio_of_sums, rows, 150, resamples=400, seed=seed)["ratio"]
        hits += interval.low <= 0.3 <= interval.high
    assert 0.90 <= hits / 300 <= 0.98


def test_clips_of_one_recording_do_not_pass_for_independent() -> None:
    rng = np.random.default_rng(8)
    groups = np.repeat(np.arange(40), 10)
    covered = {"clips": 0, "recordings": 0}
    for seed in range(150):
        values = column(rng.normal(size=40)[groups] + 0.1 * rng.normal(size=400))
        for name, labels in (("clips", None), ("recordings", groups.tolist())):
            interval = stats.bootstrap(mean, values, 400, resamples=300, seed=seed, groups=labels)[
                "mean"
            ]
            covered[name] += interval.low <= 0 <= interval.high
    assert covered["clips"] / 150 < 0.6
    assert covered["recordings"] / 150 > 0.88


def test_a_figure_that_the_clips_do_not_give_is_absent() -> None:
    assert stats.bootstrap(mean, column(np.array([])), 0) == {}
    assert stats.bootstrap(mean, column(np.full(9, np.nan)), 9) == {}


def test_clips_without_a_value_are_the_metrics_to_leave_out() -> None:
    def known_mean(statistics: Any, weights: np.ndarray) -> Mapping[str, np.ndarray]:
        known = np.isfinite(statistics[:, 0])
        return mean(statistics[known], weights[:, known])

    values = np.array([0.1, np.nan, 0.3, 0.2, np.nan])
    interval = stats.bootstrap(known_mean, column(values), 5, resamples=500)["mean"]
    assert interval.estimate == pytest.approx(0.2)
    assert 0.1 <= interval.low < 0.2 < interval.high <= 0.3


def test_crossed_interval_knows_of_training_seeds_and_clips() -> None:
    rng = np.random.default_rng(11)
    covered = {"crossed": 0, "clips alone": 0}
    for seed in range(150):
        runs = (
            rng.normal(0, 0.5, (20, 1)) + rng.normal(0, 1, (1, 200)) + rng.normal(0, 1, (20, 200))
        )
        crossed = stats.bootstrap_crossed(
            mean, [column(run) for run in runs], 200, resamples=300, seed=seed
        )["mean"]
        alone = stats.bootstrap(mean, column(runs.mean(axis=0)), 200, resamples=300, seed=seed)
        assert crossed.estimate == pytest.approx(runs.mean())
        covered["crossed"] += crossed.low <= 0 <= crossed.high
        covered["clips alone"] += alone["mean"].low <= 0 <= alone["mean"].high
    assert covered["crossed"] / 150 > 0.87
    assert covered["clips alone"] / 150 < 0.75


def test_crossed_interval_of_one_run_is_the_interval_over_clips() -> None:
    values = column(np.random.default_rng(3).normal(size=80))
    crossed = stats.bootstrap_crossed(mean, [values], 80, resamples=200, seed=4)
    assert crossed["mean"] == stats.bootstrap(mean, values, 80, resamples=200, seed=4)["mean"]


def test_crossed_interval_of_no_runs_is_refused() -> None:
    with pytest.raises(BadOption, match="runs"):
        stats.bootstrap_crossed(mean, [], 3)


@pytest.mark.parametrize(("successes", "n"), [(0, 12), (1, 12), (7, 12), (12, 12), (480, 1045)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_interval_equals_scipys(successes: int, n: int, level: float) -> None:
    ours = stats.wilson(successes, n, level)
    theirs = reference.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.low <= ours.estimate <= ours.high


def test_wilson_interval_of_no_trials_says_nothing() -> None:
    interval = stats.wilson(0, 0)
    assert np.isnan(interval.estimate)
    assert (interval.low, interval.high) == (0.0, 1.0)


# --- tests ----------------------------------------------------------------------------------------


def test_permutation_p_is_exact_for_few_clips() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(0.5, size=10), rng.normal(size=10)
    theirs = reference.permutation_test(
        (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert stats.paired_permutation(a, b) == pytest.approx(theirs.pvalue, abs=1e-12)


def test_permutation_p_agrees_with_scipys_for_many_clips() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(0.25, size=150), rng.normal(size=150)
    theirs = reference.permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9999,
        rng=np.random.default_rng(7),
    )
    assert stats.paired_permutation(a, b, seed=1) == pytest.approx(theirs.pvalue, abs=0.01)


def test_permutation_test_is_as_often_wrong_as_it_says() -> None:
    rng = np.random.default_rng(12)
    values = [
        stats.paired_permutation(*rng.normal(size=(2, 40)), seed=seed, permutations=400)
        for seed in range(400)
    ]
    assert 0.02 <= np.mean(np.array(values) <= 0.05) <= 0.085


@pytest.mark.parametrize(
    ("a", "b"), [([], []), ([0.2, 0.4], [0.2, 0.4]), ([np.nan, 1.0], [0.0, np.nan])]
)
def test_permutation_p_without_differences_is_one(a: list[float], b: list[float]) -> None:
    assert stats.paired_permutation(np.array(a), np.array(b)) == 1.0


def test_a_clip_without_a_value_is_left_out_of_the_pairs() -> None:
    a, b = np.array([1.0, 2, 3, np.nan, 9]), np.array([0.0, 0, 0, 5, np.nan])
    assert stats.paired_permutation(a, b) == stats.paired_permutation(a[:3], b[:3]) == 0.25


def test_paired_bootstrap_sees_a_difference_that_separate_intervals_hide() -> None:
    rng = np.random.default_rng(9)
    hard = rng.normal(size=300)
    a, b = column(hard + 0.05 + 0.1 * rng.normal(size=300)), column(hard)
    separate = [stats.bootstrap(mean, each, 300, seed=1)["mean"] for each in (a, b)]
    difference = stats.paired_bootstrap(mean, a, b, 300, seed=1)["mean"]
    assert separate[0].low < separate[1].high
    assert difference.interval.low > 0
    assert difference.p == pytest.approx(2 / 1001)
    assert difference.interval.estimate == pytest.approx(a.mean() - b.mean())


def test_paired_bootstrap_is_antisymmetric_and_calls_equals_equal() -> None:
    rng = np.random.default_rng(10)
    a, b = column(rng.normal(size=90)), column(rng.normal(size=90))
    forth, back = (
        stats.paired_bootstrap(mean, *pair, 90, seed=2)["mean"] for pair in ((a, b), (b, a))
    )
    assert forth.interval.estimate == -back.interval.estimate
    assert forth.interval.low == pytest.approx(-back.interval.high)
    assert forth.p == back.p
    assert stats.paired_bootstrap(mean, a, a, 90)["mean"].p == 1.0


def test_paired_bootstrap_is_as_often_wrong_as_it_says() -> None:
    rng = np.random.default_rng(13)
    wrong = 0
    for seed in range(400):
        a, b = rng.exponential(size=(2, 100, 1))
        wrong += stats.paired_bootstrap(mean, a, b, 100, resamples=400, seed=seed)["mean"].p <= 0.05
    assert 0.02 <= wrong / 400 <= 0.095


@pytest.mark.parametrize(("b", "c"), [(0, 0), (0, 6), (3, 9), (10, 10), (400, 470), (1, 90_000)])
def test_mcnemar_equals_scipys_binomial_test(b: int, c: int) -> None:
    theirs = reference.binomtest(b, b + c).pvalue if b + c else 1.0
    assert stats.mcnemar_exact(b, c) == pytest.approx(theirs, rel=1e-8)
    assert stats.mcnemar_exact(c, b) == stats.mcnemar_exact(b, c)


def test_holm_adjusts_as_in_a_worked_example() -> None:
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([0.6, 0.7]) == [1.0, 1.0]
    assert stats.holm([]) == []


# --- ranks ----------------------------------------------------------------------------------------


def test_ranks_of_systems_far_apart_are_certain() -> None:
    samples = np.array([[0.2, 0.21, 0.19], [0.9, 0.8, 0.7], [0.5, 0.4, 0.45]])
    assert stats.rank_intervals(samples).tolist() == [[3, 3], [1, 1], [2, 2]]
    lower_is_better = stats.rank_intervals(samples, higher_is_better=False)
    assert lower_is_better.tolist() == [[1, 1], [3, 3], [2, 2]]


def test_ranks_of_systems_that_swap_span_both_places() -> None:
    rng = np.random.default_rng(2)
    samples = np.vstack([rng.normal(size=(2, 500)), rng.normal(9, size=(1, 500))])
    assert stats.rank_intervals(samples).tolist() == [[2, 3], [2, 3], [1, 1]]


def test_equal_systems_share_the_better_rank() -> None:
    assert stats.rank_intervals(np.ones((3, 10))).tolist() == [[1, 1]] * 3


def test_a_missing_figure_has_no_rank() -> None:
    with pytest.raises(BadOption, match="no rank"):
        stats.rank_intervals(np.array([[0.1, np.nan], [0.2, 0.3]]))


def test_statistics_load_without_scipy() -> None:
    code = "import sys, aacbench.stats; print('scipy' in sys.modules, 'torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]

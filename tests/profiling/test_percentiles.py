"""Percentiles with enough samples or not at all, and intervals that hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from aacbench.profiling.percentiles import (
    LEVEL,
    floor,
    missing,
    needed,
    paired_ratio,
    percentile,
    ranks,
    unsettled,
)


@pytest.mark.parametrize(("percent", "samples"), [(50, 11), (90, 64), (95, 130), (99, 662)])
def test_a_percentile_wants_as_many_samples_as_mlperf_says(percent: float, samples: int):
    assert needed(percent) == samples
    assert percentile(np.arange(samples - 1), percent) is None
    assert percentile(np.arange(samples), percent) is not None


def test_one_that_is_absent_says_how_many_samples_more_are_needed():
    assert missing(95, 100) == "p95 wants 130 samples; there are 100, 30 more are needed"


def test_values_are_numpys():
    samples = np.random.default_rng(0).gamma(2, size=700)
    for percent in (50, 90, 95, 99):
        found = percentile(samples, percent)
        assert found is not None
        assert found.value == np.percentile(samples, percent)
        assert found.low < found.value < found.high


@pytest.mark.parametrize(
    ("n", "percent", "expected"),
    # Of a median, the textbook's table; of others, by the binomial distribution.
    [(20, 50, (6, 15)), (50, 50, (18, 33)), (100, 50, (40, 61)), (130, 95, (118, 129))],
)
def test_bounds_are_the_known_order_statistics(n: int, percent: float, expected: tuple[int, int]):
    assert ranks(n, percent) == expected


@pytest.mark.parametrize("percent", [50, 90])
def test_intervals_hold_the_true_percentile_as_often_as_they_say(percent: float):
    rng = np.random.default_rng(1)
    truth = -np.log(1 - percent / 100)  # of the exponential distribution
    held = 0
    trials = 1000
    for _ in range(trials):
        found = percentile(rng.exponential(size=80), percent)
        assert found is not None
        held += found.low <= truth <= found.high
    assert LEVEL - 0.01 < held / trials < 0.995


def test_a_ratio_is_of_each_clip_with_itself():
    rng = np.random.default_rng(0)
    clips = np.tile(np.arange(10), 6)
    plain = 10.0 ** (clips % 3) * rng.uniform(0.98, 1.02, 60)  # clips differ a hundredfold
    found = paired_ratio(3 * plain * rng.uniform(0.98, 1.02, 60), plain, clips)
    assert found.low <= found.ratio <= found.high
    assert found.ratio == pytest.approx(3, rel=0.02)
    assert found.high - found.low < 0.2
    assert found.clips == 10


def test_the_floor_is_what_is_left_when_others_are_quiet():
    clips = [0, 1, 2] * 4
    quiet = np.array([1.0, 2.0, 3.0] * 4)
    noisy = quiet + np.repeat([5.0, 0.0, 9.0, 7.0], 3)
    assert floor(noisy, clips) == 2.0


def test_latencies_that_go_on_falling_are_not_settled():
    rng = np.random.default_rng(0)
    clips = np.tile(np.arange(8), 8)
    falling = np.linspace(2, 1, 64) * rng.uniform(0.95, 1.05, 64)
    assert "faster than the first" in (unsettled(falling, clips) or "")
    assert "slower than the first" in (unsettled(falling[::-1], clips) or "")
    assert unsettled(rng.uniform(0.9, 1.1, 64), clips) is None


def test_longer_clips_in_the_second_half_are_no_drift():
    rng = np.random.default_rng(0)
    clips = np.repeat(np.arange(8), 8)  # all of a clip's samples lie in one half
    latencies = (1 + clips) * rng.uniform(0.98, 1.02, 64)
    assert unsettled(latencies, clips) is None

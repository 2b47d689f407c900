"""Figures of a classifier against what they are by definition."""

from __future__ import annotations

import numpy as np
import pytest

from aacbench.builtin.classifiers import measure
from aacbench.builtin.classifiers.calibration import Blend, fit_blend, two_columns
from aacbench.builtin.classifiers.sentences import Sentences


def test_temperature_and_shift_are_found_again() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=20_000) * 2
    positive = rng.random(20_000) < 1 / (1 + np.exp(-truth))
    overconfident = ((truth - 0.5) * 4)[:, None]
    blend = fit_blend(overconfident, positive)
    assert blend.weights[0] == pytest.approx(0.25, abs=0.01)
    assert blend.shift == pytest.approx(0.5, abs=0.05)
    calibrated = two_columns(blend(overconfident))[:, 0]
    raw = two_columns(Blend((1.0,))(overconfident))[:, 0]
    assert measure.calibration_error(calibrated, positive) < 0.015
    assert measure.calibration_error(raw, positive) > 0.05


def test_reader_that_is_of_no_use_gets_no_weight() -> None:
    rng = np.random.default_rng(1)
    positive = rng.random(2000) < 0.5
    useful = np.where(positive, 1.0, -1.0) + rng.normal(size=2000)
    blend = fit_blend(np.stack([useful, -useful], 1), positive)
    assert blend.weights[0] > 0.5
    assert blend.weights[1] == 0


def test_calibration_error_of_a_sure_liar_is_one() -> None:
    assert measure.calibration_error(np.ones(10), np.zeros(10, bool)) == 1


def test_kappa_is_zero_by_chance_and_one_in_agreement() -> None:
    first = np.array([True, True, False, False])
    assert measure.kappa(first, np.array([True, False, True, False])) == 0
    assert measure.kappa(first, first) == 1
    assert measure.kappa(np.ones(3, bool), np.ones(3, bool)) == 1


def test_area_counts_ties_as_half() -> None:
    assert measure.area(np.array([0.9, 0.5, 0.5]), np.array([True, True, False])) == 0.75


def test_worst_mistakes_come_by_line_with_the_surest_first() -> None:
    sentences = Sentences(("a", "b", "c"), np.array([True, True, False]), np.array([7, 9, 4]), {})
    found = measure.worst(np.array([0.4, 0.9, 0.99]), sentences)
    assert [(one.positive, one.line) for one in found] == [(False, 4), (True, 7)]


def test_errors_of_either_kind_are_not_mixed_up() -> None:
    found = measure.told_apart(np.array([0.1, 0.9, 0.9, 0.9]), np.array([True, True, False, False]))
    assert found["false_inaudible"] == 0.5
    assert found["false_audible"] == 1.0
    assert found["low"] < found["accuracy"] < found["high"]

"""Texts that differ in their last word alone, read together: the same log odds as one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from aacbench.builtin.classifiers import mini
from aacbench.builtin.classifiers.beginnings import ALIKE, alike
from aacbench.workshop import Workshop

BEGINNINGS = ("", "A ", "A dog ", "Rain falls, and ", "Two people talk while a café's red door ")
ENDINGS = (
    *("barks", "bar", "dog", "dogs", "a", "the", "while", ",", ".", "3", "o'clock", "can't"),
    *("wind,", "é", "café", "über", "rain", "red", "wooden", "12b"),
    *(f"word{letter}" for letter in "abcdefgh"),
    "",
)


@pytest.fixture(scope="module")
def classifier() -> mini.MiniClassifier:
    found = Workshop().build("classifiers", "audibility:mini")
    assert isinstance(found, mini.MiniClassifier)
    return found


def one_by_one(classifier: mini.MiniClassifier, texts: Sequence[str]) -> np.ndarray:
    return np.concatenate([classifier.logits([text]) for text in texts])


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_every_last_word_is_read_as_it_is_alone(classifier: mini.MiniClassifier, beginning: str):
    texts = [beginning + ending for ending in ENDINGS]
    assert len(alike(texts).places) >= ALIKE
    assert classifier.logits(texts) == pytest.approx(one_by_one(classifier, texts), abs=1e-5)


def test_several_beginnings_mixed_and_long_ones_are_each_read_as_alone(
    classifier: mini.MiniClassifier,
):
    longest = "very " * 95
    beginnings = (*BEGINNINGS, longest, longest + "long ", "Once ")
    texts = [b + e for e in ENDINGS for b in beginnings][:-7]
    places = set(alike(texts).places)
    assert 0 < len(places) < len(texts)
    assert classifier.logits(texts) == pytest.approx(one_by_one(classifier, texts), abs=1e-5)


def test_a_few_texts_are_not_worth_it():
    assert not alike([f"A dog {e}" for e in ENDINGS[: ALIKE - 1]]).places


def test_words_are_forgotten_in_time_and_learnt_again(
    classifier: mini.MiniClassifier, monkeypatch: pytest.MonkeyPatch
):
    texts = [f"A dog {ending}" for ending in ENDINGS]
    expected = classifier.logits(texts)
    monkeypatch.setattr(mini, "REMEMBERED", 1)
    assert classifier.logits(texts) == pytest.approx(expected, abs=1e-6)
    assert classifier.logits(texts) == pytest.approx(expected, abs=1e-6)

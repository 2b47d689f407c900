"""Caption length and vocabulary: what they count, over shards and resamples alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy import sparse

from aacbench.builtin.metrics.tokenize import simple
from aacbench.builtin.metrics.wording import Length, Vocabulary, word_column
from aacbench.types import Annotation, Caption, Item


def items_of(*captions: str | None) -> list[Item]:
    return [
        Item(str(number), () if text is None else (Caption(text),), Annotation(("rain",)))
        for number, text in enumerate(captions)
    ]


ITEMS = items_of("a dog barks", "", "A dog, a dog!", None)


def test_length_is_in_words_and_an_empty_caption_has_none() -> None:
    metric = Length("simple")
    scores = metric.score(ITEMS, {})
    np.testing.assert_array_equal(scores.per_clip["caption_length:simple"], [3, 0, 4, np.nan])
    weights = np.array([[1.0, 1, 1, 1], [0, 0, 2, 1], [0, 0, 0, 1]])
    figure = metric.corpus(scores.statistics, weights)["caption_length:simple"]
    np.testing.assert_allclose(figure, [7 / 3, 4, np.nan])


def test_vocabulary_counts_a_word_once_over_all_captions() -> None:
    metric = Vocabulary("simple")
    scores = metric.score(ITEMS, {})
    np.testing.assert_array_equal(scores.per_clip["vocabulary:simple"], [3, 0, 2, np.nan])
    weights = np.array([[1.0, 1, 1, 1], [0, 0, 2, 1], [0, 1, 0, 0], [0, 0, 0, 0]])
    figure = metric.corpus(scores.statistics, weights)["vocabulary:simple"]
    np.testing.assert_array_equal(figure, [3, 2, 0, np.nan])


def test_vocabulary_of_a_real_captioner_is_its_set_of_words(system_items: list[Item]) -> None:
    metric = Vocabulary("simple")
    texts = [item.candidates[0].text for item in system_items]
    statistics = metric.score(system_items, {}).statistics
    figure = metric.corpus(statistics, np.ones((1, len(system_items))))["vocabulary:simple"]
    assert figure[0] == len({word for words in simple(texts) for word in words})


def test_stacked_shards_have_the_vocabulary_of_the_whole(system_items: list[Item]) -> None:
    shards = [
        Vocabulary("simple").score(part, {}).statistics
        for part in (system_items[:300], system_items[300:])
    ]
    whole = Vocabulary("simple").score(system_items, {}).statistics
    weights = np.random.default_rng(1).integers(0, 2, (5, len(system_items))).astype(float)
    metric = Vocabulary("simple")
    np.testing.assert_array_equal(
        metric.corpus(sparse.vstack(shards), weights)["vocabulary:simple"],
        metric.corpus(whole, weights)["vocabulary:simple"],
    )


def test_some_of_the_clips_can_be_taken_from_the_statistics(system_items: list[Item]) -> None:
    metric = Vocabulary("simple")
    some = [3, 700, 41, 1000]
    taken = metric.score(system_items, {}).statistics[np.array(some)]
    alone = metric.score([system_items[row] for row in some], {}).statistics
    ones = np.ones((1, 4))
    assert metric.corpus(taken, ones) == metric.corpus(alone, ones)


def test_the_references_words_all_have_columns_of_their_own(
    clotho: Mapping[str, Annotation],
) -> None:
    texts = [text for annotation in clotho.values() for text in annotation.references]
    words = {word for tokens in simple(texts) for word in tokens}
    assert len(words) > 3000
    assert len(set(map(word_column, words))) == len(words)


@pytest.mark.parametrize("make", [Length, Vocabulary])
def test_no_items_give_no_figures_instead_of_a_crash(make: type[Length | Vocabulary]) -> None:
    metric = make("simple")
    figures = metric.corpus(metric.score([], {}).statistics, np.ones((2, 0)))
    assert all(np.isnan(values).all() and values.shape == (2,) for values in figures.values())

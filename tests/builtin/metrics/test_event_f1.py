"""Event F1: its arithmetic, and the items it must leave out."""

from __future__ import annotations

import numpy as np
import pytest

from aacbench.builtin.metrics.event_f1 import EventF1
from aacbench.types import Annotation, Caption, Event, Item


def word_mentions(text: str) -> frozenset[str]:
    return frozenset(text.split()) & {"dog", "rain", "bell", "siren"}


def item(number: int, caption: str | None, labels: str) -> Item:
    events = tuple(Event(label, 0.0, 1.0) for label in labels.split())
    captions = () if caption is None else (Caption(caption),)
    return Item(str(number), captions, Annotation(("a reference",), events))


ITEMS = [
    item(0, "a dog barks in the rain", "dog rain"),
    item(1, "a dog barks", "bell bell siren"),
    item(2, "nothing to hear", "dog"),
    item(3, "a dog barks", ""),
    item(4, None, "dog"),
]


def test_clips_f1_precision_and_recall() -> None:
    per_clip = EventF1(word_mentions).score(ITEMS, {}).per_clip
    nan = np.nan
    np.testing.assert_array_equal(per_clip["event_f1"], [1, 0, 0, nan, nan])
    np.testing.assert_array_equal(per_clip["event_precision"], [1, 0, nan, nan, nan])
    np.testing.assert_array_equal(per_clip["event_recall"], [1, 0, 0, nan, nan])


def test_corpus_sums_counts_before_dividing() -> None:
    metric = EventF1(word_mentions)
    statistics = metric.score(ITEMS, {}).statistics
    weights = np.array([[1.0] * 5, [2, 0, 1, 0, 0], [0, 0, 0, 1, 1]])
    figures = metric.corpus(statistics, weights)
    np.testing.assert_allclose(figures["event_precision"], [2 / 3, 1, np.nan])
    np.testing.assert_allclose(figures["event_recall"], [2 / 5, 4 / 5, np.nan])
    np.testing.assert_allclose(figures["event_f1"], [4 / 8, 8 / 9, np.nan])


def test_no_items_give_no_figures_instead_of_a_crash() -> None:
    metric = EventF1(word_mentions)
    scores = metric.score([], {})
    assert np.isnan(metric.corpus(scores.statistics, np.ones((1, 0)))["event_f1"]).all()


def test_a_soundbox_reference_names_the_events_it_was_written_for() -> None:
    lexicon = pytest.importorskip(
        "aacbench.builtin.datasets.soundbox.lexicon", reason="soundbox is not built in"
    )
    texts = {label: lexicon.prompt(label) for label in lexicon.labels()}
    items = [item(0, text, label) for label, text in texts.items()]
    per_clip = EventF1(lexicon.mentioned_events).score(items, {}).per_clip
    assert len(texts) > 10
    assert (per_clip["event_recall"] == 1).all()

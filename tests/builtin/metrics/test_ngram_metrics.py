"""BLEU, ROUGE-L and CIDEr-D: equal to the reference tool, and what must hold for any captions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aacbench.builtin.metrics.bleu import Bleu, bleu_from_statistics, bleu_statistics
from aacbench.builtin.metrics.cider_d import CiderD, cider_d, document_frequencies
from aacbench.builtin.metrics.rouge_l import RougeL, common_length, rouge_l, word_places
from aacbench.builtin.metrics.tokenize import simple
from aacbench.errors import AacbenchError
from aacbench.types import Annotation, Caption, Item, Metric, Scores

METRICS = pytest.mark.parametrize("make", [Bleu, RougeL, CiderD])
Make = Callable[[str], Metric]

WORDS = ["a", "dog", "barks", "rain", "falls", "on", "the", "roof", "and", "bird"]
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)
SPOKEN = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join)
CLIPS = st.lists(
    st.tuples(SENTENCES, st.lists(SPOKEN, min_size=1, max_size=4)), min_size=2, max_size=6
)


def items_of(clips: Sequence[tuple[str, Sequence[str]]]) -> list[Item]:
    return [
        Item(str(number), (Caption(caption),), Annotation(tuple(references)))
        for number, (caption, references) in enumerate(clips)
    ]


def scored(make: Make, items: Sequence[Item], target: Sequence[Item] | None = None) -> Scores:
    metric = make("simple")
    metric.prepare({item.clip_id: item.annotation for item in target or items})
    return metric.score(items, {})


def corpus(make: Make, statistics: Any, weights: np.ndarray) -> Mapping[str, np.ndarray]:
    return make("simple").corpus(statistics, np.atleast_2d(weights))


# --- against the reference tool -------------------------------------------------------------------


def reference_figures(items: Sequence[Item]) -> dict[str, tuple[float, np.ndarray]]:
    """aac-metrics' corpus and per-clip figures on the very same words."""
    pytest.importorskip("aac_metrics", reason="aac-metrics is not installed")
    from aac_metrics import functional

    captions = [" ".join(words) for words in simple([item.candidates[0].text for item in items])]
    references = [
        [" ".join(words) for words in simple(item.annotation.references)] for item in items
    ]
    figures = {}
    whole, clips = functional.bleu(captions, references, return_1_to_n=True)
    for order in range(4):
        both = whole["bleu_1_to_4"][order].item(), clips["bleu_1_to_4"][order].numpy()
        figures[f"bleu_{order + 1}:simple"] = both
    for name in ("rouge_l", "cider_d"):
        whole, clips = getattr(functional, name)(captions, references)
        figures[f"{name}:simple"] = whole[name].item(), clips[name].numpy()
    return figures


def assert_equal_to_reference(items: Sequence[Item]) -> None:
    expected = reference_figures(items)
    for make in (Bleu, RougeL, CiderD):
        scores = scored(make, items)
        whole = corpus(make, scores.statistics, np.ones(len(items)))
        for figure, values in scores.per_clip.items():
            np.testing.assert_allclose(values, expected[figure][1], rtol=0, atol=1e-9)
            assert whole[figure][0] == pytest.approx(expected[figure][0], abs=1e-9)


def test_six_captioners_on_clotho_score_as_with_aac_metrics(system_items: list[Item]) -> None:
    assert_equal_to_reference(system_items)


@settings(max_examples=40, deadline=None)
@given(CLIPS)
def test_arbitrary_captions_score_as_with_aac_metrics(clips: list[tuple[str, list[str]]]) -> None:
    assert_equal_to_reference(items_of(clips))


# --- what must hold whatever the captions ---------------------------------------------------------


@METRICS
@settings(max_examples=40, deadline=None)
@given(clips=CLIPS, seed=st.integers(0, 99))
def test_order_of_references_changes_nothing(
    make: Make, clips: list[tuple[str, list[str]]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shuffled = [(caption, list(rng.permutation(references))) for caption, references in clips]
    before, after = scored(make, items_of(clips)), scored(make, items_of(shuffled))
    for figure, values in before.per_clip.items():
        np.testing.assert_allclose(after.per_clip[figure], values, atol=1e-12)


@METRICS
@settings(max_examples=40, deadline=None)
@given(clips=CLIPS, cut=st.integers(0, 6))
def test_shards_give_the_figures_of_the_whole(
    make: Make, clips: list[tuple[str, list[str]]], cut: int
) -> None:
    items = items_of(clips)
    whole = scored(make, items)
    shards = [scored(make, part, items) for part in (items[:cut], items[cut:])]
    for figure, values in whole.per_clip.items():
        parts = np.concatenate([shard.per_clip[figure] for shard in shards])
        np.testing.assert_allclose(parts, values, atol=1e-12)
    stacked = np.concatenate([shard.statistics for shard in shards])
    ones = np.ones(len(items))
    for figure, value in corpus(make, whole.statistics, ones).items():
        assert corpus(make, stacked, ones)[figure] == pytest.approx(value)


@METRICS
@settings(max_examples=40, deadline=None)
@given(clips=CLIPS, data=st.data())
def test_weights_are_copies_of_clips(
    make: Make, clips: list[tuple[str, list[str]]], data: st.DataObject
) -> None:
    weights = data.draw(
        st.lists(st.integers(0, 3), min_size=len(clips), max_size=len(clips)).filter(any)
    )
    statistics = scored(make, items_of(clips)).statistics
    weighted = corpus(make, statistics, np.array(weights, dtype=float))
    copied = corpus(make, np.repeat(statistics, weights, axis=0), np.ones(sum(weights)))
    for figure, value in copied.items():
        np.testing.assert_allclose(weighted[figure], value, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=4, max_size=9), min_size=1, max_size=5))
def test_a_caption_equal_to_its_references_is_perfect(captions: list[list[str]]) -> None:
    texts = [" ".join(words) for words in captions]
    items = items_of([(text, [text, text]) for text in texts])
    for make in (Bleu, RougeL):
        scores = scored(make, items)
        for figure, value in corpus(make, scores.statistics, np.ones(len(items))).items():
            assert value[0] == pytest.approx(1.0)
            assert scores.per_clip[figure] == pytest.approx(1.0)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(WORDS)), st.lists(st.sampled_from(WORDS)))
def test_bit_parallel_subsequence_equals_the_textbook_table(a: list[str], b: list[str]) -> None:
    table = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            table[i + 1, j + 1] = (
                table[i, j] + 1 if left == right else max(table[i, j + 1], table[i + 1, j])
            )
    assert common_length(word_places(tuple(a)), len(a), tuple(b)) == table[-1, -1]


# --- bad input ------------------------------------------------------------------------------------


@METRICS
@pytest.mark.parametrize("caption", ["", " ", "!?", "\ud800", "\U0001f600"])
def test_a_caption_without_words_scores_zero_and_shifts_nobody(make: Make, caption: str) -> None:
    clips = [("a dog barks", ["a dog barks loudly"]), ("rain falls", ["rain falls on a roof"])]
    with_empty = [clips[0], (caption, ["the birds sing"]), clips[1]]
    target = items_of(with_empty)
    scores = scored(make, target)
    for figure, values in scores.per_clip.items():
        assert values[1] == 0.0
        alone = scored(make, [target[2]], target).per_clip[figure]
        assert values[2] == alone[0] > 0


@METRICS
def test_no_items_give_no_figures_instead_of_a_crash(make: Make) -> None:
    scores = scored(make, [], items_of([("a", ["a"]), ("b", ["b"])]))
    assert all(values.shape == (0,) for values in scores.per_clip.values())
    for values in corpus(make, scores.statistics, np.ones((3, 0))).values():
        assert values.shape == (3,)
        assert np.isnan(values).all()


@METRICS
def test_an_empty_reference_is_ignored(make: Make) -> None:
    clips = [("a dog barks", ["a dog barks loudly", "dogs"]), ("rain", ["rain falls"])]
    padded = [("a dog barks", ["", "a dog barks loudly", "...", "dogs"]), clips[1]]
    expected, found = scored(make, items_of(clips)), scored(make, items_of(padded))
    for figure, values in expected.per_clip.items():
        np.testing.assert_array_equal(found.per_clip[figure], values)


@METRICS
@pytest.mark.parametrize("broken", ["no references", "empty references", "no caption"])
def test_what_cannot_be_scored_is_nan_and_stays_out_of_the_corpus(make: Make, broken: str) -> None:
    clips = items_of([("a dog barks", ["a dog barks"]), ("rain falls", ["it is raining"])])
    captions = () if broken == "no caption" else (Caption("a dog"),)
    references = {"no references": (), "empty references": ("", " ")}.get(broken, ("a dog",))
    items = [*clips, Item("broken", captions, Annotation(references))]
    scores = scored(make, items, clips)
    expected = corpus(make, scored(make, clips).statistics, np.ones(2))
    for figure, values in scores.per_clip.items():
        assert np.isnan(values[2])
        assert not np.isnan(values[:2]).any()
        assert corpus(make, scores.statistics, np.ones(3))[figure] == expected[figure]


@METRICS
def test_ten_thousand_words_are_scored(make: Make) -> None:
    long = " ".join(["a dog barks", "rain falls"] * 2000)
    scores = scored(make, items_of([(long, ["a dog barks", long]), ("rain", ["rain falls"])]))
    assert all(np.isfinite(values).all() for values in scores.per_clip.values())


def test_cider_d_of_a_part_of_a_target_does_not_depend_on_the_part(
    system_items: list[Item],
) -> None:
    whole = scored(CiderD, system_items).per_clip["cider_d:simple"]
    part = scored(CiderD, system_items[100:110], system_items).per_clip["cider_d:simple"]
    np.testing.assert_allclose(part, whole[100:110], atol=1e-12)


def test_cider_d_without_document_frequencies_is_refused() -> None:
    with pytest.raises(AacbenchError, match="document frequencies"):
        CiderD("simple").score(items_of([("a", ["a"])]), {})


def test_cider_d_of_a_target_of_one_clip_is_undefined() -> None:
    frequencies = document_frequencies([[("a", "dog")]])
    assert np.isnan(cider_d([("a", "dog")], [[("a", "dog")]], frequencies)).all()


# --- worked examples ------------------------------------------------------------------------------


def test_bleu_counts_a_repeated_word_no_oftener_than_one_reference_has_it() -> None:
    candidate = ("the",) * 7
    references = [("the", "cat", "is", "on", "the", "mat"), ("there", "is", "a", "cat")]
    statistics = bleu_statistics([candidate], [references])
    assert statistics[0].tolist() == [6, 7, 6, 5, 4, 2, 0, 0, 0]
    assert bleu_from_statistics(statistics)[0, 0] == pytest.approx(2 / 7)


def test_bleu_takes_the_shorter_of_two_equally_near_references() -> None:
    statistics = bleu_statistics([("a",) * 5], [[("b",) * 7, ("b",) * 3]])
    assert statistics[0, 0] == 3


def test_rouge_l_takes_precision_and_recall_from_different_references() -> None:
    candidate = ("a", "dog", "barks", "loudly")
    references = [("dog",), ("a", "dog", "barks", "at", "a", "bird", "again", "now")]
    assert rouge_l(candidate, references) == pytest.approx(2.44 * 0.75 / (1 + 1.44 * 0.75))

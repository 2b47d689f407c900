"""Texts made of sentences carry the right label, or the classifier learns nonsense."""

from __future__ import annotations

import numpy as np
import pytest

from aacbench.builtin.classifiers.augmentation import Author, Mixture, bare, phrases, telling_words
from aacbench.builtin.classifiers.sentences import Sentences

AUDIBLE = ["Rain drums on the roof.", "A dog barks twice.", "Bells ring over the valley."]
SILENT = ["Grey paint covers the wall.", "Grey coats hang in a closet.", "Glaciers move slowly."]


@pytest.fixture
def sentences() -> Sentences:
    positive = np.array([True] * len(AUDIBLE) + [False] * len(SILENT))
    return Sentences((*AUDIBLE, *SILENT), positive, np.arange(6), {})


def made(sentences: Sentences, mixture: Mixture, count: int = 400) -> list[tuple[str, bool]]:
    texts, kinds = Author(sentences, mixture).write(np.random.default_rng(0), count)
    return list(zip((text.lower().rstrip(".") for text in texts), kinds, strict=True))


def parts(texts: list[str]) -> list[str]:
    return [bare(text).lower() for text in texts]


def test_joined_text_is_positive_only_when_all_of_it_is(sentences: Sentences) -> None:
    silent = parts(SILENT)
    seen = set()
    for text, kind in made(sentences, Mixture(0, 1, 0, 0)):
        whole_silent = any(part in text for part in silent)
        whole_audible = sum(part in text for part in parts(AUDIBLE))
        if whole_silent:
            assert not kind, text
            seen.add(whole_audible > 0)
        if kind:
            assert "grey" not in text.split()[:-1], text  # one word of a part may be heard
    assert True in seen  # a silent part beside an audible one


def test_beginning_keeps_the_label_of_its_sentence(sentences: Sentences) -> None:
    for text, kind in made(sentences, Mixture(1, 0, 0, 0)):
        wholes = [whole.lower() for whole in (AUDIBLE if kind else SILENT)]
        assert any(whole.startswith(text) for whole in wholes), (text, kind)


def test_foreign_word_or_phrase_spoils_an_audible_sentence(sentences: Sentences) -> None:
    for mixture in (Mixture(0, 0, 1, 0), Mixture(0, 0, 0, 1)):
        spoilt = [text for text, kind in made(sentences, mixture) if not kind]
        audible = parts(AUDIBLE)
        assert any("in a closet" in text or "grey" in text for text in spoilt)
        beside = [text for text in spoilt if any(part in text for part in audible)]
        assert beside or mixture.graft  # a word may be put into the middle


def test_telling_words_are_those_of_one_kind(sentences: Sentences) -> None:
    assert telling_words(sentences)[False] == ["grey"]


def test_phrases_are_taken_from_their_preposition_on() -> None:
    assert phrases(SILENT) == ["in a closet"]


def test_kinds_are_balanced_and_the_same_seed_writes_the_same(sentences: Sentences) -> None:
    texts = made(sentences, Mixture(0.2, 0, 0, 0), 1000)
    assert 0.44 < np.mean([kind for _, kind in texts]) < 0.56
    assert texts == made(sentences, Mixture(0.2, 0, 0, 0), 1000)


def test_abbreviation_keeps_its_capitals() -> None:
    assert bare("TV noises.") == "TV noises"
    assert bare("A dog.") == "a dog"


def test_detail_is_put_into_an_audible_sentence_and_decides_its_label(
    sentences: Sentences,
) -> None:
    texts = made(sentences, Mixture(0, 0, 0, 0, 1))
    audible = {word for part in parts(AUDIBLE) for word in part.split()}
    added = {True: set(), False: set()}
    for text, kind in texts:
        assert "{" not in text, text
        added[kind] |= set(text.replace(",", "").split()) - audible
    assert {"loudly", "muffled", "nearby"} <= added[True]
    assert {"red", "sunny", "wearing"} <= added[False]
    assert added[True] & added[False] <= {"the", "in", "an", "a", "over", "and", "for"}


def test_article_fits_the_detail_that_follows_it(sentences: Sentences) -> None:
    texts = [text for text, _ in made(sentences, Mixture(0, 0, 0, 0, 1), 2000)]
    assert any("an orange dog" in text or "an ugly dog" in text for text in texts)
    assert not any("a orange dog" in text or "a ugly dog" in text for text in texts)


def test_a_control_with_shuffled_labels_gets_no_detail() -> None:
    from aacbench.builtin.classifiers.augmentation import mixture_of
    from aacbench.builtin.classifiers.options import ClassifierTrainOptions

    assert mixture_of(ClassifierTrainOptions(detail=0.1)).detail == 0.1
    assert mixture_of(ClassifierTrainOptions(detail=0.1, shuffle_labels=True)).detail == 0.0

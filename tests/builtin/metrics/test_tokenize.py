"""The simple tokeniser: what parts words, and what bad input must not do."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aacbench.builtin.metrics.tokenize import figure_id, simple, simple_tokens, tokeniser
from aacbench.errors import UnknownName
from aacbench.types import Annotation


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A dog barks.", ["a", "dog", "barks"]),
        ("A bird's song; the dogs' bowl", ["a", "bird's", "song", "the", "dogs", "bowl"]),
        ("It isn\u2019t 'loud'", ["it", "isn't", "loud"]),
        ("walkie-talkie - and -- then\u2014bang", ["walkie-talkie", "and", "then", "bang"]),
        (
            "wind,rain and 3.5 or 1,000 drops.",
            ["wind", "rain", "and", "3.5", "or", "1,000", "drops"],
        ),
        ("car/truck_(diesel)", ["car", "truck", "diesel"]),
        ("\uff32\uff41\uff49\uff4e and \ufb01re", ["rain", "and", "fire"]),
        ("E\u0301tude cafe\u0301", ["étude", "café"]),
        ("हिन्दी में बारिश", ["हिन्दी", "में", "बारिश"]),
        ("co\u00adoperate\u200b", ["cooperate"]),
    ],
)
def test_words_are_parted_as_documented(text: str, words: list[str]) -> None:
    assert list(simple_tokens(text)) == words


@pytest.mark.parametrize(
    "separator",
    ["\n", "\r", "\r\n", "\t", "\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\u2028", "\u2029", "\x00"],
)
def test_line_separators_and_control_characters_part_words(separator: str) -> None:
    assert simple_tokens(f"rain{separator}falls") == ("rain", "falls")


@pytest.mark.parametrize("text", ["", "   ", "...", "?!", "'-'", "\U0001f600\ufe0f", "\ud800", "_"])
def test_captions_without_letters_or_digits_have_no_words(text: str) -> None:
    assert simple_tokens(text) == ()


def test_lone_surrogates_and_emoji_vanish_from_among_words() -> None:
    assert simple_tokens("a \ud83d dog\udc15 \U0001f415 barks") == ("a", "dog", "barks")


def test_one_bad_caption_does_not_shift_its_neighbours() -> None:
    texts = ["rain falls", "a\u2028b\r\nc", "a dog barks"]
    assert simple(texts)[2] == ("a", "dog", "barks")
    assert len(simple(texts)) == 3


@given(st.text())
def test_words_survive_being_joined_and_split_at_spaces(text: str) -> None:
    words = simple_tokens(text)
    assert " ".join(words).split() == list(words)
    assert all(any(map(str.isalnum, word)) for word in words)


@given(st.text())
def test_tokenising_twice_changes_nothing(text: str) -> None:
    once = simple_tokens(text)
    assert simple_tokens(" ".join(once)) == once


def test_every_reference_of_clotho_has_words(clotho: Mapping[str, Annotation]) -> None:
    texts = [text for annotation in clotho.values() for text in annotation.references]
    assert all(len(words) >= 5 for words in simple(texts))


def test_unknown_tokeniser_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match="simpel"):
        tokeniser("simpel")


def test_only_the_fields_own_tokeniser_gives_the_fields_own_ids() -> None:
    assert figure_id("bleu_4", "simple") == "bleu_4:simple"
    assert figure_id("bleu_4", "ptb") == "bleu_4"

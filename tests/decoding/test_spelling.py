"""Texts of candidates, made from pieces: letter for letter what decoding each would give."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from aacbench.decoding.looking_ahead import spelt
from aacbench.decoding.spelling import Spelling, tidied

SENTENCES = (
    "A dog barks, then 3 people laugh; it's loud.",
    "Un café bruyant où l'on parle \u2013 très fort!",
    "雨が降っている。 犬が吠える。",
    "Rain  falls\ton a roof\nwhile wind blows (hard) 🐕 barks",
    "straße ßharp éclair",
)


class Bytes:
    """A byte-level tokenizer as those here are, with as few merges as leave characters in parts."""

    def __init__(self, vocabulary: int) -> None:
        self._tokenizer = Tokenizer(models.BPE())
        self._tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=["<end>"],
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        )
        self._tokenizer.train_from_iterator(SENTENCES * 3, trainer)
        self.end = 0
        self.size = self._tokenizer.get_vocab_size()
        self._spelling = Spelling(self._tokenizer.decode)

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        return tidied(self._tokenizer.decode(list(tokens)))

    def continuations(self, prefix: Sequence[int], tokens: Sequence[int]) -> list[str]:
        return self._spelling.continuations(prefix, tokens)


TOKENIZERS = {size: Bytes(size) for size in (270, 400)}


@pytest.mark.parametrize("size", TOKENIZERS)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_token_after_every_beginning_is_spelt_as_decoding_spells_it(size: int, sentence: str):
    tokenizer = TOKENIZERS[size]
    tokens = tokenizer.encode(sentence)
    everything = range(tokenizer.size)
    for length in range(len(tokens) + 1):
        prefix = tokens[:length]
        expected = [tokenizer.decode([*prefix, token]) for token in everything]
        assert tokenizer.continuations(prefix, everything) == expected


@given(st.lists(st.integers(0, 399), max_size=8), st.lists(st.integers(0, 399), max_size=5))
def test_even_what_nobody_would_say_is_spelt_as_decoding_spells_it(
    prefix: list[int], tokens: list[int]
):
    tokenizer = TOKENIZERS[400]
    last = tokenizer.size - 1
    prefix, tokens = [min(t, last) for t in prefix], [min(t, last) for t in tokens]
    expected = [tokenizer.decode([*prefix, token]) for token in tokens]
    assert tokenizer.continuations(prefix, tokens) == expected


def test_candidates_of_several_rows_come_back_in_the_order_in_which_they_were_asked():
    tokenizer = TOKENIZERS[400]
    first, second = (tuple(tokenizer.encode(text)) for text in ("A dog", "Rain"))
    prefixes = [first, second, first]
    asked = [(2, 30), (1, 31), (0, 30), (0, tokenizer.end), (1, 30), (2, 33)]
    expected = [
        tokenizer.decode([*prefixes[row], token] if token != tokenizer.end else prefixes[row])
        for row, token in asked
    ]
    assert spelt(tokenizer, prefixes, asked) == expected


def test_a_tokenizer_without_the_method_is_asked_for_each_distinct_text_once():
    class Counting:
        end, size = 0, 50

        def __init__(self) -> None:
            self.asked: list[tuple[int, ...]] = []

        def encode(self, text: str) -> list[int]:
            return [int(word) for word in text.split()]

        def decode(self, tokens: Sequence[int]) -> str:
            self.asked.append(tuple(tokens))
            return " ".join(map(str, tokens))

    tokenizer = Counting()
    texts = spelt(tokenizer, [(1, 2), (1, 2), (3,)], [(0, 7), (1, 7), (2, 7), (2, 0)])
    assert texts == ["1 2 7", "1 2 7", "3 7", "3"]
    assert sorted(tokenizer.asked) == [(1, 2, 7), (3,), (3, 7)]

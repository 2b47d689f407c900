"""Counting n-grams of many texts at once, as sorted integers rather than tuples of words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aacbench.builtin.metrics.tokenize import Tokens

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import FloatArray

    IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """How often each n-gram of one order occurs in each text.

    `text`, `gram` and `count`, (entries,), are sorted by text, then n-gram. `keys`, (n-grams,),
    is sorted and names each n-gram by its parts: the number of the n-gram one shorter that it
    starts with, times the number of distinct words, plus its last word's number.
    """

    text: IntArray
    gram: IntArray
    count: IntArray
    keys: IntArray


def number_words(texts: Sequence[Tokens]) -> tuple[dict[str, int], IntArray]:
    """Each distinct word's number, and all texts' words, end to end, as numbers."""
    numbers: dict[str, int] = {}
    flat = [numbers.setdefault(word, len(numbers)) for words in texts for word in words]
    return numbers, np.array(flat, dtype=np.int64)


def count_ngrams(texts: Sequence[Tokens], orders: int) -> tuple[Mapping[str, int], list[Counts]]:
    """The words' numbers, and the counts for n-grams of 1 to `orders` words."""
    numbers, words = number_words(texts)
    text = np.repeat(np.arange(len(texts)), [len(words) for words in texts])
    return numbers, list(_orders(words, text, max(1, len(numbers)), orders))


def _orders(words: IntArray, text: IntArray, size: int, orders: int) -> Iterator[Counts]:
    starts = np.arange(len(words))
    grams, keys = words, np.arange(size)
    yield _counted(text, grams, keys)
    for order in range(2, orders + 1):
        # A longer n-gram starts where a shorter one does and must end in the same text.
        fits = starts + order - 1 < len(words)
        fits[fits] = text[starts[fits]] == text[starts[fits] + order - 1]
        starts = starts[fits]
        keys, grams = np.unique(grams[fits] * size + words[starts + order - 1], return_inverse=True)
        yield _counted(text[starts], grams, keys)


def _counted(text: IntArray, grams: IntArray, keys: IntArray) -> Counts:
    size = max(1, len(keys))
    pairs, count = np.unique(text * size + grams, return_counts=True)
    return Counts(pairs // size, pairs % size, count, keys)


def positions(sorted_keys: IntArray, wanted: IntArray) -> IntArray:
    """Where each wanted key stands among the sorted ones, -1 where it does not."""
    if not len(sorted_keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
    return np.where(sorted_keys[at] == wanted, at, -1)


def summed(values: FloatArray, place: IntArray, size: int) -> FloatArray:
    """(size,) sums of the values that share a place; floats even where there are none."""
    return np.bincount(place, weights=values, minlength=size).astype(np.float64)

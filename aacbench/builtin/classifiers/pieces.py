"""Words to numbers: word pieces, longest match first, and hashed runs of letters.

The vocabulary of pieces is plain data (it travels in the weights file), so a classifier reads text
without any tokeniser's library. Case, accents and punctuation but the comma are not read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from zlib import crc32

_WORD = re.compile(r"[a-z]+|[0-9]|,")
INNER = "##"  # marks a piece that does not begin a word
LONGEST_WORD = 40  # letters that are read
LONGEST_TEXT = 96  # words that are read; a caption has twenty
RUNS = (3, 4, 5)  # letters in a run


def spoken_words(text: str) -> list[str]:
    """The first `LONGEST_TEXT` words of a text, lower-case; digits and commas stand alone."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
    return _WORD.findall(text.lower())[:LONGEST_TEXT]


def readable(piece: str) -> bool:
    """Whether a piece of a vocabulary can be met in `spoken_words`."""
    return bool(_WORD.fullmatch(piece.removeprefix(INNER)))


def runs(word: str, buckets: int) -> list[int]:
    """The buckets of a word's runs of letters, its two ends marked, and of the word itself."""
    marked = f"<{word[:LONGEST_WORD]}>"
    found = [
        marked[start : start + length]
        for length in RUNS
        for start in range(len(marked) - length + 1)
    ]
    return [bucket(run, buckets) for run in [*found, f"={word}"]]


def bucket(text: str, buckets: int) -> int:
    """The bucket that a string falls into, the same on every machine."""
    return crc32(text.encode()) % buckets


class Pieces:
    """`vocabulary` lists the pieces by number; those that continue a word begin with ``##``."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        self._numbers = {piece: number for number, piece in enumerate(self.vocabulary)}
        self._longest = max(map(len, self.vocabulary), default=0)

    def split(self, word: str) -> Iterator[int]:
        """The numbers of a word's pieces; a letter that the vocabulary lacks says nothing."""
        word = word[:LONGEST_WORD]
        start = 0
        while start < len(word):
            mark = INNER if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                number = self._numbers.get(mark + word[start:end])
                if number is not None:
                    yield number
                    start = end
                    break
            else:
                start += 1

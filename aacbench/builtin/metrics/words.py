"""Items as words: what every word-counting metric starts from, and how missing words are treated.

The rules are the same for all of them. Only the best caption of an item counts. An empty caption
is a caption that says nothing, and scores 0. An item without any caption, or without a reference
that has a word in it, cannot be scored: its figures are NaN and it stays out of the corpus figure.
A reference without words is ignored in favour of the clip's others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from aacbench.builtin.metrics.tokenize import Tokeniser, Tokens

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import Item


@dataclass(frozen=True)
class Words:
    """`candidates` holds one token list an item and `references` its usable references';
    `scorable`, (items,), says which items have both a caption and a reference."""

    candidates: list[Tokens]
    references: list[list[Tokens]]
    scorable: npt.NDArray[np.bool_]


def best_captions(items: Sequence[Item]) -> list[str | None]:
    """Each item's best caption, None where it has none."""
    return [item.candidates[0].text if item.candidates else None for item in items]


def reference_words(references: Sequence[Sequence[str]], tokenise: Tokeniser) -> list[list[Tokens]]:
    """The usable references of each clip as words, tokenised in one call."""
    flat = tokenise([text for texts in references for text in texts])
    ends = np.cumsum([0, *map(len, references)]).tolist()
    return [[words for words in flat[start:end] if words] for start, end in pairwise(ends)]


def words_of(items: Sequence[Item], tokenise: Tokeniser) -> Words:
    """The items' captions and references as words."""
    captions = best_captions(items)
    candidates = tokenise([caption or "" for caption in captions])
    references = reference_words([item.annotation.references for item in items], tokenise)
    scorable = [
        caption is not None and bool(words)
        for caption, words in zip(captions, references, strict=True)
    ]
    return Words(candidates, references, np.array(scorable, dtype=np.bool_))

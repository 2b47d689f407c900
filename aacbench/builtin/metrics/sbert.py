"""Sentence similarity: the mean cosine between a caption's embedding and its references'.

This is the similarity half of FENSE (Zhou et al. 2022, section 3.1) with another, small model:
multilingual-e5-small in four bits, which needs numpy alone. E5 was trained with a low softmax
temperature, so its cosines lie close together: about .75 for unrelated sentences, .9 and more for
paraphrases. They are not rescaled; compare systems, not sizes, and never with FENSE's figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aacbench.builtin.metrics.means import ClipMean, batched
from aacbench.builtin.metrics.ngrams import summed
from aacbench.builtin.metrics.words import best_captions
from aacbench.builtin.plain_text import plain

if TYPE_CHECKING:
    from aacbench.builtin.e5 import Embed
    from aacbench.types import FloatArray, Item


class SentenceSimilarity(ClipMean):
    """Mean over references of the cosine to the caption; the corpus figure is the mean over clips.

    `embed` takes texts as `plain` leaves them. An empty caption scores 0; an empty reference is
    ignored; an item without a usable reference is NaN.
    """

    def __init__(self, figure: str, embed: Embed) -> None:
        super().__init__(figure)
        self._embed = embed

    def values(self, items: Sequence[Item]) -> FloatArray:
        """(items,) cosines in [-1, 1]."""
        captions = [None if text is None else plain(text) for text in best_captions(items)]
        references = [
            [text for text in map(plain, item.annotation.references) if text] for item in items
        ]
        scorable = [
            caption is not None and bool(texts)
            for caption, texts in zip(captions, references, strict=True)
        ]
        said = [bool(caption) and able for caption, able in zip(captions, scorable, strict=True)]
        values = np.where(scorable, 0.0, np.nan)
        values[said] = self._similarities(
            [caption or "" for caption, speaks in zip(captions, said, strict=True) if speaks],
            [texts for texts, speaks in zip(references, said, strict=True) if speaks],
        )
        return values

    def _similarities(
        self, captions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> FloatArray:
        everything = [*captions, *(text for texts in references for text in texts)]
        vectors = batched(self._embed, everything, self.report)
        sizes = np.array([len(texts) for texts in references], dtype=np.int64)
        owner = np.repeat(np.arange(len(captions)), sizes)
        cosines = np.einsum("ij,ij->i", vectors[: len(captions)][owner], vectors[len(captions) :])
        return summed(cosines, owner, len(captions)) / sizes

"""Metrics whose corpus figure is the mean over clips: the part they have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench.builtin.metrics.ngrams import summed
from aacbench.builtin.metrics.words import best_captions
from aacbench.builtin.plain_text import plain
from aacbench.types import Annotation, Item, Scores

if TYPE_CHECKING:
    from aacbench.types import FloatArray

    Report = Callable[[int, int], None]

BATCH = 64


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """`numerator / denominator`, NaN where the denominator is 0."""
    quotient = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient


def weighted_mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    """(resamples,) means of `values`, (items,), under `weights`, (resamples, items).

    NaN items count for nothing; a resample without any other item has the mean NaN.
    """
    known = np.isfinite(values)
    return ratio(weights @ np.where(known, values, 0.0), weights @ known.astype(np.float64))


def batched(
    rows: Callable[[Sequence[str]], FloatArray], texts: Sequence[str], report: Report | None
) -> FloatArray:
    """``rows(texts)``, one row a text, asked for batch by batch so that `report` can be told."""
    parts = []
    for start in range(0, max(1, len(texts)), BATCH):
        batch = texts[start : start + BATCH]
        parts.append(rows(batch))
        if report and batch:
            report(start + len(batch), len(texts))
    return np.concatenate(parts)


class ClipMean:
    """A metric of one figure: each clip has a value, the corpus figure is their mean.

    `report(done, of)` is told how far a long computation has come; None where nobody listens.
    """

    report: Report | None = None

    def __init__(self, figure: str) -> None:
        self.figure = figure

    def values(self, items: Sequence[Item]) -> FloatArray:
        """(items,) values, NaN for an item that cannot be scored."""
        raise NotImplementedError

    def prepare(self, annotations: Mapping[str, Annotation]) -> None:
        """Nothing depends on the whole target."""

    def score(self, items: Sequence[Item], parts: Mapping[str, Scores]) -> Scores:
        """Per-clip values; the statistics are the values, (items, 1)."""
        return self._scores(self.values(items))

    def corpus(self, statistics: Any, weights: FloatArray) -> Mapping[str, FloatArray]:
        """The weighted mean of the clips that have a value."""
        return {self.figure: weighted_mean(statistics[:, 0], weights)}

    def _scores(self, values: FloatArray) -> Scores:
        return Scores({self.figure: values}, values[:, None])


class CaptionMean(ClipMean):
    """A figure read off a caption without its references, so that those can be scored as well:
    how people fare says what a figure is worth.

    An empty caption says nothing and scores 0. An item without a caption, or that is not `able`
    to be judged, is NaN.
    """

    def judge(self, texts: Sequence[str], items: Sequence[Item]) -> FloatArray:
        """(texts,) values: each text, which is not empty, as a caption of the item at its place."""
        raise NotImplementedError

    def able(self, item: Item) -> bool:
        """Whether an item carries what judging takes."""
        return True

    def values(self, items: Sequence[Item]) -> FloatArray:
        """(items,) values of the best captions."""
        values = np.full(len(items), np.nan)
        said = {}
        for row, (caption, item) in enumerate(zip(best_captions(items), items, strict=True)):
            if caption is not None and self.able(item):
                values[row] = 0.0
                if text := plain(caption):
                    said[row] = text
        if said:
            values[[*said]] = self.judge([*said.values()], [items[row] for row in said])
        return values

    def score_references(self, items: Sequence[Item]) -> Scores:
        """As `score`, of what people said: an item's value is the mean over its references."""
        said = [
            (row, text)
            for row, item in enumerate(items)
            if self.able(item)
            for text in map(plain, item.annotation.references)
            if text
        ]
        if not said:
            return self._scores(np.full(len(items), np.nan))
        owner = np.array([row for row, _ in said])
        judged = self.judge([text for _, text in said], [items[row] for row in owner])
        counts = np.bincount(owner, minlength=len(items)).astype(np.float64)
        return self._scores(ratio(summed(judged, owner, len(items)), counts))

"""Metrics whose corpus figure is the mean over clips: the part they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench.types import Annotation, Item, Scores

if TYPE_CHECKING:
    from aacbench.types import FloatArray


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


class ClipMean:
    """A metric of one figure: each clip has a value, the corpus figure is their mean."""

    def __init__(self, figure: str) -> None:
        self.figure = figure

    def values(self, items: Sequence[Item]) -> FloatArray:
        """(items,) values, NaN for an item that cannot be scored."""
        raise NotImplementedError

    def prepare(self, annotations: Mapping[str, Annotation]) -> None:
        """Nothing depends on the whole target."""

    def score(self, items: Sequence[Item], parts: Mapping[str, Scores]) -> Scores:
        """Per-clip values; the statistics are the values, (items, 1)."""
        values = self.values(items)
        return Scores({self.figure: values}, values[:, None])

    def corpus(self, statistics: Any, weights: FloatArray) -> Mapping[str, FloatArray]:
        """The weighted mean of the clips that have a value."""
        return {self.figure: weighted_mean(statistics[:, 0], weights)}

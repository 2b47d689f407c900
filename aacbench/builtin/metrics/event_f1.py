"""Which of a clip's sound events a caption names: for clips whose events are known for certain.

Both sides are sets, so that neither the order of events nor how often one sounds matters.
Corpus figures are micro averages: true positives, false positives and misses are summed over
clips first. A clip of three events then weighs more than a clip of one, and a single mention cannot
swing a clip of one event from 1 to 0, as it would in a mean of clips' F1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench.builtin.metrics.means import ratio
from aacbench.builtin.metrics.words import best_captions
from aacbench.types import Annotation, Item, Scores

if TYPE_CHECKING:
    from aacbench.types import FloatArray

Mentions = Callable[[str], frozenset[str]]


def event_statistics(named: frozenset[str], present: frozenset[str]) -> tuple[int, int, int]:
    """Events named and present, named and absent, present and not named."""
    return len(named & present), len(named - present), len(present - named)


def event_figures(statistics: FloatArray) -> dict[str, FloatArray]:
    """Precision, recall and F1 of each row of `event_statistics` or of sums of such rows.

    Each is (rows,), in [0, 1]. Precision is NaN where a caption names no event; all three are
    where the clip has no events and none is named.
    """
    both, absent, missed = statistics.T
    return {
        "event_f1": ratio(2 * both, 2 * both + absent + missed),
        "event_precision": ratio(both, both + absent),
        "event_recall": ratio(both, both + missed),
    }


class EventF1:
    """F1, precision and recall of the events a caption names.

    `mentions` says which events a caption names. An item without known events or without a
    caption is NaN and stays out of the corpus figures.
    """

    def __init__(self, mentions: Mentions) -> None:
        self._mentions = mentions

    def prepare(self, annotations: Mapping[str, Annotation]) -> None:
        """Nothing depends on the whole target."""

    def score(self, items: Sequence[Item], parts: Mapping[str, Scores]) -> Scores:
        """Per-clip figures; the statistics are (items, 3) counts, zeros where NaN."""
        counts = [
            self._counts(caption, item)
            for caption, item in zip(best_captions(items), items, strict=True)
        ]
        statistics = np.array(counts, dtype=np.float64).reshape(len(items), 3)
        return Scores(event_figures(statistics), statistics)

    def corpus(self, statistics: Any, weights: FloatArray) -> Mapping[str, FloatArray]:
        """The figures of the weighted sums of the counts."""
        return event_figures(weights @ statistics)

    def _counts(self, caption: str | None, item: Item) -> tuple[int, int, int]:
        present = frozenset(event.label for event in item.annotation.events)
        if caption is None or not present:
            return 0, 0, 0
        return event_statistics(self._mentions(caption), present)

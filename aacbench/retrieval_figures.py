"""Rankings both ways -> figures: the metric `retrieval` of each query, with intervals over clips.

Captions of one clip are no independent queries: what is drawn anew is clips, each with all of its
captions. A figure is the mean over queries, as DCASE's task of language-based retrieval has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from aacbench import catalog, scoring
from aacbench.rankings import Place, Places, numbered
from aacbench.specs import Figure, MetricSpec
from aacbench.types import Annotation, Caption, Item, Metric, Ranking, Scores
from aacbench.workshop import Workshop

if TYPE_CHECKING:
    from aacbench.types import FloatArray

METRIC = "builtin/retrieval"
WAYS = ("t2a", "a2t")
"""Text to audio: each caption looks for its clip. Audio to text: each clip for its captions."""


class BothWays:
    """The figures of `metric`, which scores one query, as means over the queries of each way.

    Statistics are (clips, 2, 1 + figures): how many queries of a way a clip stands for, and the
    sums of their figures.
    """

    def __init__(self, metric: Metric, places: Sequence[Places], names: Sequence[str]) -> None:
        self._metric = metric
        self._places = places
        self._names = names

    def prepare(self, annotations: Mapping[str, Annotation]) -> None:
        """Nothing depends on the whole target: its size is in the ranks."""

    def score(self, items: Sequence[Item], parts: Mapping[str, Scores]) -> Scores:
        """Means over the queries of each clip; NaN where it stands for none."""
        statistics = np.zeros((len(items), len(WAYS), 1 + len(self._names)))
        for way in range(len(WAYS)):
            owners, queries = self._queries(way)
            found = self._metric.score(queries, {}).per_clip
            values = np.stack([np.ones(len(queries)), *(found[name] for name in self._names)], 1)
            np.add.at(statistics[:, way], owners, values)
        with np.errstate(invalid="ignore"):
            means = statistics[:, :, 1:] / statistics[:, :, :1]
        return Scores(self._named(np.moveaxis(means, 0, -1)), statistics)

    def corpus(self, statistics: Any, weights: FloatArray) -> Mapping[str, FloatArray]:
        """Means over the queries of the clips drawn, each (resamples,)."""
        flat = statistics.reshape(len(statistics), -1)
        sums = (weights @ flat).reshape(len(weights), *statistics.shape[1:])
        with np.errstate(invalid="ignore"):
            means = sums[:, :, 1:] / sums[:, :, :1]
        return self._named(np.moveaxis(means, 0, -1))

    def _queries(self, way: int) -> tuple[list[int], list[Item]]:
        """The queries of a way, each with its ranking, and the row of the clip it belongs to."""
        owners, queries = [], []
        for row, one in enumerate(self._places):
            asked = [(place,) for place in one.to_audio] if way == 0 else [one.to_text]
            for number, places in enumerate(asked):
                if places:
                    name = f"{one.clip_id}#{number}"
                    queries.append(Item(name, (), Annotation(()), ranking=ranking(places)))
                    owners.append(row)
        return owners, queries

    def _named(self, values: FloatArray) -> dict[str, FloatArray]:
        """(ways, figures, n) values by their ids."""
        return {
            f"{way}.{name}": values[number, place]
            for number, way in enumerate(WAYS)
            for place, name in enumerate(self._names)
        }


def ranking(places: Sequence[Place]) -> Ranking:
    """A ranking that has what is right at these places: all that figures by rank need of one."""
    right = {place: f"right {number}" for number, place in enumerate(places) if place is not None}
    found = (right.get(at, f"other {at}") for at in range(1, max(right, default=0) + 1))
    missed = (f"right {number}" for number, place in enumerate(places) if place is None)
    return Ranking(tuple(found), frozenset([*right.values(), *missed]))


def score(
    annotations: Mapping[str, Annotation],
    places: Mapping[str, Places],
    workshop: Workshop,
    seed: int = 0,
) -> scoring.Scored:
    """Figures both ways of the clips that were ranked, in the target's order.

    An item's caption is the one that its clip found first, where `places` say which.
    """
    ranked = [name for name in annotations if name in places]
    items = tuple(_item(places[name], annotations) for name in ranked)
    choice = catalog.choose("metrics", METRIC)
    spec = cast(MetricSpec, choice.spec)
    names = [figure.id for figure in spec.figures]
    both = BothWays(workshop.make(choice), [places[name] for name in ranked], names)
    scores = both.score(items, {})
    known = [Figure(f"{way}.{name}") for way in WAYS for name in names]
    figures = scoring.figures_of(choice, both, scores, items, seed, known) if items else {}
    lost = dict.fromkeys(scores.per_clip, "no clip that was ranked gives it") if items else {}
    absent = {name: reason for name, reason in lost.items() if name not in figures}
    kept = {spec.name: (cast(Metric, both), scores)}
    return scoring.Scored(items, figures, scores.per_clip, absent, kept)


def _item(places: Places, annotations: Mapping[str, Annotation]) -> Item:
    text = ""
    if places.first is not None:
        clip, _, number = places.first.rpartition("#")
        text = annotations[clip].references[int(number)]
    return Item(places.clip_id, (Caption(text),), annotations[places.clip_id])


def queries(
    annotations: Mapping[str, Annotation], places: Mapping[str, Places]
) -> dict[str, dict[str, int]]:
    """How many queries there were each way; of the captions, how many read like one of another
    clip, whose sound is then as right and counts as wrong."""
    texts = {
        name: {text for _, text in numbered(annotations[name])}
        for name in places
        if name in annotations
    }
    owners = Counter(text for several in texts.values() for text in several)
    captions = [text for name in texts for _, text in numbered(annotations[name])]
    return {
        "t2a": {"queries": len(captions), "shared": sum(owners[text] > 1 for text in captions)},
        "a2t": {"queries": sum(bool(one.to_text) for one in places.values())},
    }

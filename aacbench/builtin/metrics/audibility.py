"""Audibility: the share of captions that keep to what can be heard.

`aud` asks a classifier (Shaulov et al., Table II: "audibility accuracy"); its judge errs too, and
says how often. `aud_true` asks the word list that the generated references were written from, and
needs no judge. Per-clip values are 1 and 0, so an exact McNemar test
can tell two captioners apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench.builtin.metrics.means import CaptionMean, batched
from aacbench.builtin.plain_text import plain
from aacbench.errors import BadOption, nearest
from aacbench.stats import wilson

if TYPE_CHECKING:
    from aacbench.types import Classifier, FloatArray, Item, Scores

AUDIBLE_FROM = 0.5


class Audibility(CaptionMean):
    """1 where the classifier gives a caption's `positive_label` a probability of .5 or more."""

    def __init__(self, figure: str, classifier: Classifier, positive_label: str) -> None:
        super().__init__(figure)
        if positive_label not in classifier.labels:
            raise BadOption(
                f"aud: the classifier has no label '{positive_label}'.",
                nearest(positive_label, classifier.labels),
            )
        self._classifier = classifier
        self._column = classifier.labels.index(positive_label)
        self._known: dict[str, float] = {}
        self._here = ""

    def judge(self, texts: Sequence[str], items: Sequence[Item]) -> FloatArray:
        """(texts,) ones and zeros."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            found = batched(self._classifier.probabilities, new, self.report)
            audible = found[:, self._column] >= AUDIBLE_FROM
            self._known.update(zip(new, audible.astype(np.float64).tolist(), strict=True))
        return np.array([self._known[text] for text in texts])

    def score_references(self, items: Sequence[Item]) -> Scores:
        """What people said, judged alike; where the truth about it is known, the judge's error."""
        scores = super().score_references(items)
        heard, unheard = references_by_truth(items)
        if heard and unheard:
            shares = [_percent(self.judge(texts, ()).mean()) for texts in (heard, unheard)]
            self._here = (
                f"; of this target's references it calls {shares[0]} % audible where all can be "
                f"heard, {shares[1]} % where something cannot"
            )
        return scores

    def notes(self) -> Mapping[str, str]:
        """How far the judge can be trusted: as its weights say, and on the scored references."""
        error = judges_error(getattr(self._classifier, "held_out", None))
        return {self.figure: error + self._here}


def references_by_truth(items: Sequence[Item]) -> tuple[list[str], list[str]]:
    """The references in which nothing is marked as inaudible, and those in which something is."""
    heard: list[str] = []
    unheard: list[str] = []
    for item in items:
        marked = {span.reference for span in item.annotation.inaudible}
        for number, reference in enumerate(item.annotation.references):
            if text := plain(reference):
                (unheard if number in marked else heard).append(text)
    return heard, unheard


def judges_error(held_out: Mapping[str, Any] | None) -> str:
    """A classifier's error on sentences that it did not learn from, in words.

    `held_out` has `n` sentences, their `error`, `false_audible` (of the inaudible ones, those that
    are called audible) and `false_inaudible` (of the audible ones, those that are not), as shares.
    """
    if not held_out:
        return "the judge's own error is not known"
    n = int(held_out["n"])
    error = wilson(round(held_out["error"] * n), n)
    text = (
        f"the judge errs on {_percent(error.estimate)} % "
        f"[{_percent(error.low)}, {_percent(error.high)}] of {n} held-out sentences"
    )
    sides = [held_out.get("false_inaudible"), held_out.get("false_audible")]
    if None not in sides:
        text += ", {} % of the audible and {} % of the others".format(*map(_percent, sides))
    return text


def _percent(share: Any) -> str:
    return f"{100 * share:.1f}"


class TrueAudibility(CaptionMean):
    """1 where a caption mentions nothing that cannot be heard; `mentions` gives the stretches of
    a text that do. For targets whose truth is in that lexicon's words."""

    def __init__(self, mentions: Callable[[str], Sequence[Any]]) -> None:
        super().__init__("aud_true")
        self._mentions = mentions

    def able(self, item: Item) -> bool:
        """Whether the truth about the clip is known."""
        return bool(item.annotation.events)

    def judge(self, texts: Sequence[str], items: Sequence[Item]) -> FloatArray:
        """(texts,) ones and zeros."""
        return np.array([not self._mentions(text) for text in texts], dtype=np.float64)

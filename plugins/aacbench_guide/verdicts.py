"""What a classifier says of texts, each text asked about once.

Candidates of one step are mostly those of the step before, and captions of one kind of clip begin
alike, so what was said is remembered over steps, tokens and clips. The classifier must say the same
of a text every time. It need not do so to the last bit: a text keeps what was said when it was
first asked about, in the company that it was in then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aacbench.errors import PluginFault
from aacbench.types import Classifier

REMEMBERED = 100_000
"""Texts; with them come as many older ones, some 40 MB together."""


class Verdicts:
    """P(label) by a classifier, of which `name` is what its user calls it."""

    def __init__(self, classifier: Classifier, name: str, label: str) -> None:
        self.classifier = classifier
        self.name = name
        self.label = label
        self.column = classifier.labels.index(label)
        self._recent: dict[str, float] = {}
        self._older: dict[str, float] = {}

    def of(self, texts: Sequence[str]) -> list[float]:
        """P(label) of each text; a text without words has none of the label."""
        if len(self._recent) > REMEMBERED:
            self._recent, self._older = {}, self._recent
        known, new = self._recent, []
        for text in dict.fromkeys(texts):
            if text not in known:
                if text in self._older:
                    known[text] = self._older[text]
                elif text.strip():
                    new.append(text)
                else:
                    known[text] = 0.0
        if new:
            known.update(zip(new, self._asked(new), strict=True))
        return [known[text] for text in texts]

    def _asked(self, texts: Sequence[str]) -> list[float]:
        verdicts: Any = self.classifier.probabilities(texts)
        shape = (len(texts), len(self.classifier.labels))
        if np.shape(verdicts) != shape:
            raise PluginFault(
                f"classifier '{self.name}' gave {np.shape(verdicts)} probabilities "
                f"where {shape} were due.",
                "probabilities(texts) gives a row a text and a column a label.",
            )
        column = np.asarray(verdicts)[:, self.column]
        for place in np.flatnonzero(~((column >= 0) & (column <= 1)))[:1]:
            raise PluginFault(
                f"classifier '{self.name}' gave {column[place]} as the probability "
                f"that '{texts[place]}' is {self.label}.",
                "Check its weights: aacbench show, aacbench doctor.",
            )
        found: list[float] = column.tolist()
        return found

"""Shaulov et al.'s guide: candidate continuations are read by a classifier, and its verdicts become
a loss on the next token's distribution (equations 1 to 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aacbench.decoding import Prediction, Steering
from aacbench.errors import BadOption, PluginFault, nearest
from aacbench.types import Classifier
from aacbench_guide.options import GuideOptions


class ClassifierGuide:
    """A `Guide`: any classifier of text, driving any captioner that can be guided.

    The classifier is not differentiated through: it reads each candidate's caption so far as a
    string, and its verdict weighs that candidate.
    """

    def __init__(self, classifier: Classifier, options: GuideOptions) -> None:
        if options.label not in classifier.labels:
            raise BadOption(
                f"'{options.classifier}' has no label '{options.label}'.",
                nearest(options.label, classifier.labels),
            )
        self.classifier = classifier
        self.column = classifier.labels.index(options.label)
        self.options = options
        self.beams = options.beams
        self.steering = Steering(
            options.steps,
            options.step_size,
            options.norm_exponent,
            options.norm_floor,
            options.layers,
            options.moved,
            options.reset,
            options.fusion,
        )

    def loss(self, prediction: Prediction) -> Tensor:
        """Equation 3, (rows,)."""
        fluency = self._fluency(prediction.log_probabilities, prediction.unperturbed)
        verdict = self._verdict(prediction)
        return self.options.fluency_weight * fluency + self.options.classifier_weight * verdict

    def _fluency(self, moved: Tensor, plain: Tensor) -> Tensor:
        """Equation 2, (rows,)."""
        if self.options.fluency == "cross_entropy":
            return -(plain.exp() * moved).sum(-1)
        return (moved.exp() * (moved - plain)).sum(-1)

    def _verdict(self, prediction: Prediction) -> Tensor:
        """Equation 1 by candidates, (rows,)."""
        if self.options.rescore or "classified" not in prediction.kept:
            prediction.kept["classified"] = self._classified(prediction)
        candidates, heard = prediction.kept["classified"]
        moved = prediction.log_probabilities.gather(1, candidates)  # (rows, candidates)
        if self.options.loss == "expectation":
            chance = moved.log_softmax(-1)  # of a candidate, given that it is one of them
            return -(chance + heard.clamp(min=1e-6).log()).logsumexp(-1)
        target = self._target(heard, prediction.unperturbed.gather(1, candidates))
        return -(target * moved).sum(-1)

    def _target(self, heard: Tensor, plain: Tensor) -> Tensor:
        """What the candidates' distribution should be, (rows, candidates)."""
        if self.options.loss == "target":
            return (heard / self.options.temperature).softmax(-1)
        weight = heard.clamp(min=1e-6).log() / self.options.temperature
        return (plain + weight).softmax(-1)

    def _classified(self, prediction: Prediction) -> tuple[Tensor, Tensor]:
        """The likeliest next tokens and P(label) of the captions they would make; both are
        (rows, candidates). A caption without words has none of the label."""
        distribution = prediction.log_probabilities.detach()
        count = min(self.options.candidates, distribution.shape[1])
        candidates = distribution.topk(count, dim=-1).indices
        known: dict[tuple[int, int], float] = prediction.kept.setdefault("known", {})
        listed = candidates.tolist()
        asked = [
            (row, token)
            for row, tokens in enumerate(listed)
            for token in tokens
            if (row, token) not in known
        ]
        texts = prediction.complete(asked, self.options.lookahead)
        known.update(zip(asked, self._heard(texts), strict=True))
        heard = [[known[row, token] for token in tokens] for row, tokens in enumerate(listed)]
        probabilities = torch.tensor(heard, device=distribution.device)
        return candidates, probabilities.clamp(max=self.options.enough)

    def _heard(self, texts: Sequence[str]) -> list[float]:
        """P(label) of each text."""
        spoken = [text for text in texts if text.strip()]
        verdicts: Any = self.classifier.probabilities(spoken) if spoken else np.zeros((0, 1))
        shape = (len(spoken), len(self.classifier.labels))
        if spoken and np.shape(verdicts) != shape:
            raise PluginFault(
                f"classifier '{self.options.classifier}' gave {np.shape(verdicts)} probabilities "
                f"where {shape} were due.",
                "probabilities(texts) gives a row a text and a column a label.",
            )
        column = iter(verdicts[:, self.column].tolist() if spoken else ())
        found = [next(column) if text.strip() else 0.0 for text in texts]
        for text, probability in zip(texts, found, strict=True):
            if not 0.0 <= probability <= 1.0:
                raise PluginFault(
                    f"classifier '{self.options.classifier}' gave {probability} as the probability "
                    f"that '{text}' is {self.options.label}.",
                    "Check its weights: aacbench show, aacbench doctor.",
                )
        return found

"""Shaulov et al.'s guide: candidate continuations are read by a classifier, and its verdicts become
a loss on the next token's distribution (equations 1 to 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from aacbench.decoding import Prediction, Steering
from aacbench.errors import BadOption, nearest
from aacbench.types import Classifier
from aacbench_guide.options import GuideOptions
from aacbench_guide.terms import cross_entropy, divergence
from aacbench_guide.verdicts import Verdicts


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
        self.verdicts = Verdicts(classifier, options.classifier, options.label)
        self.options = options
        self.beams = options.beams
        self.steering = Steering.of(options)

    def loss(self, prediction: Prediction) -> Tensor:
        """Equation 3, (rows,)."""
        fluency = self._fluency(prediction.log_probabilities, prediction.unperturbed)
        verdict = self._verdict(prediction)
        return self.options.fluency_weight * fluency + self.options.classifier_weight * verdict

    def _fluency(self, moved: Tensor, plain: Tensor) -> Tensor:
        """Equation 2, (rows,)."""
        if self.options.fluency == "cross_entropy":
            return cross_entropy(moved, plain)
        return divergence(moved, plain)

    def _verdict(self, prediction: Prediction) -> Tensor:
        """Equation 1 by candidates, (rows,)."""
        if self.options.rescore or "classified" not in prediction.kept:
            prediction.kept["classified"] = self._classified(prediction)
        candidates, heard = prediction.kept["classified"]
        moved = prediction.log_probabilities.gather(1, candidates)  # (rows, candidates)
        if self.options.loss == "expectation":
            chance = moved.log_softmax(-1)  # of a candidate, given that it is one of them
            return -(chance + heard.clamp(min=1e-6).log()).logsumexp(-1)
        plain = prediction.unperturbed.gather(1, candidates)
        unsayable = plain == -torch.inf
        target = self._target(heard, plain).masked_fill(unsayable, -torch.inf).softmax(-1)
        return -(target * moved.masked_fill(unsayable, 0.0)).sum(-1)

    def _target(self, heard: Tensor, plain: Tensor) -> Tensor:
        """What the candidates' distribution should be, as logits, (rows, candidates)."""
        if self.options.loss == "target":
            return heard / self.options.temperature
        return plain + heard.clamp(min=1e-6).log() / self.options.temperature

    def _classified(self, prediction: Prediction) -> tuple[Tensor, Tensor]:
        """The likeliest next tokens and P(label) of the captions they would make; both are
        (rows, candidates)."""
        distribution = prediction.log_probabilities.detach()
        count = min(self.options.candidates, distribution.shape[1])
        candidates = distribution.topk(count, dim=-1).indices
        known: Tensor | None = prediction.kept.get("known")  # (rows, vocabulary), NaN: not asked
        if known is None:
            known = prediction.kept["known"] = torch.full_like(distribution, torch.nan)
        rows, places = known.gather(1, candidates).isnan().nonzero(as_tuple=True)
        if len(rows):
            tokens = candidates[rows, places]
            asked = list(zip(rows.tolist(), tokens.tolist(), strict=True))
            texts = prediction.complete(asked, self.options.lookahead)
            known[rows, tokens] = known.new_tensor(self.verdicts.of(texts))
        return candidates, known.gather(1, candidates).clamp(max=self.options.enough)

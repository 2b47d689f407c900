"""Guides that want given tokens, for tests of the loop that they steer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from aacbench.decoding import Decoding, Prediction, Steering, decode
from aacbench.types import Caption, Clip

PLAIN = Steering(steps=3, step_size=2.0, norm_exponent=0.0, fusion=1.0)
SETTINGS = Decoding(beams=1, max_tokens=8)


class Wish:
    """Wants some tokens to be likely: the loss is their negative log probability."""

    beams = 1

    def __init__(self, *tokens: int, steering: Steering = PLAIN, weight: float = 1.0) -> None:
        self.tokens = tokens
        self.steering = steering
        self.weight = weight
        self.seen: list[Prediction] = []

    def loss(self, prediction: Prediction) -> Tensor:
        self.seen.append(prediction)
        wanted = prediction.log_probabilities[:, list(self.tokens)]
        return -self.weight * wanted.logsumexp(-1)


def guided(
    captioner: Any, several: Sequence[Clip], *guides: Any, settings: Decoding = SETTINGS
) -> list[Caption]:
    return decode(captioner, several, settings, guides)

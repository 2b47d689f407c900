"""The one decoding loop: every captioner that can be stepped token by token is decoded here."""

from aacbench.decoding.guiding import Prediction
from aacbench.decoding.search import Decoding, GuidedCaptioner, Hypothesis, decode, search
from aacbench.decoding.steering import Steering

__all__ = [
    "Decoding",
    "GuidedCaptioner",
    "Hypothesis",
    "Prediction",
    "Steering",
    "decode",
    "search",
]

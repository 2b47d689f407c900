"""Captioners that come with aacbench: `hf`, for any model of transformers, and three baselines.

The baselines say again what somebody said of another sound; every captioner should beat them. Each
is built from the training captions of the data set after the ``@``: ``nearest@clotho``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from aacbench.builtin.captioners import hf
from aacbench.specs import CaptionerSpec, Choice, Context

if TYPE_CHECKING:
    from aacbench.builtin.captioners.baselines import Frequent, Nearest, Random
    from aacbench.hookspecs import Register


class NearestOptions(BaseModel):
    """Options of `nearest`."""

    encoder: str = Field("clap:small", description="the space in which captions are near a sound")
    k: int = Field(1, ge=1, description="of so many nearest captions, the one most like the others")


NEAREST = CaptionerSpec(
    name="nearest",
    summary="the training caption closest to the sound in an encoder's space, or the k nearest's "
    "consensus",
    licence="Apache-2.0",
    options=NearestOptions,
    parts={"encoder": "encoders"},
    source_is_dataset=True,
)
FREQUENT = CaptionerSpec(
    name="frequent",
    summary="the most frequent training caption, whatever the sound",
    licence="Apache-2.0",
    source_is_dataset=True,
)
RANDOM = CaptionerSpec(
    name="random",
    summary="a random training caption; which one depends on the seed and the clip's id",
    licence="Apache-2.0",
    source_is_dataset=True,
)


def _nearest(choice: Choice, context: Context) -> Nearest:
    from aacbench.builtin.captioners.baselines import Nearest, training_captions

    expression = choice.options.encoder
    encoder = context.build("encoders", expression)
    return Nearest(training_captions(choice, context), encoder, expression, choice.options.k)


def _frequent(choice: Choice, context: Context) -> Frequent:
    from aacbench.builtin.captioners.baselines import Frequent, training_captions

    return Frequent(training_captions(choice, context))


def _random(choice: Choice, context: Context) -> Random:
    from aacbench.builtin.captioners.baselines import Random, training_captions

    return Random(training_captions(choice, context), context.seed)


def register(register: Register) -> None:
    """Register `hf` and the three baselines."""
    hf.register(register)
    register(NEAREST, _nearest)
    register(FREQUENT, _frequent)
    register(RANDOM, _random)

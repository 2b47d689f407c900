"""`clap`: sound and text in the space of all-MiniLM-L6-v2; small stand-ins for the large CLAPs.

`clap:mini` is a small CNN trained here on synthetic sound and runs with nothing but this package;
`clap:small` hears with a real AudioSet tagger. Both share one text side, so a model that writes
from this space takes either.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from aacbench.presets import read_presets
from aacbench.specs import Choice, Context, EncoderSpec, Requirement, Trainer
from aacbench.types import Encoder

if TYPE_CHECKING:
    from aacbench.hookspecs import Register

TAGGER = "efficientat/mn04"
LABELS = "efficientat/labels"


class ClapOptions(BaseModel):
    """Options of `clap`: `ears` is which sound model hears, and is set by the preset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ears: Literal["cnn", "tagger"] = "cnn"
    weights: Path | None = Field(
        None, description="trained weights to use in place of those of the preset"
    )
    top: int = Field(5, ge=1, le=527, description="tagger: how many classes are said in words")


def spec() -> EncoderSpec:
    """What `clap` says about itself."""
    return EncoderSpec(
        name="clap",
        summary="small audio encoders in the text space of all-MiniLM-L6-v2",
        licence="Apache-2.0",
        options=ClapOptions,
        presets=read_presets(__name__),
        default_preset="mini",
        requires=(
            Requirement("torch", "pip install aacbench"),
            Requirement("sentence_transformers", "pip install aacbench"),
        ),
        weight_options=("weights",),
        trainer=Trainer(
            options="aacbench.builtin.encoders.clap.options:ClapTrainOptions",
            run="aacbench.builtin.encoders.clap.train:train",
        ),
    )


def make(choice: Choice, context: Context) -> Encoder:
    """The encoder that the choice's options ask for."""
    options: ClapOptions = choice.options
    if options.ears == "tagger":
        from aacbench import assets
        from aacbench.builtin.encoders.clap.small import build_small

        # The user's own weights are a head; the tagger below it stays the preset's.
        return build_small(
            assets.find(TAGGER), assets.find(LABELS), options.top, options.weights, context.device
        )
    from aacbench.builtin.encoders.clap.mini import build_mini

    (weights,) = context.weights(choice).values()
    return build_mini(weights, context.device)


def register(register: Register) -> None:
    """Register the encoder."""
    register(spec(), make)

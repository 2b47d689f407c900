"""`clap`: sound and text in one space: small stand-ins for the large CLAPs, and these themselves.

`clap:mini` is a small CNN trained here on synthetic sound and runs with nothing but this package;
`clap:small` hears with a real AudioSet tagger. Both share one text side, all-MiniLM-L6-v2, so a
model that writes from this space takes either. `clap:tags-e5` has the tagger's ears and another
text side: it is there to judge. `clap:paper` is what the papers use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from aacbench.errors import BadOption
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

    ears: Literal["cnn", "tagger", "tagger-e5", "paper"] = "cnn"
    weights: Path | None = Field(
        None, description="trained weights to use in place of those of the preset"
    )
    top: int = Field(5, ge=1, le=527, description="tagger: how many classes are said in words")
    model: str | None = Field(None, description="paper: which published CLAP; set by the source")
    path: Path | None = Field(
        None, description="paper@file: a checkpoint, or a folder as the hub has it"
    )
    tokenizer: Path | None = Field(None, description="paper: the folder of a tokenizer")
    crop: Literal["random", "start", "middle"] = Field(
        "random", description="paper: where a long sound is cut; random is drawn from seed and clip"
    )
    seed: int = Field(0, description="paper: of the random cuts")
    slips: bool = Field(True, description="paper: repeat the published code's slips")
    backend: Literal["transformers", "laion"] = Field(
        "transformers", description="paper: our reading of the weights, or LAION's own package"
    )


def spec() -> EncoderSpec:
    """What `clap` says about itself."""
    return EncoderSpec(
        name="clap",
        summary="sound and text in one space: small encoders that ship, and the papers' CLAPs",
        licence="Apache-2.0",
        options=ClapOptions,
        presets=read_presets(__name__),
        default_preset="mini",
        requires=(
            Requirement("torch", "pip install aacbench"),
            Requirement("sentence_transformers", "pip install aacbench"),
        ),
        weight_options=("weights", "path"),
        trainer=Trainer(
            options="aacbench.builtin.encoders.clap.options:ClapTrainOptions",
            run="aacbench.builtin.encoders.clap.train:train",
        ),
    )


def make(choice: Choice, context: Context) -> Encoder:
    """The encoder that the choice's options ask for."""
    options: ClapOptions = choice.options
    if options.ears == "paper":
        from aacbench.builtin.encoders.clap.paper.build import build_paper

        return build_paper(choice, context)
    if options.ears == "tagger-e5":
        return _make_tags_e5(options, context)
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


def _make_tags_e5(options: ClapOptions, context: Context) -> Encoder:
    from aacbench import assets
    from aacbench.builtin.encoders.clap.small import build_tags_e5

    if options.weights is not None:
        raise BadOption(
            "clap:tags-e5 takes no weights: a trained head points into another text space.",
            f"Write clap:small(weights={options.weights}).",
        )
    return build_tags_e5(assets.find(TAGGER), assets.find(LABELS), options.top, context.device)


def register(register: Register) -> None:
    """Register the encoder."""
    register(spec(), make)

"""`clip`: pictures and text in one space, for captioners that see (Radford et al., 2021).

Built like the encoders of sound, with `embed_image` in the place of `embed_audio`, so that a
captioner which takes an encoder takes this one. `clip:paper` is what ClipCap and CLIPScore use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from aacbench.errors import BadOption
from aacbench.perceiving import ImageEncoder, ImageEncoderSpec
from aacbench.presets import read_presets
from aacbench.specs import Choice, Context, Requirement

if TYPE_CHECKING:
    from aacbench.hookspecs import Register

OWN_FOLDER = "file"  # the source that reads a model of the user's own
WEIGHTS = "asset:clip/weights"


class ClipOptions(BaseModel):
    """Options of `clip`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path | None = Field(None, description="paper@file: a CLIP's folder, as the hub has it")


def spec() -> ImageEncoderSpec:
    """What `clip` says about itself."""
    return ImageEncoderSpec(
        name="clip",
        summary="pictures and text in one space, for captioners that see: CLIP ViT-B/32",
        paper="Radford et al., Learning transferable visual models from natural language "
        "supervision, ICML 2021",
        licence="Apache-2.0",
        options=ClipOptions,
        presets=read_presets(__name__),
        default_preset="paper",
        requires=(
            Requirement("torch", "pip install aacbench"),
            Requirement("PIL", "pip install 'aacbench[images]'"),
        ),
        weight_options=("path",),
    )


def make(choice: Choice, context: Context) -> ImageEncoder:
    """The encoder that the choice asks for."""
    options: ClipOptions = choice.options
    if (choice.source == OWN_FOLDER) != (options.path is not None):
        raise BadOption(
            "clip:paper: 'path' and the source '@file' go together.",
            "Write clip:paper@file(path=FOLDER), or leave 'path' out.",
        )
    from aacbench.builtin.clip_model import load_picture_space
    from aacbench.builtin.encoders.clip.encoder import ClipEncoder

    found = context.weights(choice)
    folder = found["path"] if options.path is not None else found[WEIGHTS].parent
    return ClipEncoder(load_picture_space(folder, context.device))


def register(register: Register) -> None:
    """Register the encoder."""
    register(spec(), make)

"""What a captioner perceives of clips: their sound through an encoder of sounds, their picture
through one of pictures.

A captioner that calls `perceive` hears or sees, whichever its encoder does, and the rest of it is
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeGuard, cast

from aacbench.errors import BadAudio, BadData, BadOption
from aacbench.specs import EncoderSpec
from aacbench.types import Clip, Encoder

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Rows = npt.NDArray[np.float32]

NO_PICTURE = "Choose a target with pictures, such as coco or flickr8k, or an encoder of sounds."
NO_SOUND = "Choose a target with sounds, or an encoder of pictures: encoder=clip:paper"


class ImageEncoder(Protocol):
    """Pictures and text in one space; every row is float32 and, unless asked for otherwise, of
    unit length. It has no `embed_audio`."""

    dim: int

    def embed_image(self, clips: Sequence[Clip], unit: bool = True) -> Rows:
        """(clips, dim); without `unit`, rows as long as the model makes them."""
        ...

    def embed_text(self, texts: Sequence[str]) -> Rows:
        """(texts, dim)."""
        ...


@dataclass(frozen=True, kw_only=True)
class ImageEncoderSpec(EncoderSpec):
    """An encoder of pictures and text: a captioner that is made of it sees, and needs no sound."""


def sees(encoder: object) -> TypeGuard[ImageEncoder]:
    """Whether an encoder looks at a clip's picture rather than listens to its sound."""
    return hasattr(encoder, "embed_image") and not hasattr(encoder, "embed_audio")


def perceive(encoder: Encoder | ImageEncoder, clips: Sequence[Clip], unit: bool = True) -> Rows:
    """(clips, dim) float32: of each clip its sound's row, or its picture's, in order.

    Rows are of unit length; without `unit` they are as long as the encoder's model makes them,
    which only an encoder of pictures can give (`BadOption` from others). Raises `BadAudio` for a
    clip without sound where the encoder hears, and `BadData` for one without a picture where it
    sees.
    """
    if sees(encoder):
        for clip in clips:
            if clip.image is None:
                raise BadData(f"clip {clip.id!r} has no picture to look at", NO_PICTURE)
        return encoder.embed_image(clips, unit)
    if not unit:
        raise BadOption(
            "these weights read rows as long as an encoder of pictures makes them, and this "
            "encoder hears.",
            "Write encoder=clip:paper",
        )
    for clip in clips:
        if clip.audio is None:
            raise BadAudio(f"clip {clip.id!r} has no sound, only a picture", NO_SOUND)
    return cast(Encoder, encoder).embed_audio(clips)

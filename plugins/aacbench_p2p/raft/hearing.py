"""What is heard of a sound: an encoder's vector, or its frames over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from aacbench.audio import duration
from aacbench.errors import BadData, BadOption
from aacbench.knowledge.sounds import clips_of
from aacbench.perceiving import perceive
from aacbench.specs import Context
from aacbench.types import Clip, Example
from aacbench_p2p.raft.options import RaftArchitecture

Heard = Callable[[Sequence[Clip]], list[Tensor]]


@dataclass(frozen=True)
class Windows:
    """Spectrograms for ears that learn: (windows, views, time, bands), and of each sound how many
    windows are its own and how many of their frames are sound."""

    spectrograms: Tensor
    own: tuple[int, ...]
    frames: tuple[int, ...]

    def through(self, ears: nn.Module, pool: int) -> Tensor:
        """(frames, dim) of all sounds, one after another, pooled."""
        heard = ears(self.spectrograms).flatten(0, 1)  # (windows * frames of one, dim)
        each = len(heard) // len(self.spectrograms)
        parts = heard.split([windows * each for windows in self.own])
        return torch.cat([pooled(p[:n], pool) for p, n in zip(parts, self.frames, strict=True)])


def pooled(frames: Tensor, stride: int) -> Tensor:
    """(frames, dim) -> (frames / stride, dim), the mean of each `stride` (section 3.1)."""
    if stride == 1:
        return frames
    return functional.avg_pool1d(frames.T[None], stride, ceil_mode=True)[0].T


def width_of(encoder: Any, expression: str, hears: str) -> int:
    """How many numbers a frame has; `BadOption` where the encoder gives none."""
    if hears == "vector":
        return int(encoder.dim)
    if not hasattr(encoder, "audio_frames"):
        raise BadOption(
            f"'{expression}' gives one vector a sound, and frames over time are asked for.",
            "Choose an encoder that gives frames: clap:paper@laion-unfused",
        )
    return int(encoder.frame_dim)


class Hearing:
    """An encoder as a model's ears.

    A model that hears frames needs an encoder with ``audio_frames(clips, longest)``, which gives
    (frames, `frame_dim`) of each clip.
    """

    def __init__(self, encoder: Any, expression: str, shape: RaftArchitecture) -> None:
        self.encoder = encoder
        self.shape = shape
        self.dim = width_of(encoder, expression, shape.hears)
        if self.dim != shape.dim:
            raise BadData(
                f"These weights were trained on sounds of {shape.dim} numbers, '{expression}' "
                f"gives {self.dim}.",
                "Use the encoder that they were trained with, or train anew with this one.",
            )

    def clips(self, clips: Sequence[Clip]) -> list[Tensor]:
        """(frames, dim) of each clip, pooled; one frame where a clip is one vector."""
        if self.shape.hears == "vector":
            return [torch.from_numpy(row)[None] for row in perceive(self.encoder, clips)]
        heard = self.encoder.audio_frames(clips, self.shape.longest)
        return [pooled(torch.from_numpy(frames), self.shape.pool) for frames in heard]

    def windows(self, clips: Sequence[Clip]) -> Windows:
        """The same before the ears, for training them."""
        several = [self.encoder.audio_windows(clip, self.shape.longest) for clip in clips]
        return Windows(
            torch.cat([windows for windows, _ in several]),
            tuple(len(windows) for windows, _ in several),
            tuple(frames for _, frames in several),
        )

    def long(self, clip: Clip) -> bool:
        """Whether a clip gets the length token; one that is heard as a vector never does."""
        if self.shape.hears == "vector":
            return False
        return (duration(clip) or 0.0) > self.shape.long


class Shown:
    """Examples as the same model hears them.

    By ``"vectors"``, the retriever's own vectors are what was heard: right where it looks with the
    model's own encoder, and only of models that hear one vector. By ``"clips"``, the examples'
    sounds are heard anew.
    """

    def __init__(self, hearing: Hearing, how: str, hear: Heard, context: Context | None) -> None:
        """`hear` hears clips as the model does, by ears of its own where it has some."""
        if how == "vectors" and hearing.shape.hears == "frames":
            how = "clips"
        self._hearing = hearing
        self._hear = hear
        self._how = how
        self._context = context

    def hear(self, several: Sequence[Sequence[Example]]) -> list[list[tuple[Tensor, bool]]]:
        """The frames of every example of every clip, and whether it gets the length token."""
        if self._how == "vectors":
            return [[(self._vector(e), False) for e in examples] for examples in several]
        known = clips_of(self._context, [e for examples in several for e in examples])
        clips = list(known.values())
        frames = dict(zip(known, self._hear(clips), strict=True))
        return [
            [
                (frames[e.dataset, e.clip_id], self._hearing.long(known[e.dataset, e.clip_id]))
                for e in examples
            ]
            for examples in several
        ]

    def _vector(self, example: Example) -> Tensor:
        if len(example.heard) != self._hearing.dim:
            raise BadOption(
                f"The examples were heard as {len(example.heard)} numbers, and this model hears "
                f"{self._hearing.dim}: the retriever looks in another space.",
                "Give the retriever this model's encoder, or the model examples=clips.",
            )
        return torch.from_numpy(example.heard)[None].float()

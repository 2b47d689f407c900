"""Clips and captions to a knowledge base's embeddings, wherever that is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from aacbench import audio
from aacbench.errors import AacbenchError, BadAudio, PluginFault
from aacbench.knowledge.planning import Given
from aacbench.knowledge.shards import Half
from aacbench.perceiving import perceive
from aacbench.specs import Context
from aacbench.types import Clip, Encoder
from aacbench.workshop import Workshop

UNREADABLE, TOO_LONG = "unreadable", "too_long"


@dataclass(frozen=True)
class Prepared:
    """A clip with its sound decoded, or the reason why it stays out and more of that in words."""

    given: Given
    left_out: tuple[str, str] | None = None


@dataclass(frozen=True)
class Embedded:
    """A group's clips that go in, their embeddings, (clips, dim), and those of all their captions
    in order, (pairs, dim); of the clips that do not go in, the reason and who it is."""

    given: tuple[Given, ...]
    audio: Half
    text: Half
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Decode:
    """Decodes a clip's sound, unless it is longer than `longest` seconds."""

    longest: float | None = None

    def __call__(self, given: Given) -> Prepared:
        try:
            told = audio.duration(given.clip)
            if told is not None and self._too_long(told):
                return Prepared(given, (TOO_LONG, f"{told:.1f} s"))
            sound = audio.read(given.clip.audio)
        except AacbenchError as error:
            return Prepared(given, (UNREADABLE, error.message))
        except Exception as error:  # a file or a source of somebody's own may raise anything
            return Prepared(given, (UNREADABLE, f"{type(error).__name__}: {error}"))
        if self._too_long(sound.duration):
            return Prepared(given, (TOO_LONG, f"{sound.duration:.1f} s"))
        return Prepared(replace(given, clip=replace(given.clip, audio=sound)))

    def _too_long(self, seconds: float) -> bool:
        return self.longest is not None and seconds > self.longest


class Ears:
    """Called once where embeddings are made: gives what a group of prepared clips is put to."""

    def __init__(self, encoder: str, context: Context) -> None:
        self.encoder = encoder
        self.context = context

    def __call__(self) -> Callable[[list[Prepared]], Embedded]:
        encoder = cast(Encoder, self.context.build("encoders", self.encoder))
        return lambda group: embed(encoder, self.encoder, group)

    def __reduce__(self) -> tuple[Callable[..., Ears], tuple[Any, ...]]:
        return _elsewhere, (self.encoder, self.context.device, self.context.seed)


def _elsewhere(encoder: str, device: str, seed: int) -> Ears:
    return Ears(encoder, Workshop(device, seed))


def embed(encoder: Encoder, name: str, group: Sequence[Prepared]) -> Embedded:
    """Embed a group; a clip that the encoder refuses stays out."""
    with one_thread():
        heard, refused = _heard(
            encoder, name, [one.given.clip for one in group if not one.left_out]
        )
        kept = tuple(o.given for o in group if not o.left_out and o.given.clip.id not in refused)
        captions = [text for given in kept for text in given.captions]
        said = encoder.embed_text(captions) if captions else np.zeros((0, encoder.dim), np.float32)
    text = _checked(said, (len(captions), encoder.dim), name)
    if not np.isfinite(text).all():
        raise PluginFault(f"encoder '{name}' gives NaN or infinity for a caption.", "Mend it.")
    left_out = [
        (reason, f"{one.given.clip.id}: {told}")
        for one in group
        if (reason_told := one.left_out or refused.get(one.given.clip.id))
        for reason, told in [reason_told]
    ]
    bare = tuple(replace(given, clip=replace(given.clip, audio=None)) for given in kept)
    return Embedded(bare, heard.astype(np.float16), text.astype(np.float16), tuple(left_out))


def _heard(
    encoder: Encoder, name: str, clips: Sequence[Clip]
) -> tuple[np.ndarray[Any, np.dtype[np.float32]], dict[str, tuple[str, str]]]:
    """The embeddings of the clips that have one, in order, and why others have none."""
    refused: dict[str, tuple[str, str]] = {}
    if not clips:
        return np.zeros((0, encoder.dim), np.float32), refused
    try:
        rows = _checked(perceive(encoder, clips), (len(clips), encoder.dim), name)
    except BadAudio:
        alone = []
        for clip in clips:
            try:
                alone.append(_checked(perceive(encoder, [clip]), (1, encoder.dim), name))
            except BadAudio as error:
                refused[clip.id] = (UNREADABLE, error.message)
        rows = np.concatenate([np.zeros((0, encoder.dim), np.float32), *alone])
    kept = [clip for clip in clips if clip.id not in refused]
    finite = np.isfinite(rows).all(axis=1)
    for clip, whole in zip(kept, finite.tolist(), strict=True):
        if not whole:
            refused[clip.id] = (UNREADABLE, "its embedding is not finite")
    return rows[finite], refused


def _checked(rows: Any, shape: tuple[int, int], name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    found = np.asarray(rows, dtype=np.float32)
    if found.shape != shape:
        raise PluginFault(
            f"encoder '{name}' gives the shape {found.shape} where {shape} was due.",
            "Check it: aacbench.testing.check_encoder",
        )
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: how many share a product decides its last bits, and the same base
    is to come out wherever it is built."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

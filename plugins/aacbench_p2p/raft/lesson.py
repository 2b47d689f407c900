"""What is learnt from: clips, their captions, and the pairs that are near each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aacbench.embeddings import cached_audio, cached_text
from aacbench.errors import BadData
from aacbench.overlap import recording
from aacbench.specs import Context
from aacbench.training import train_parts
from aacbench.types import Clip, Encoder
from aacbench_p2p.raft.neighbours import Numbers, Pairs, Rows, nearest
from aacbench_p2p.raft.options import RaftTrainOptions


@dataclass(frozen=True)
class Lesson:
    """Captions by row: the clip of each, and the number of the data set that it is of.

    `heard` is (clips, dim), the encoder's vectors; `near` gives for each way of looking a (rows,
    kept) table of rows, and `documents` the same by text alone: each where it is needed.
    """

    clips: Sequence[Clip]
    captions: Sequence[str]
    clip_of: Numbers
    part_of: Numbers
    heard: Rows
    near: Mapping[str, Numbers]
    documents: Numbers | None


def gather(
    options: RaftTrainOptions,
    context: Context,
    encoder: Encoder,
    names: str,
    examples: bool,
    documents: bool,
) -> Lesson:
    """The clips at hand of the data sets `names` and their captions, with what is near."""
    clips: list[Clip] = []
    captions: list[str] = []
    clip_of: list[int] = []
    part_of: list[int] = []
    for part, (_, dataset, split) in enumerate(train_parts(context, names)):
        annotations = dataset.annotations(split)
        for clip in dataset.clips(split)[: options.limit]:
            references = annotations[clip.id].references
            captions.extend(references)
            clip_of.extend([len(clips)] * len(references))
            part_of.extend([part] * len(references))
            clips.append(clip)
    if not captions:
        raise BadData(f"No sound of '{names}' is at hand.", "Fetch some: aacbench data list")
    looking = examples or documents
    heard = np.zeros((0, encoder.dim), np.float32)
    if looking or options.hears == "vector":
        heard = cached_audio(encoder, options.encoder, clips)
    numbers = np.array(clip_of)
    near: dict[str, Numbers] = {}
    alike = None
    if looking:
        said = cached_text(encoder, options.encoder, captions)
        pairs = Pairs(numbers, _recordings(clips)[numbers], heard, said)
        if examples:
            ways = options.retriever.split("+")
            near = {way: nearest(pairs, way, options.weight) for way in ways}
        if documents:
            alike = nearest(pairs, "pair-to-pair", 0.0)
    return Lesson(clips, captions, numbers, np.array(part_of), heard, near, alike)


def _recordings(clips: Sequence[Clip]) -> Numbers:
    """A number for each clip's recording; a clip that names none is one of its own."""
    known: dict[str, int] = {}
    keys = [
        recording(clip.source_id) if clip.source_id else f"clip {place}"
        for place, clip in enumerate(clips)
    ]
    return np.array([known.setdefault(key, len(known)) for key in keys])

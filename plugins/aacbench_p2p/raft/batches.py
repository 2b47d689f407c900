"""Batches of interleaved sounds and captions, each a function of the seed and the step alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from aacbench_p2p.raft.hearing import Hearing, Windows
from aacbench_p2p.raft.layout import NOTHING, UNTAUGHT, Layout, Line, padded
from aacbench_p2p.raft.lesson import Lesson
from aacbench_p2p.raft.model import joined
from aacbench_p2p.raft.neighbours import Numbers, chosen
from aacbench_p2p.raft.options import RaftTrainOptions
from aacbench_p2p.raft.words import Words

DOCUMENT = 6  # captions of a document: K examples and one


@dataclass(frozen=True)
class Batch:
    """`tokens` and `taught` are (rows, length); `sounds` what is heard, in the order of the lines;
    `shown`, (frames,), marks the frames of examples."""

    tokens: Tensor
    taught: Tensor
    sounds: Tensor | Windows
    shown: Tensor


@dataclass(frozen=True)
class Stage:
    """One stretch of training: from `fewest` to `most` examples a line, and what the loss asks."""

    name: str
    number: int
    steps: int
    batch: int
    rate: float
    fewest: int = 0
    most: int = 0
    loss: str = "last"
    reading: float = 0.0
    balanced: bool = False


class Batches:
    """Draws the batches of one stage.

    Each caption comes once an epoch, in a new order each time. All lines of a batch have the same
    number of examples, so that little is padded. `tuned` ears get spectrograms.
    """

    def __init__(
        self,
        stage: Stage,
        lesson: Lesson,
        words: Words,
        options: RaftTrainOptions,
        hearing: Hearing,
        tuned: bool = False,
    ) -> None:
        self.stage = stage
        self.lesson = lesson
        self.options = options
        self.hearing = hearing
        self.tuned = tuned
        self.layout = Layout(options, words, stage.loss)
        self.tokens = [words.encode(caption) for caption in lesson.captions]
        self.pool = _balanced(lesson.part_of) if stage.balanced else np.arange(len(self.tokens))

    def draw(self, step: int) -> Batch:
        """The batch of a step."""
        random = np.random.default_rng([self.options.seed, self.stage.number, step])
        rows = self._rows(step)
        if self.lesson.documents is not None and random.random() < self.stage.reading:
            return self._documents(rows[: max(1, len(rows) // 2)], random)  # they are long
        count = int(random.integers(self.stage.fewest, self.stage.most + 1))
        shown = [self._examples(row, count, random) for row in rows]
        return self._batch(rows, shown, random)

    def _rows(self, step: int) -> list[int]:
        """The captions of a step."""
        places = step * self.stage.batch + np.arange(self.stage.batch)
        epochs, within = np.divmod(places, len(self.pool))
        seeds = (self.options.seed, self.stage.number)
        orders = {epoch: _order(*seeds, epoch, len(self.pool)) for epoch in {*epochs.tolist()}}
        pairs = zip(epochs.tolist(), within.tolist(), strict=True)
        return [int(self.pool[orders[epoch][place]]) for epoch, place in pairs]

    def _examples(self, row: int, count: int, random: np.random.Generator) -> list[int]:
        """The rows of a caption's examples, the nearest first."""
        if not count:
            return []
        ways = list(self.lesson.near)
        way = ways[int(random.integers(len(ways)))]
        once = bool(random.random() < self.options.per_clip)
        near = self.lesson.near[way][row].tolist()
        return chosen(near, count, self.lesson.clip_of, once, random)

    def _documents(self, rows: Sequence[int], random: np.random.Generator) -> Batch:
        lines = []
        for row in rows:
            near = self.lesson.documents[row].tolist()
            others = chosen(near, DOCUMENT - 1, self.lesson.clip_of, True, random)
            lines.append(self.layout.document([self.tokens[r] for r in (row, *others)]))
        nothing = joined([], self.options.dim)
        return _batch(lines, nothing, torch.zeros(0, dtype=torch.bool))

    def _batch(
        self, rows: Sequence[int], shown: Sequence[Sequence[int]], random: np.random.Generator
    ) -> Batch:
        """Lines of `rows`, each after its `shown` rows; sounds in the order of the lines, where
        the sound to caption comes last."""
        order = [r for row, others in zip(rows, shown, strict=True) for r in (*others[::-1], row)]
        sounds, frames, long = self._heard([int(self.lesson.clip_of[r]) for r in order], random)
        lines: list[Line] = []
        is_shown: list[bool] = []
        at = 0
        for row, others in zip(rows, shown, strict=True):
            own = slice(at, at + len(others) + 1)
            vectors = [n * self.options.tokens for n in frames[own]][::-1]
            captions = [self.tokens[r] for r in others]
            lines.append(self.layout.whole(vectors, captions, long[own][::-1], self.tokens[row]))
            for place, number in enumerate(frames[own]):
                is_shown += [place < len(others)] * number
            at += len(others) + 1
        return _batch(lines, sounds, torch.tensor(is_shown, dtype=torch.bool))

    def _heard(
        self, numbers: Sequence[int], random: np.random.Generator
    ) -> tuple[Tensor | Windows, list[int], list[bool]]:
        """The sounds of these clips, how many frames each has, and which get the length token."""
        if self.options.hears == "vector":
            heard = self.lesson.heard[list(numbers)]
            if self.options.noise:
                noise = random.standard_normal(heard.shape, dtype=np.float32)
                heard = heard + self.options.noise * noise
                heard = heard / np.linalg.norm(heard, axis=1, keepdims=True)
            return torch.from_numpy(heard), [1] * len(numbers), [False] * len(numbers)
        clips = [self.lesson.clips[number] for number in numbers]
        long = [self.hearing.long(clip) for clip in clips]
        if self.tuned:
            windows = self.hearing.windows(clips)
            return windows, [-(-n // self.options.pool) for n in windows.frames], long
        several = self.hearing.clips(clips)
        return joined(several, self.options.dim), [len(frames) for frames in several], long


def _batch(lines: Sequence[Line], sounds: Tensor | Windows, shown: Tensor) -> Batch:
    tokens = padded([line.tokens for line in lines], NOTHING)
    return Batch(tokens, padded([line.taught for line in lines], UNTAUGHT), sounds, shown)


def _balanced(part_of: Numbers) -> Numbers:
    """Rows so that each data set has as many: those of the smaller ones come again."""
    parts = [np.flatnonzero(part_of == part) for part in np.unique(part_of)]
    most = max(map(len, parts))
    return np.concatenate([np.resize(rows, most) for rows in parts])


@lru_cache(maxsize=4)
def _order(seed: int, stage: int, epoch: int, rows: int) -> Numbers:
    return np.random.default_rng([seed, stage, 1, epoch]).permutation(rows)

"""Beam search over any `GuidableCaptioner`, with or without guides; a beam of one is greedy.

All clips of a batch advance together and leave it as they finish. Nothing that one clip does
reaches another: scores are per row, and selection is per clip.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor

from aacbench.decoding.caches import device_of, select
from aacbench.decoding.guiding import Guiding, Reading
from aacbench.decoding.steering import joined, steering_of
from aacbench.decoding.tracing import Trace, spelled, traced
from aacbench.timing import stage
from aacbench.types import Caption, Clip, Example, GuidableCaptioner, Guide

BEAMS = 5


@dataclass(frozen=True)
class Decoding:
    """How words are chosen.

    `beams` hypotheses are kept (None: as many as the guides ask for, without guides five); a
    caption has `min_tokens` to `max_tokens` tokens, its end not
    counted. Finished hypotheses are ranked by log probability divided by
    length ** `length_penalty`, the end token counted where there is one. A search goes on until
    nothing alive can enter the best `beams` any more (transformers' ``early_stopping="never"``).
    `keep` captions are returned a clip, as far as so many were found; one beam finds one.
    """

    beams: int | None = None
    max_tokens: int = 40
    min_tokens: int = 1
    length_penalty: float = 1.0
    keep: int = 1

    @property
    def width(self) -> int:
        """How many hypotheses are kept."""
        return self.beams or BEAMS

    def under(self, guides: Sequence[Guide]) -> Decoding:
        """The same, with the guides' number of beams where none is given."""
        if self.beams is not None or not guides:
            return self
        return replace(self, beams=max(guide.beams for guide in guides))


@dataclass(frozen=True)
class Hypothesis:
    """Tokens without the end token, the length-normalised log probability, and, of a guided
    search, what the guides made of each token."""

    tokens: tuple[int, ...]
    score: float
    trace: Trace = ()


@dataclass
class Beam:
    """One clip's search: live hypotheses in the order of their rows, and finished ones."""

    clip: int
    live: list[tuple[int, ...]] = field(default_factory=lambda: [()])
    scores: list[float] = field(default_factory=lambda: [0.0])
    traces: list[Trace] = field(default_factory=lambda: [()])
    finished: list[Hypothesis] = field(default_factory=list)

    def advance(
        self, ranked: Sequence[tuple[float, int, int]], end: int, settings: Decoding
    ) -> list[int]:
        """Take the best continuations (score, parent, token); gives the parents that live on."""
        parents: list[int] = []
        live: list[tuple[int, ...]] = []
        scores: list[float] = []
        for rank, (score, parent, token) in enumerate(ranked):
            tokens = self.live[parent]
            if token == end:
                # Only an end among the best `beams` counts, or a poor short caption would win.
                if rank < settings.width:
                    self._finish(parent, score, len(tokens) + 1, settings)
            elif len(live) < settings.width:
                live.append((*tokens, token))
                scores.append(score)
                parents.append(parent)
        self.live, self.scores = live, scores
        self.traces = [self.traces[parent] for parent in parents]
        return parents

    def _finish(self, place: int, score: float, length: int, settings: Decoding) -> None:
        normalised = score / length**settings.length_penalty
        self.finished.append(Hypothesis(self.live[place], normalised, self.traces[place]))
        self.finished.sort(key=lambda hypothesis: -hypothesis.score)
        del self.finished[max(settings.width, settings.keep) :]

    def done(self, length: int, settings: Decoding) -> bool:
        """Whether no live hypothesis can still enter the ranking."""
        if not self.live or (settings.width == 1 and self.finished):
            return True
        if length >= settings.max_tokens:
            for place, (tokens, score) in enumerate(zip(self.live, self.scores, strict=True)):
                self._finish(place, score, len(tokens), settings)
            return True
        if len(self.finished) < max(settings.width, settings.keep):
            return False
        longest = settings.max_tokens if settings.length_penalty > 0 else length + 1
        best = max(self.scores) / longest**settings.length_penalty
        return bool(best <= self.finished[-1].score)


def search(
    captioner: GuidableCaptioner,
    state: Any,
    clips: int,
    settings: Decoding,
    guides: Sequence[Guide] = (),
) -> list[list[Hypothesis]]:
    """The best hypotheses of each clip, best first.

    `state` is what ``captioner.open`` gave for these `clips`. Guided, call it without
    ``torch.inference_mode``.
    """
    beams = [Beam(clip) for clip in range(clips)]
    results: list[list[Hypothesis]] = [[] for _ in range(clips)]
    guiding = Guiding(captioner, guides) if guides else None
    tokens: Tensor | None = None
    cache: Any = None
    end = captioner.tokenizer.end
    length = 0
    while beams:
        reading = _read(captioner, guiding, state, tokens, cache, beams)
        cache = reading.cache
        scores = _allowed(reading.guided, end, length, settings)
        parents = _continue(beams, scores, end, settings)
        if guiding:
            _trace(parents, _allowed(reading.plain, end, length, settings), scores)
        length += 1
        rows: list[int] = []
        first = 0
        going: list[Beam] = []
        for beam, kept, before in parents:
            if beam.done(length, settings):
                results[beam.clip] = beam.finished[: settings.keep]
            else:
                rows.extend(first + parent for parent in kept)
                going.append(beam)
            first += before
        beams = going
        if beams:
            device = device_of(state)
            if rows != list(range(first)):  # where all rows stay in their places, so does the cache
                index = torch.tensor(rows, device=device)
                state = select(state, index)
                cache.reorder_cache(index)
                if guiding:
                    guiding.reorder(index)
            newest = [tokens[-1] for beam in beams for tokens in beam.live]
            tokens = torch.tensor(newest, device=device)[:, None]
    return results


def _read(
    captioner: GuidableCaptioner,
    guiding: Guiding | None,
    state: Any,
    tokens: Tensor | None,
    cache: Any,
    beams: Sequence[Beam],
) -> Reading:
    """The next token's log probabilities after `tokens`, without and with the guides."""
    if guiding:
        prefixes = [live for beam in beams for live in beam.live]
        return guiding.read(state, tokens, cache, prefixes)
    step = captioner.step(state, tokens, cache)
    scores = step.scores.float().log_softmax(-1)
    return Reading(scores, scores, step.cache)


def _allowed(log_probabilities: Tensor, end: int, length: int, settings: Decoding) -> Tensor:
    """The same, without the end where the caption is too short for one."""
    if length >= settings.min_tokens:
        return log_probabilities
    log_probabilities = log_probabilities.clone()
    log_probabilities[:, end] = -torch.inf
    return log_probabilities


def _trace(advanced: Sequence[tuple[Beam, list[int], int]], plain: Tensor, guided: Tensor) -> None:
    """Add the newest token of every live hypothesis to its trace."""
    rows: list[int] = []
    first = 0
    for _, parents, before in advanced:
        rows.extend(first + parent for parent in parents)
        first += before
    if not rows:
        return
    newest = [tokens[-1] for beam, _, _ in advanced for tokens in beam.live]
    found = iter(traced(plain, guided, rows, newest))
    for beam, _, _ in advanced:
        beam.traces = [(*trace, next(found)) for trace in beam.traces]


def _continue(
    beams: Sequence[Beam], log_probabilities: Tensor, end: int, settings: Decoding
) -> list[tuple[Beam, list[int], int]]:
    """Advance each clip by its best continuations; gives (beam, parents kept, rows before)."""
    # Twice as many as beams, so that ends among them never leave fewer than `beams` alive.
    width = min(2 * settings.width, log_probabilities.shape[-1])
    values, tokens = log_probabilities.topk(width, dim=-1)
    listed_values, listed_tokens = values.tolist(), tokens.tolist()
    advanced = []
    row = 0
    for beam in beams:
        before = len(beam.live)
        ranked = sorted(
            (
                (-(beam.scores[parent] + value), parent, place, token)
                for parent in range(before)
                for place, (value, token) in enumerate(
                    zip(listed_values[row + parent], listed_tokens[row + parent], strict=True)
                )
                if value > -torch.inf
            ),
            key=lambda entry: entry[:3],
        )[: 2 * settings.width]
        best = [(-score, parent, token) for score, parent, _, token in ranked]
        advanced.append((beam, beam.advance(best, end, settings), before))
        row += before
    return advanced


def decode(
    captioner: GuidableCaptioner,
    clips: Sequence[Clip],
    settings: Decoding,
    guides: Sequence[Guide] = (),
    examples: Sequence[Sequence[Example]] | None = None,
) -> list[Caption]:
    """Caption `clips`; `stages` holds each clip's share of encoding and decoding time.

    The guides in the captioner's own attribute `guides`, where it has one, are at work beside
    `guides`. `examples`, a list a clip, are for captioners that take them.
    """
    guides = joined(captioner, guides)
    began = time.perf_counter()
    # What is made in inference mode takes no part in gradients, which guides need.
    with torch.no_grad() if guides else torch.inference_mode():
        with stage("encode"):
            shown = () if examples is None else (examples,)
            state = cast(Any, captioner).open(clips, *shown)
        opened = time.perf_counter()
        with stage("generate"):
            found = search(captioner, state, len(clips), settings.under(guides), guides)
    ended = time.perf_counter()
    share = max(1, len(clips))
    stages = {"encode": (opened - began) / share, "decode": (ended - opened) / share}
    captions = []
    for clip, hypotheses in zip(clips, found, strict=True):
        if not hypotheses:
            raise ValueError(f"clip {clip.id}: the language model's scores are not numbers")
        ranked = [_caption(captioner, hypothesis) for hypothesis in hypotheses]
        captions.append(replace(ranked[0], alternatives=tuple(ranked[1:]), stages=stages))
    return captions


def _caption(captioner: GuidableCaptioner, hypothesis: Hypothesis) -> Caption:
    tokenizer = captioner.tokenizer
    text, steered = tokenizer.decode(hypothesis.tokens), spelled(hypothesis.trace, tokenizer)
    return Caption(text, hypothesis.tokens, hypothesis.score, steered=steered)


class GuidedCaptioner:
    """A captioner with guides: the same words, chosen by the same loop with more terms.

    A captioner that brings guides of its own keeps them, and the cache is moved as they say: a
    guide that is added then adds its loss alone, whatever its own `steering`.
    """

    def __init__(self, captioner: GuidableCaptioner, guides: Sequence[Guide]) -> None:
        self.captioner = captioner
        self.guides = tuple(guides)
        steering_of(captioner, self.guides)  # refused now rather than at the first clip

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return decode(self.captioner, clips, self.captioner.decoding, self.guides)

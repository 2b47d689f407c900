"""Conformance checks of retrievers and what goes around captioners: broken ones are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aacbench import Caption, Clip, Example, testing
from aacbench.errors import PluginFault

ROWS = np.eye(8, dtype=np.float32)


class Shelf:
    """Sound: eight pairs, ranked for a clip by a score of its id alone."""

    encoder: Any = "clap:mini"
    needs_captions = False

    def retrieve(
        self, clips: Sequence[Clip], k: int, captions: Sequence[str] | None = None
    ) -> list[list[Example]]:
        return [self.change(clip, clips, self.ranked(clip))[:k] for clip in clips]

    def ranked(self, clip: Clip) -> list[Example]:
        scores = np.random.default_rng(len(clip.id)).random(len(ROWS))
        pairs = [
            Example(f"pair-{at}", "shelf/all", "rain", float(score), ROWS[at], ROWS[at])
            for at, score in enumerate(scores)
        ]
        return sorted(pairs, key=lambda one: -one.score)

    def change(self, clip: Clip, clips: Sequence[Clip], found: list[Example]) -> Any:
        return found


class Own(Shelf):
    def change(self, clip: Clip, clips: Sequence[Clip], found: list[Example]) -> Any:
        return [replace(found[0], source_id=clip.source_id), *found[1:]]


class Company(Shelf):
    def change(self, clip: Clip, clips: Sequence[Clip], found: list[Example]) -> Any:
        return found[len(clips) - 1 :]


class Upside(Shelf):
    def change(self, clip: Clip, clips: Sequence[Clip], found: list[Example]) -> Any:
        return found[::-1]


class Long(Shelf):
    def change(self, clip: Clip, clips: Sequence[Clip], found: list[Example]) -> Any:
        return [replace(one, heard=one.heard * 2) for one in found]


class Greedy(Shelf):
    def retrieve(
        self, clips: Sequence[Clip], k: int, captions: Sequence[str] | None = None
    ) -> list[list[Example]]:
        return super().retrieve(clips, k + 1)


class Short(Shelf):
    def retrieve(
        self, clips: Sequence[Clip], k: int, captions: Sequence[str] | None = None
    ) -> list[list[Example]]:
        return super().retrieve(clips, k)[1:]


class Nameless(Shelf):
    encoder: Any = None


class Deaf(Shelf):
    """Compares every clip with the mean of the batch."""

    def similarities(self, clips: Sequence[Clip], texts: Sequence[str]) -> Any:
        lengths = np.array([len(clip.id) for clip in clips], np.float32)
        return (lengths - lengths.mean())[:, None] + np.zeros((1, len(texts)), np.float32)


def recorded() -> list[Clip]:
    clips = testing.sample_clips()
    return [replace(clip, source_id=f"freesound:{at}") for at, clip in enumerate(clips)]


def test_a_sound_retriever_passes() -> None:
    testing.check_retriever(Shelf(), recorded())


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (Own(), "own recording"),
        (Company(), "depends on what else"),
        (Upside(), "the scores for"),
        (Long(), "no float32 row of length 1"),
        (Greedy(), "the scores for"),
        (Short(), "lists for"),
        (Nameless(), "encoder is None"),
        (Deaf(), "depend on the other clips"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Shelf) else "",
)
def test_a_broken_retriever_is_told_what_it_breaks(broken: Shelf, told: str) -> None:
    with pytest.raises(PluginFault, match=told):
        testing.check_retriever(broken, recorded())


class Around:
    """Shows each clip one pair."""

    def around(self, captioner: Any) -> Any:
        return Shown(captioner)


class Shown:
    def __init__(self, captioner: Any) -> None:
        self.captioner = captioner

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return list(self.captioner.caption(clips, Shelf().retrieve(clips, 1)))


class Nothing:
    def around(self, captioner: Any) -> Any:
        return object()


def test_what_goes_around_a_captioner_must_give_a_captioner() -> None:
    testing.check_wrapper(Around())
    with pytest.raises(PluginFault, match="no method caption"):
        testing.check_wrapper(Nothing())


class Fussy:
    """Says something else when it is shown an empty list than when it is shown none."""

    max_examples = 3

    def caption(
        self, clips: Sequence[Clip], examples: Sequence[Sequence[Example]] | None = None
    ) -> list[Caption]:
        return [Caption("rain" if examples is None else "nothing") for _ in clips]


def test_no_examples_must_be_as_good_as_none_asked_for() -> None:
    with pytest.raises(PluginFault, match=r"caption\(clips, \[\[\], ...\]\)"):
        testing.check_captioner(Fussy())

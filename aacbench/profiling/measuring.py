"""The clock: captions clips one at a time and in batches, and notes what each took.

Captioners that are to be compared take turns on each clip, so that whatever slows the machine down
meanwhile slows them all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

import numpy as np

from aacbench import audio
from aacbench.errors import AacbenchError, PluginFault
from aacbench.timing import listening, stage
from aacbench.types import Caption, Clip

Report = Callable[[int, int], None]
PASSES = 3


@dataclass(frozen=True)
class Subject:
    """What is measured: a captioner, or another way to have it caption."""

    name: str
    caption: Callable[[Sequence[Clip]], Sequence[Caption]]


@dataclass(frozen=True)
class Sample:
    """One clip captioned once: `seconds` by a clock of its own, `stages` by the listener."""

    clip: int
    seconds: float
    caption: Caption
    stages: Mapping[str, float] = field(default_factory=dict)


class Clock:
    """Seconds, read after a device has done all that was asked of it."""

    def __init__(self, wait: Callable[[], None] | None = None) -> None:
        self._wait = wait

    def __call__(self) -> float:
        if self._wait:
            self._wait()
        return time.perf_counter_ns() * 1e-9


def once(subject: Subject, clips: Sequence[Clip]) -> list[Caption]:
    """Decode and caption, as a run does; a captioner's failure names it and the clip."""
    with stage("decode"):
        heard = [replace(clip, audio=audio.read(clip.audio)) for clip in clips]
    try:
        captions = list(subject.caption(heard))
    except AacbenchError:
        raise
    except Exception as error:
        names = ", ".join(clip.id for clip in clips[:3])
        raise PluginFault(
            f"captioner '{subject.name}' failed on {names}: {type(error).__name__}: {error}",
            "Try it alone: aacbench run --limit 1; what fails cannot be timed.",
        ) from error
    if len(captions) != len(clips) or not all(isinstance(c, Caption) for c in captions):
        raise PluginFault(
            f"captioner '{subject.name}' gave {len(captions)} results for {len(clips)} clips.",
            "caption(clips) must give one Caption a clip, in order.",
        )
    return captions


def timed(
    subject: Subject, clips: Sequence[Clip], place: int, clock: Clock, listen: bool = True
) -> Sample:
    """One clip, on the clock; without `listen` its stages are not told apart."""
    if not listen:
        began = clock()
        caption = once(subject, [clips[place]])[0]
        return Sample(place, clock() - began, caption)
    began = clock()
    with listening(clock) as heard:
        caption = once(subject, [clips[place]])[0]
    return Sample(place, clock() - began, caption, dict(heard.spent))


def order(clips: int, samples: int, seed: int) -> list[int]:
    """Which clip when: all of them in a shuffled order, then again in another."""
    rng = np.random.default_rng(seed)
    rounds = -(-samples // clips)
    return [int(place) for _ in range(rounds) for place in rng.permutation(clips)][:samples]


def in_turns(
    subjects: Sequence[Subject],
    clips: Sequence[Clip],
    places: Sequence[int],
    clock: Clock,
    listen: bool = True,
    report: Report | None = None,
) -> list[list[Sample]]:
    """Samples of each subject; who comes first on a clip changes from clip to clip."""
    found: list[list[Sample]] = [[] for _ in subjects]
    for number, place in enumerate(places):
        for turn in range(len(subjects)):
            which = (number + turn) % len(subjects)
            found[which].append(timed(subjects[which], clips, place, clock, listen))
        if report:
            report(number + 1, len(places))
    return found


def throughput(
    subject: Subject, clips: Sequence[Clip], sizes: Sequence[int], clock: Clock
) -> list[dict[str, Any]]:
    """Clips a second in batches of each size, decoding included: the median of some passes.

    Sizes take turns, and each pass is over whole batches; the first batch of a size is not timed.
    """
    groups = {size: _groups(clips, size) for size in sizes}
    speeds: dict[int, list[float]] = {size: [] for size in sizes}
    for size in sizes:
        once(subject, groups[size][0])
    for _ in range(PASSES):
        for size in sizes:
            began = clock()
            for group in groups[size]:
                once(subject, group)
            speeds[size].append(sum(map(len, groups[size])) / (clock() - began))
    return [
        {
            "batch": size,
            "clips_per_s": median(speeds[size]),
            "slowest": min(speeds[size]),
            "fastest": max(speeds[size]),
            "clips": sum(map(len, groups[size])),
        }
        for size in sizes
    ]


def _groups(clips: Sequence[Clip], size: int) -> list[list[Clip]]:
    """Whole batches that hold every clip at least once; the last is filled up from the front."""
    count = -(-len(clips) // size)
    filled = [clips[place % len(clips)] for place in range(count * size)]
    return list(_cut(filled, size))


def _cut(clips: Sequence[Clip], size: int) -> Iterator[list[Clip]]:
    for start in range(0, len(clips), size):
        yield list(clips[start : start + size])

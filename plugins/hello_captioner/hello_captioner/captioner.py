"""`hello` at work: three questions to a sound, and a sentence of the answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aacbench import Caption, Clip
from aacbench.audio import waveform

RATE = 16_000  # hertz


class Hello:
    """Listens to level, spectral centroid, and how much the level moves."""

    def __init__(self, loud: float) -> None:
        self.loud = loud

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return [Caption(self.describe(waveform(clip, RATE))) for clip in clips]

    def describe(self, samples: np.ndarray) -> str:
        level = np.sqrt(np.mean(samples**2))
        if level < 1e-4:
            return "There is silence"
        power = np.abs(np.fft.rfft(samples)) ** 2
        centroid = power @ np.fft.rfftfreq(len(samples), 1 / RATE) / power.sum()  # hertz
        levels = [np.sqrt(np.mean(part**2)) for part in np.array_split(samples, 10)]
        loud = "loud" if level >= self.loud else "quiet"
        high = "high" if centroid > 1_500 else "low"
        ending = "comes and goes" if np.std(levels) > 0.3 * level else "goes on steadily"
        return f"A {loud} and {high} sound {ending}"

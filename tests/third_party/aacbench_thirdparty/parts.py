"""The parts at work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aacbench import Annotation, Audio, Caption, Clip, Event, Item, Scores
from aacbench.audio import waveform

RATE = 16_000
HERTZ = {
    "train": {"a": 200.0, "b": 300.0, "c": 2_000.0},
    "test": {"d": 110.0, "e": 220.0, "f": 440.0, "g": 880.0, "h": 1_760.0, "i": 3_520.0},
}


class Pitch:
    """Names the strongest frequency of a clip."""

    def __init__(self, border: float) -> None:
        self.border = border

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return [Caption(f"a {self.hear(waveform(clip, RATE))} tone is played") for clip in clips]

    def hear(self, samples: np.ndarray) -> str:
        strongest = int(np.argmax(np.abs(np.fft.rfft(samples)))) * RATE / len(samples)
        return "high" if strongest > self.border else "low"


@dataclass(frozen=True)
class Tone:
    """A second of one frequency, made when it is read."""

    hertz: float

    @property
    def identity(self) -> str:
        return f"tone:{self.hertz}"

    def read(self) -> Audio:
        time = np.arange(RATE) / RATE
        return Audio((0.3 * np.sin(2 * np.pi * self.hertz * time)).astype(np.float32), RATE)


class Tones:
    """Tones under and over 500 Hz."""

    def clips(self, split: str) -> list[Clip]:
        return [Clip(name, Tone(hertz), duration=1.0) for name, hertz in HERTZ[split].items()]

    def annotations(self, split: str) -> dict[str, Annotation]:
        return {name: self._annotation(hertz) for name, hertz in HERTZ[split].items()}

    @staticmethod
    def _annotation(hertz: float) -> Annotation:
        height = "high" if hertz > 500 else "low"
        references = (f"a {height} tone is played", f"a {height} beep")
        return Annotation(references, (Event("beep", 0.0, 1.0),))


class Said:
    """Hits and words of the first reference are summed over clips, then divided."""

    def prepare(self, annotations: Mapping[str, Annotation]) -> None:
        pass

    def score(self, items: Sequence[Item], parts: Mapping[str, Scores]) -> Scores:
        counts = np.array([self._count(item) for item in items], dtype=float)
        return Scores({"said:thirdparty": _divide(counts[:, 0], counts[:, 1])}, counts)

    def corpus(self, statistics: Any, weights: np.ndarray) -> dict[str, np.ndarray]:
        hits, words = (weights @ statistics).T
        return {"said:thirdparty": _divide(hits, words)}

    @staticmethod
    def _count(item: Item) -> tuple[int, int]:
        words = {word for text in item.annotation.references[:1] for word in text.split()}
        return len(words & set(item.candidates[0].text.split())), len(words)


def _divide(hits: np.ndarray, words: np.ndarray) -> np.ndarray:
    return np.divide(hits, words, out=np.full(len(hits), np.nan), where=words > 0)

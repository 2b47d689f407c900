"""Runs of strangers' captioners on sounds whose look is known, made by the real machinery."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from browser import chromium
from nasty import NASTY

from aacbench import api, report

__all__ = ["chromium"]

RATE = 16_000
SECONDS = 2
METRICS = ("bleu:simple", "rouge_l:simple", "cider_d:simple", "length:simple")
WORDS = ("a dog barks", "rain falls on a roof", "a train passes by", "somebody whistles a tune")
FAILS = "07.wav"
GONE = "08.wav"
LOUD = "04.wav"
CAPTIONERS = f'''
from aacbench import Caption, Steered

NASTY = {dict(NASTY)!r}
WORDS = {WORDS!r}


class Plain:
    """Says the same few things again and again, and fails on one clip."""

    def caption(self, clips):
        return [self.one(clip.id) for clip in clips]

    def one(self, name):
        if name == "{FAILS}":
            raise RuntimeError("the <b>ears</b> of this model are shut")
        number = int(name[:2])
        text = NASTY.get(name, WORDS[number // 2 % 4] + (" loudly" if number % 3 else ""))
        others = (Caption("something else", (), -0.9), Caption("nothing at all", (), -1.25))
        return Caption(text, (1, 2), -0.5, others, {{"encode": 0.01, "decode": 0.03}})


class Other(Plain):
    """Says other things, and tells what steered it."""

    def one(self, name):
        found = super().one(name) if name != "{FAILS}" else Caption("a failing thing")
        steered = (
            Steered("a", 0.9, 0.8, None, 0.9, 0.8),
            Steered(" r", 0.12, 0.55, " <i>people</i>", 0.3, 0.1),
            Steered("ain", 0.97, 0.98, None, 0.97, 0.98),
        )
        return Caption("a rain falls", (), -0.4, steered=steered)
'''


def tone(hertz: float, seconds: float = SECONDS, rate: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


SOUNDS = {
    "00.wav": 0.5 * tone(1000),
    "01.wav": np.zeros(SECONDS * RATE),
    LOUD: 2.0 * tone(440),
}
"""A tone, silence, and what no 16 bits can hold; the others are tones of their own."""


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty sounds with two references each."""
    folder = tmp_path_factory.mktemp("sounds") / "mine"
    folder.mkdir()
    names = [f"{number:02}.wav" for number in range(30)]
    for number, name in enumerate(names):
        samples = SOUNDS.get(name, 0.3 * tone(200 + 100 * number))
        soundfile.write(folder / name, samples, RATE, subtype="FLOAT")
    with (folder / "captions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "caption_1", "caption_2"])
        for number, name in enumerate(names):
            writer.writerow([name, WORDS[number % 4] + " loudly", f"{WORDS[number % 4]} {number}"])
    return folder


@pytest.fixture(scope="session")
def runs(target: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Two scored runs of all sounds; the sound of one clip has gone since."""
    home = tmp_path_factory.mktemp("runs")
    (home / "captioners.py").write_text(CAPTIONERS, encoding="utf-8")
    found = {
        name: api.run(f"{home}/captioners.py:{name}", str(target), out=home / "runs")
        for name in ("Plain", "Other")
    }
    for folder in found.values():
        api.score(folder, METRICS)
    (target / GONE).unlink()
    return found


@pytest.fixture(scope="session")
def both(runs: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of both runs, every clip with sound."""
    out = tmp_path_factory.mktemp("both") / "report"
    return report.write(list(runs.values()), out, clips=None).page


@pytest.fixture(scope="session")
def one(runs: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of one run, few clips with sound."""
    out = tmp_path_factory.mktemp("one") / "report"
    return report.write([runs["Plain"]], out, clips=6, sort="target").page

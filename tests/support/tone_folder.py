"""A folder of short tones with captions, and captioners in a file that take known times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 8_000
TIMED = '''
import time
from aacbench import Caption
from aacbench.timing import stage

class Sleeper:
    """Sleeps for a tenth of each sound, in stages or in one."""
    def __init__(self, staged=True, factor=0.1):
        self.staged, self.factor = staged, factor

    def sleep(self, clip, part):
        time.sleep(self.factor * part * clip.audio.duration)

    def caption(self, clips):
        return [self.one(clip) for clip in clips]

    def one(self, clip):
        if not self.staged:
            self.sleep(clip, 1)
            return Caption("a tone")
        with stage("encode"):
            self.sleep(clip, 0.25)
        with stage("generate"):
            self.sleep(clip, 0.75)
        return Caption("a tone", tokens=(1, 2, 3, 4))

class Reporter(Sleeper):
    """Tells of its stages in its captions."""
    def one(self, clip):
        self.sleep(clip, 1)
        whole = self.factor * clip.audio.duration
        return Caption("a tone", stages={"encode": 0.25 * whole, "decode": 0.75 * whole})

class Broken:
    def caption(self, clips):
        raise ValueError("out of tune")

class Short:
    def caption(self, clips):
        return []
'''


def tones(folder: Path, clips: int = 10) -> Path:
    """Tones of 0.1, 0.2, ... seconds, and a table with their captions."""
    folder.mkdir()
    rows = ["file_name,caption"]
    for number in range(clips):
        times = np.arange(RATE * (number + 1) // 10) / RATE
        name = f"{number}.wav"
        soundfile.write(folder / name, 0.3 * np.sin(2 * np.pi * 440 * times), RATE)
        rows.append(f"{name},a tone sounds")
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return folder


def timed_captioners(folder: Path) -> Path:
    """The file in which `Sleeper` and its kind are."""
    path = folder / "timed.py"
    path.write_text(TIMED)
    return path

"""Tones of different pitch, captioners that name the pitch, and what of two runs is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from aacbench.config import Plan, RunSettings, plan
from aacbench.store import CAPTIONS

RATE = 8_000
CAPTIONERS = '''
import os
import signal
import time
from pathlib import Path

import numpy as np

from aacbench import Caption


def pitch(clip):
    spectrum = np.abs(np.fft.rfft(clip.audio.samples))
    return int(round(np.argmax(spectrum) * clip.audio.rate / len(clip.audio.samples)))


class Tone:
    """Says how high each is, and writes down whom it heard."""
    def __init__(self, seconds=0.0, log=None):
        self.seconds, self.log = seconds, log

    def caption(self, clips):
        time.sleep(self.seconds * len(clips))
        if self.log:
            with open(self.log, "a") as file:
                file.writelines(f"{clip.id} {os.getpid()}\\n" for clip in clips)
        return [Caption(f"a tone of {pitch(c)} Hz", (pitch(c), 0), -0.5) for c in clips]


class Placed(Tone):
    """Writes down on which machine of a Ray cluster it is, and waits for one on another."""
    def caption(self, clips):
        import ray
        with open(self.log, "a") as file:
            file.write(ray.get_runtime_context().get_node_id() + "\\n")
        enough = time.monotonic() + 120
        while len(set(Path(self.log).read_text().split())) < 2 and time.monotonic() < enough:
            time.sleep(0.01)
        time.sleep(self.seconds * len(clips))
        return Tone().caption(clips)


class Rude(Tone):
    """Writes into the sounds that it is given."""
    def caption(self, clips):
        for clip in clips:
            clip.audio.samples[:] *= 0.5
        return super().caption(clips)


class Mortal(Tone):
    """Its process dies of a tone: once, if a file is to remember that it did, or each time."""
    def __init__(self, dies_of, remembers=None, log=None):
        super().__init__(0.0, log)
        self.dies_of, self.remembers = dies_of, remembers

    def caption(self, clips):
        if any(pitch(c) == self.dies_of for c in clips):
            if self.remembers is None or not Path(self.remembers).exists():
                if self.remembers:
                    Path(self.remembers).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().caption(clips)


class Picky(Tone):
    """Cannot stand one tone, until there is a file that says that it can."""
    def __init__(self, cured="never"):
        super().__init__()
        self.cured = cured

    def caption(self, clips):
        if any(pitch(c) == 300 for c in clips) and not Path(self.cured).exists():
            raise RuntimeError("300 Hz hurts")
        return super().caption(clips)


class Broken:
    def caption(self, clips):
        raise RuntimeError("out of order")


class Unborn:
    def __init__(self):
        raise ValueError("no such thing")
'''


def tones(folder: Path, count: int, seconds: float = 0.2) -> Path:
    """Tones of 200, 250, ... Hz, all of one length, and a table with their captions."""
    folder.mkdir(parents=True)
    rows = ["file_name,caption"]
    times = np.arange(int(seconds * RATE)) / RATE
    for number in range(count):
        pitch = 200 + 50 * number
        soundfile.write(folder / f"{number:02d}.wav", 0.3 * np.sin(2 * np.pi * pitch * times), RATE)
        rows.append(f"{number:02d}.wav,a tone of {pitch} Hz sounds")
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return folder


def captioners(folder: Path) -> Path:
    """The file in which `Tone` and its kind are."""
    path = folder / "pitches.py"
    path.write_text(CAPTIONERS)
    return path


def planned(captioner: object, target: object, out: Path, **settings: Any) -> Plan:
    """A plan of a run."""
    return plan(RunSettings(captioner=str(captioner), target=str(target), out=out, **settings))


def without_times(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's captions in their order, whole but for how many seconds a stage took;
    that there was such a stage counts."""
    lines = [json.loads(line) for line in (folder / CAPTIONS).read_text().splitlines()]
    return [{**line, "stages": sorted(line["stages"])} for line in lines]

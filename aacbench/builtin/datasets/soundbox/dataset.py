"""Soundbox as a data set: clips that are rendered when they are read, and their annotations."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from aacbench.builtin.datasets.soundbox import VERSION
from aacbench.builtin.datasets.soundbox.captions import write_references
from aacbench.builtin.datasets.soundbox.classes import DOMAINS
from aacbench.builtin.datasets.soundbox.scene import SPLITS, draw_scene, scene_number
from aacbench.errors import BadOption, nearest
from aacbench.types import Annotation, Audio, Clip, Event, Span

RATE = 32000
CACHED_SPLITS = ("validation", "test")
_STEPS = 32768.0


def cache_folder() -> Path:
    """Where rendered clips are kept: `soundbox` in the folder of data sets."""
    from aacbench.assets import data_home

    return data_home() / "soundbox"


@dataclass(frozen=True)
class SoundboxSound:
    """One clip's sound, rendered when it is read.

    `cache` is a folder in which it is kept as 16-bit FLAC, or None. Samples are rounded to 16 bits
    in either case, so a cached clip is the rendered one to the last bit; another machine's
    arithmetic may differ in that last bit.
    """

    domain: str
    split: str
    index: int
    seed: int
    cache: Path | None = None

    @property
    def identity(self) -> str:
        """Which clip of which version and seed this is, wherever it is kept."""
        return f"soundbox-{VERSION}-{self.seed}:{self.domain}:{self.split}:{self.index}"

    def read(self) -> Audio:
        """The clip: 32 kHz mono float32, peak 0.5 to 0.9."""
        path = self._path()
        kept = _load(path) if path is not None else None
        if kept is None:
            kept = self._render()
            if path is not None:
                _store(path, kept)
        return Audio(kept.astype(np.float32) / np.float32(_STEPS), RATE)

    def _render(self) -> npt.NDArray[np.int16]:
        from aacbench.builtin.datasets.soundbox.rendering import render_scene

        samples = render_scene(draw_scene(self.domain, self.split, self.index, self.seed))
        steps: npt.NDArray[np.int16] = np.rint(samples * (_STEPS - 1.0)).astype(np.int16)
        return steps

    def _path(self) -> Path | None:
        if self.cache is None:
            return None
        series = f"v{VERSION}-{self.seed}"
        return self.cache / series / self.domain / self.split / f"{self.index:05d}.flac"


def _load(path: Path) -> npt.NDArray[np.int16] | None:
    """The samples at `path`, or None where there is no whole file."""
    import soundfile

    try:
        samples, rate = soundfile.read(str(path), dtype="int16")
    except (OSError, soundfile.LibsndfileError):
        return None
    if rate != RATE or samples.ndim != 1:
        return None
    return np.asarray(samples, dtype=np.int16)


def _store(path: Path, samples: npt.NDArray[np.int16]) -> None:
    """Write under another name and rename, so that no half file is ever read."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        soundfile.write(partial, samples, RATE, format="FLAC", subtype="PCM_16")
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def clip_id(domain: str, split: str, index: int) -> str:
    """The id of one clip, ``"events-test-00017"``."""
    return f"{domain}-{split}-{index:05d}"


def annotate(domain: str, split: str, index: int, seed: int) -> Annotation:
    """The truth about one clip: five references, events by onset, inaudible spans."""
    scene = draw_scene(domain, split, index, seed)
    references = write_references(scene)
    return Annotation(
        references=tuple(reference.text for reference in references),
        events=tuple(Event(e.label, e.onset, e.offset) for e in scene.events),
        inaudible=tuple(
            Span(number, start, end)
            for number, reference in enumerate(references)
            for start, end in reference.inaudible
        ),
        source_id=_source_id(domain, split, index),
    )


def _source_id(domain: str, split: str, index: int) -> str:
    return f"soundbox:{domain}:{split}:{index}"


class Soundbox:
    """One domain of soundbox, "events" or "scenes".

    `cache` is where rendered validation and test clips are kept (0.035 MB a second), or None.
    Training clips are never kept.
    """

    def __init__(self, domain: str, seed: int = 2024, cache: Path | None = None) -> None:
        if domain not in DOMAINS:
            raise BadOption(f"soundbox has no domain {domain!r}", nearest(domain, DOMAINS))
        self.domain = domain
        self.seed = seed
        self.cache = cache

    def clips(self, split: str) -> Sequence[Clip]:
        """Every clip of a split, in the order of their numbers."""
        scene_number(split, 0)  # refuses an unknown split
        return [self._clip(split, index) for index in range(SPLITS[split])]

    def annotations(self, split: str) -> Mapping[str, Annotation]:
        """Clip id to annotation, in the clips' order; nothing is rendered."""
        scene_number(split, 0)
        return _annotations(self.domain, split, self.seed)

    def _clip(self, split: str, index: int) -> Clip:
        cache = self.cache if split in CACHED_SPLITS else None
        return Clip(
            id=clip_id(self.domain, split, index),
            audio=SoundboxSound(self.domain, split, index, self.seed, cache),
            source_id=_source_id(self.domain, split, index),
            duration=draw_scene(self.domain, split, index, self.seed).duration,
        )


@lru_cache(maxsize=6)
def _annotations(domain: str, split: str, seed: int) -> Mapping[str, Annotation]:
    return {
        clip_id(domain, split, index): annotate(domain, split, index, seed)
        for index in range(SPLITS[split])
    }

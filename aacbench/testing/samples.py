"""Small sounds, pictures and captions to try a part on: synthesised, so that they are there
everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aacbench.types import Annotation, Audio, Caption, Clip, Event, Item


def sample_clips() -> list[Clip]:
    """Five clips in memory, of differing length and rate: noise, a tone, silence, clicks, and
    one of 20 ms, which is about the shortest that a run hands to a captioner."""
    rng = np.random.default_rng(0)
    clicks = np.zeros(12_000)
    clicks[::2_000] = 0.9
    sounds = {
        "noise": (rng.normal(0.0, 0.2, 64_000), 32_000),
        "tone": (_tone(440.0, 1.0, 16_000), 16_000),
        "silence": (np.zeros(132_300), 44_100),
        "clicks": (clicks, 8_000),
        "blink": (_tone(1_000.0, 0.02, 48_000), 48_000),
    }
    return [
        Clip(name, Audio(np.clip(samples, -1.0, 1.0).astype(np.float32), rate))
        for name, (samples, rate) in sounds.items()
    ]


def sample_pictures(folder: Path) -> list[Clip]:
    """Four clips without sound whose pictures are written into `folder`: noise, wide and high, a
    grey one without colours, and one pixel. Takes pillow."""
    from PIL import Image

    rng = np.random.default_rng(0)
    shapes = {"wide": (40, 90, 3), "high": (72, 54, 3), "grey": (64, 64), "pixel": (1, 1, 3)}
    clips = []
    for name, shape in shapes.items():
        path = folder / f"{name}.png"
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(path)
        clips.append(Clip(name, None, image=path))
    return clips


def _tone(hertz: float, seconds: float, rate: int) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * time))


_CAPTIONS = (
    # what was said, what else was said, what the references say
    ("a steady hiss", "wind blows", ("a steady hiss", "noise like a waterfall goes on")),
    ("a high tone plays", "a bird sings", ("a clear tone is held", "a high tone plays briefly")),
    ("rain on a roof", "a car drives by", ("nothing can be heard", "complete silence")),
    ("", "a clock ticks", ("a clock ticks slowly", "regular clicks")),
    ("a short beep", "a beep", ()),
)
_LABELS = ("hiss", "tone", "silence", "click", "beep")


def sample_items() -> tuple[Item, ...]:
    """Five items over `sample_clips`: one caption as in a reference, one near it, one wrong, one
    empty, and one clip without references. Each has an event, its sound, and a second caption."""
    items = []
    for clip, label, (said, other, references) in zip(
        sample_clips(), _LABELS, _CAPTIONS, strict=True
    ):
        annotation = Annotation(references, (Event(label, 0.0, 0.01),))
        items.append(Item(clip.id, (Caption(said), Caption(other)), annotation, clip))
    return tuple(items)

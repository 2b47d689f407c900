"""A clip's sound for the page: a small FLAC file, the outline of its wave, its spectrogram."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aacbench import audio
from aacbench.errors import AacbenchError
from aacbench.report import spectra
from aacbench.types import Audio, Clip

SOUNDS, PICTURES = "sound", "spectra"
DEEPEST = 127
"""What full scale is in an outline."""


@dataclass(frozen=True)
class Limits:
    """`rate` is the highest in hertz that sound keeps; `seconds` is where long clips are cut."""

    rate: int
    seconds: float


def hear(clip: Clip | None, stem: str, folder: Path, limits: Limits) -> dict[str, Any]:
    """Write a clip's files below `folder` and describe them; ``silent`` says why there are none."""
    if clip is None or clip.audio is None:
        return {"silent": "The sound of this clip is not on the machine that wrote this page."}
    try:
        whole = audio.read(clip.audio)
    except AacbenchError as error:
        return {"silent": f"Its sound cannot be decoded: {without_folder(clip, error.message)}."}
    except OSError as error:
        return {"silent": f"Its sound cannot be read: {error.strerror}."}
    kept = audio.resample(_first(whole, limits.seconds), min(whole.rate, limits.rate))
    picture = spectra.png(spectra.log_mel(kept.samples, kept.rate))
    sound, factor = _flac(kept)
    files = {
        "file": f"{SOUNDS}/{stem}.flac",
        "picture": f"{PICTURES}/{stem}.png",
    }
    (folder / files["file"]).write_bytes(sound)
    (folder / files["picture"]).write_bytes(picture)
    return {
        **files,
        "seconds": round(kept.duration, 4),
        "whole": round(whole.duration, 4),
        "rate": kept.rate,
        "native": whole.rate,
        "peak_db": spectra.peak_db(kept.samples),
        "quieter_db": None if factor == 1 else spectra.decibels(factor),
        "lowest": spectra.LOWEST,
        "highest": kept.rate / 2,
        "wave": _wave(kept),
    }


def without_folder(clip: Clip | None, message: str) -> str:
    """A page that is passed on need not tell how the folders of its writer are called."""
    if clip is None or not isinstance(clip.audio, Path):
        return message
    return message.replace(f"{clip.audio.parent}{os.sep}", "")


def _first(sound: Audio, seconds: float) -> Audio:
    return Audio(sound.samples[: max(1, round(seconds * sound.rate))], sound.rate)


def _flac(sound: Audio) -> tuple[bytes, float]:
    """16-bit FLAC, and the factor that kept what is beyond full scale from being cut off."""
    import soundfile

    peak = float(np.abs(sound.samples).max(initial=0.0))
    factor = 1.0 / peak if peak > 1.0 else 1.0
    whole = np.round(sound.samples * factor * 32767.0).astype(np.int16)
    out = io.BytesIO()
    soundfile.write(out, whole, sound.rate, format="FLAC", subtype="PCM_16")
    return out.getvalue(), factor


def _wave(sound: Audio) -> list[int]:
    """Lowest and highest of each column in turn, -127 to 127, the loudest at full height."""
    edges = spectra.outline(sound.samples)
    peak = float(np.abs(edges).max(initial=0.0))
    loud = max(peak, 10 ** (spectra.QUIETEST / 20))
    found: list[int] = np.round(DEEPEST * edges / loud).astype(int).ravel().tolist()
    return found

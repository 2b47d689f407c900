"""Sound as captioners hear it: decoded, mixed to one channel, at the rate they ask for.

Either a sound comes out as it should or `BadAudio` names the file: a model given half a clip, or
one NaN, still writes a fluent caption, and nobody would notice.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aacbench.audiofile import decode
from aacbench.errors import BadAudio, BadOption
from aacbench.timing import stage
from aacbench.types import Audio, AudioSource, Clip

if TYPE_CHECKING:
    import numpy.typing as npt

RESAMPLER = "soxr:HQ"  # decides the captions, so it is part of the run key
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif")

MIN_SECONDS = 0.01  # below this the window of a spectrogram does not fit
RATES = (1_000, 768_000)  # hertz; anything outside is a damaged header


def read(source: Path | AudioSource | Audio | None) -> Audio:
    """Decode to mono (the mean of the channels) float32 at the native rate.

    WAV, FLAC, Ogg Vorbis and Opus, MP3 and AIFF are read. Silence is a sound like any other, and a
    streamed WAV whose header leaves its size open is read to its end. `BadAudio` is raised for what
    is not a readable sound file; holds less than 10 ms; holds a sample that is not finite; has a
    rate outside 1 to 768 kHz; or holds over 50 ms less than its header promises. Ogg streams and
    some MP3 files promise nothing, so one that is cut is read as far as it goes. None, in a clip
    of pictures alone, is no sound either.
    """
    return _load(source, "the clip" if source is None else "a decoded sound")


@stage("resample")
def resample(audio: Audio, rate: int) -> Audio:
    """The same sound at `rate` hertz, by `RESAMPLER`."""
    if rate == audio.rate:
        return audio
    if rate <= 0:
        raise BadOption(f"cannot resample to {rate} Hz", "Ask for a positive rate, such as 32000.")
    import soxr

    samples = soxr.resample(audio.samples, audio.rate, rate, quality=RESAMPLER.partition(":")[2])
    return Audio(np.asarray(samples, dtype=np.float32), rate)


def waveform(clip: Clip, rate: int) -> npt.NDArray[np.float32]:
    """A clip's sound, mono float32 (n,) at `rate` hertz; raises `BadAudio` as `read` does."""
    return resample(_load(clip.audio, f"clip {clip.id!r}"), rate).samples


def duration(clip: Clip) -> float | None:
    """Seconds, without decoding where that can be had; None where only decoding would tell."""
    if clip.duration is not None:
        return clip.duration
    if isinstance(clip.audio, Audio):
        return clip.audio.duration
    if not isinstance(clip.audio, Path) or not clip.audio.is_file():
        return None
    import soundfile

    try:
        return float(soundfile.info(os.fsencode(clip.audio)).duration)
    except (soundfile.SoundFileError, TypeError, ZeroDivisionError):
        return None


def buckets(durations: Sequence[float | None], size: int) -> list[list[int]]:
    """Indices in batches of at most `size`, of like duration, so that little is padded.

    The longest come first, so that a batch that does not fit in memory fails at once; equal ones
    keep their order, and those of unknown duration (None, NaN) come last in theirs.
    """
    if size < 1:
        raise BadOption(f"a batch of {size} clips holds nothing", "Choose a batch size from 1 up.")

    def key(index: int) -> tuple[bool, float]:
        seconds = durations[index]
        known = seconds is not None and not math.isnan(seconds)
        return (not known, -seconds if known and seconds is not None else 0.0)

    order = sorted(range(len(durations)), key=key)
    return [order[start : start + size] for start in range(0, len(order), size)]


def _load(source: Path | AudioSource | Audio | None, name: str) -> Audio:
    """Decode whatever kind of source it is; `name` stands for one that is not a file."""
    if source is None:
        raise BadAudio(
            f"{name} has no sound, only a picture", "Choose a data set of sounds as the target."
        )
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return _checked(decode(path), str(path))
    return _checked(source if isinstance(source, Audio) else source.read(), name)


def _checked(audio: Audio, name: str) -> Audio:
    """`audio` as float32, if it is a sound that a captioner can hear."""
    low, high = RATES
    if not low <= audio.rate <= high:
        raise BadAudio(f"{name}: a rate of {audio.rate} Hz cannot be right")
    samples = np.asarray(audio.samples)
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise BadAudio(
            f"{name}: samples of shape {samples.shape} and type {samples.dtype}, "
            "where one channel of floating-point numbers was expected"
        )
    with np.errstate(over="ignore"):  # float64 beyond float32's range is caught below
        samples = samples.astype(np.float32, copy=False)
    seconds = len(samples) / audio.rate
    if not len(samples):
        raise BadAudio(f"{name}: holds no sound (zero samples)", "Fetch it again, or leave it out.")
    if seconds < MIN_SECONDS:
        raise BadAudio(f"{name}: holds {seconds * 1000:.1f} ms, at least 10 ms are needed")
    _refuse_non_finite(samples, audio.rate, name)
    return Audio(samples, audio.rate)


def _refuse_non_finite(samples: npt.NDArray[np.float32], rate: int, name: str) -> None:
    finite = np.isfinite(samples)
    if finite.all():
        return
    first = int(np.argmin(finite))
    count = int(np.count_nonzero(~finite))
    raise BadAudio(
        f"{name}: {count} of {len(samples)} samples are NaN or infinite, "
        f"the first is number {first} (at {first / rate:.3f} s)",
        "Write the file again from its source; a float file of a failed computation looks so.",
    )

"""Sound to log-mel spectrograms: one front end, with each model's constants as data.

The bank is Kaldi's: triangles that are straight lines on the scale 1127 ln(1 + f / 700), over the
bins below Nyquist. Constants are made once and shared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class MelSettings:
    """`window`, `hop` and `transform` are in samples, `low` and `high` in hertz.

    `preemphasis` is a in x[t] - a x[t-1], or None. The result is
    (ln(power + floor) + shift) / scale.
    """

    rate: int
    bands: int
    transform: int
    window: int
    hop: int
    low: float
    high: float
    floor: float
    shift: float
    scale: float
    preemphasis: float | None = None


def _mel(hertz: Tensor) -> Tensor:
    return 1127.0 * torch.log1p(hertz / 700.0)


@lru_cache(maxsize=8)
def mel_bank(settings: MelSettings) -> Tensor:
    """(bands, transform // 2 + 1) weights; the last column, Nyquist, is zero."""
    bins = settings.transform // 2
    mels = _mel(torch.arange(bins, dtype=torch.float64) * settings.rate / settings.transform)
    low, high = _mel(torch.tensor([settings.low, settings.high], dtype=torch.float64))
    step = (high - low) / (settings.bands + 1)
    left = low + torch.arange(settings.bands, dtype=torch.float64)[:, None] * step
    rising = (mels - left) / step
    falling = (left + 2 * step - mels) / step
    triangles = torch.clamp(torch.minimum(rising, falling), min=0.0)
    return torch.nn.functional.pad(triangles, (0, 1)).float()


@lru_cache(maxsize=8)
def _window(length: int) -> Tensor:
    return torch.hann_window(length, periodic=False)


def log_mel(waveform: Tensor, settings: MelSettings) -> Tensor:
    """(bands, frames) of a mono (samples,) float32 waveform at `settings.rate`.

    Frames are centred, about samples / hop + 1 of them. A sound shorter than one transform is
    lengthened by silence, so that every length has a spectrogram.
    """
    missing = settings.transform + 1 - waveform.shape[-1]
    if missing > 0:
        waveform = torch.nn.functional.pad(waveform, (0, missing))
    if settings.preemphasis is not None:
        waveform = waveform[1:] - settings.preemphasis * waveform[:-1]
    spectrum = torch.stft(
        waveform,
        settings.transform,
        hop_length=settings.hop,
        win_length=settings.window,
        window=_window(settings.window),
        center=True,
        return_complex=True,
    )
    power = spectrum.real.square() + spectrum.imag.square()  # (bins, frames)
    return (
        torch.log(mel_bank(settings) @ power + settings.floor) + settings.shift
    ) / settings.scale


def frame_count(samples: int, settings: MelSettings) -> int:
    """How many frames `log_mel` gives for that many samples."""
    samples = max(samples, settings.transform + 1)
    filtered = samples - (settings.preemphasis is not None)
    return math.floor(filtered / settings.hop) + 1

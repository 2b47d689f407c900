"""Sound to the log-mel features of a published CLAP, the same on every run.

The published code cuts a long sound at random. Here the random numbers are drawn from a seed and
the clip's own identity, so that a clip is cut in the same place whatever else is asked for; or the
place is fixed. Which of these stands for the papers' runs is a reading: they do not say.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from aacbench import audio
from aacbench.builtin.encoders.clap.paper.sizes import Front
from aacbench.provenance import identity

if TYPE_CHECKING:
    from aacbench.types import Clip

Crop = Literal["random", "start", "middle"]
FLOOR = 1e-10  # of the mel power, before the logarithm
SCALE_16_BIT = 32767.0


@dataclass(frozen=True)
class Features:
    """`mel` is (1, views, frames, bands) in decibels; `longer` tells of a sound seen in parts."""

    mel: Tensor
    longer: bool


class Places:
    """Chooses one place out of several: by the clip's own random numbers, or always the same."""

    def __init__(self, clip: Clip, crop: Crop, seed: int) -> None:
        self._crop = crop
        digest = hashlib.sha256(f"{seed}\t{identity(clip)}".encode("utf-8", "surrogatepass"))
        self._random = np.random.default_rng(int.from_bytes(digest.digest()[:8], "big"))

    def choose(self, count: int) -> int:
        """A number from 0 to `count` - 1."""
        if self._crop == "random":
            return int(self._random.integers(count))
        return 0 if self._crop == "start" else (count - 1) // 2


class FrontEnd:
    """Clips to `Features`; `bank` is the (bins, bands) mel filters, by default `front`'s."""

    def __init__(self, front: Front, crop: Crop, seed: int, bank: Tensor | None = None) -> None:
        self.front = front
        self._crop: Crop = crop
        self._seed = seed
        self.bank = bank.float() if bank is not None else mel_bank(front)

    def features(self, clip: Clip) -> Features:
        """What the audio tower sees of a clip."""
        waveform = torch.from_numpy(audio.waveform(clip, self.front.rate))
        return self.of(waveform, Places(clip, self._crop, self._seed))

    def windows(self, clip: Clip, longest: float) -> tuple[Tensor, float]:
        """The first `longest` seconds in windows of what the model hears at once, one after another
        with the last filled up, (windows, views, frames, bands); and how many windows' worth of
        sound that is."""
        front = self.front
        waveform = torch.from_numpy(audio.waveform(clip, front.rate))
        waveform = self._rounded(waveform)[: max(1, round(longest * front.rate))]
        parts = [
            self._decibels(filled(part, front)) for part in torch.split(waveform, front.samples)
        ]
        views = 4 if front.long == "fusion" else 1
        return torch.stack([torch.stack([part] * views) for part in parts]), (
            waveform.shape[0] / front.samples
        )

    def _rounded(self, waveform: Tensor) -> Tensor:
        if not self.front.quantised:
            return waveform
        return torch.trunc(waveform.clamp(-1, 1) * SCALE_16_BIT) / SCALE_16_BIT

    def of(self, waveform: Tensor, places: Places) -> Features:
        """The same of a mono (samples,) float32 waveform at the front's rate."""
        front = self.front
        waveform = self._rounded(waveform)
        spare = waveform.shape[0] - front.samples
        if front.long == "fusion":
            return self._views(waveform if spare > 0 else filled(waveform, front), places)
        if spare > 0:
            start = places.choose(spare + 1)
            waveform = waveform[start : start + front.samples]
        return Features(self._decibels(filled(waveform, front))[None, None], spare > 0)

    def _views(self, waveform: Tensor, places: Places) -> Features:
        """The whole sound squeezed into one view, and a view of each of its three thirds."""
        mel = self._decibels(waveform)  # (frames, bands)
        frames = self.front.frames
        spare = mel.shape[0] - frames
        if spare <= 0:
            return Features(torch.stack([mel] * 4)[None], False)
        starts = np.array_split(np.arange(spare + 1), 3)
        picked = [int(third[places.choose(len(third))]) if len(third) else 0 for third in starts]
        shape = (frames, self.front.bands)
        whole = functional.interpolate(mel[None, None], shape, mode="bilinear")[0, 0]
        views = [whole, *(mel[start : start + frames] for start in picked)]
        return Features(torch.stack(views)[None], True)

    def _decibels(self, waveform: Tensor) -> Tensor:
        """(frames, bands) of a waveform that is at least half a window long."""
        spectrum = torch.stft(
            waveform,
            self.front.window,
            hop_length=self.front.hop,
            window=torch.hann_window(self.front.window),
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()  # (bins, frames)
        return 10.0 * torch.log10((power.T @ self.bank).clamp(min=FLOOR))


def filled(waveform: Tensor, front: Front) -> Tensor:
    """A short sound repeated to the model's length: to the last sample, or as often as it fits
    whole with silence after it."""
    times, rest = divmod(front.samples, waveform.shape[0])
    if front.fill == "repeat":
        return waveform.repeat(times + (rest > 0))[: front.samples]
    return functional.pad(waveform.repeat(times), (0, rest)) if rest else waveform.repeat(times)


@lru_cache(maxsize=8)
def mel_bank(front: Front) -> Tensor:
    """(window // 2 + 1, bands) triangles: librosa's form (slaney) or torchaudio's (htk)."""
    from transformers.audio_utils import mel_filter_bank

    bank = mel_filter_bank(
        num_frequency_bins=front.window // 2 + 1,
        num_mel_filters=front.bands,
        min_frequency=front.low,
        max_frequency=front.high,
        sampling_rate=front.rate,
        norm="slaney" if front.bank == "slaney" else None,
        mel_scale=front.bank,
    )
    return torch.from_numpy(bank).float()

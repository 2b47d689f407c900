"""The spectrogram front end that both presets share."""

from __future__ import annotations

import math

import pytest
import torch

from aacbench.builtin.encoders.clap import efficientat, mini
from aacbench.builtin.encoders.clap.mel import frame_count, log_mel, mel_bank

BOTH = pytest.mark.parametrize("settings", [efficientat.SETTINGS, mini.SETTINGS])


def tone(hertz: float, rate: int, seconds: float = 1.0) -> torch.Tensor:
    return torch.sin(torch.arange(int(rate * seconds)) * (2 * math.pi * hertz / rate))


@BOTH
def test_every_band_hears_something_and_none_hears_nyquist(settings):
    bank = mel_bank(settings)
    assert bank.shape == (settings.bands, settings.transform // 2 + 1)
    assert bank[:, -1].abs().max() == 0
    assert float(bank.max()) <= 1.0
    assert (bank.sum(1) > 0).float().mean() > 0.9


@BOTH
@pytest.mark.parametrize("hertz", [440.0, 1000.0, 5000.0])
def test_a_tone_is_loudest_in_the_band_whose_centre_is_nearest(settings, hertz):
    mel = log_mel(tone(hertz, settings.rate), settings)
    low, high = (1127 * math.log1p(f / 700) for f in (settings.low, settings.high))
    step = (high - low) / (settings.bands + 1)
    expected = (1127 * math.log1p(hertz / 700) - low) / step - 1
    assert abs(int(mel.mean(1).argmax()) - expected) <= 1.0


@BOTH
@pytest.mark.parametrize("samples", [1, 500, 2048, 32_000, 33_333])
def test_every_length_has_its_frames(settings, samples):
    mel = log_mel(torch.randn(samples, generator=torch.Generator().manual_seed(0)), settings)
    assert mel.shape == (settings.bands, frame_count(samples, settings))
    assert torch.isfinite(mel).all()


@BOTH
def test_silence_gives_the_floor_everywhere(settings):
    mel = log_mel(torch.zeros(settings.rate), settings)
    floor = (math.log(settings.floor) + settings.shift) / settings.scale
    assert mel.numpy() == pytest.approx(floor, abs=1e-5)


def test_ten_times_the_amplitude_is_a_hundredfold_power():
    settings = mini.SETTINGS
    soft, loud = (log_mel(level * tone(1000, settings.rate), settings) for level in (0.05, 0.5))
    band = int(loud.mean(1).argmax())
    rise = (loud[band, 10] - soft[band, 10]) * settings.scale
    assert float(rise) == pytest.approx(math.log(100), abs=0.01)

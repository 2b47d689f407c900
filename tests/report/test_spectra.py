"""Pictures of sounds: a tone lies where it should, silence is flat, colours rise in lightness."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from aacbench.report import spectra


def tone(hertz: float, rate: int, seconds: float = 2.0) -> np.ndarray:
    at = np.arange(round(seconds * rate)) / rate
    return np.sin(2 * np.pi * hertz * at).astype(np.float32)


def row_of(hertz: float, rate: int) -> int:
    """The band whose centre is nearest, by the definition of the scale."""
    low, high = spectra.mel(spectra.LOWEST), spectra.mel(rate / 2)
    return round((spectra.mel(hertz) - low) / (high - low) * (spectra.BANDS + 1)) - 1


@pytest.mark.parametrize("rate", [8000, 16_000, 32_000, 44_100])
@pytest.mark.parametrize("hertz", [150.0, 440.0, 1000.0, 3200.0])
def test_a_tone_is_brightest_in_its_own_band(hertz: float, rate: int):
    picture = spectra.log_mel(tone(hertz, rate), rate)
    assert picture.shape[0] == spectra.BANDS
    middle = picture[:, picture.shape[1] // 4 : -picture.shape[1] // 4]
    assert set(middle.argmax(axis=0)) <= {row_of(hertz, rate) + d for d in (-1, 0, 1)}
    assert middle.max() == 255
    assert middle[min(row_of(hertz, rate) + 12, 63)].max() < 100


def test_silence_is_flat_and_dark():
    silent = np.zeros(16_000, dtype=np.float32)
    assert not spectra.log_mel(silent, 16_000).any()
    assert not spectra.outline(silent).any()
    assert spectra.peak_db(silent) is None


def test_noise_far_below_hearing_does_not_glow():
    noise = np.random.default_rng(0).normal(0, 1e-5, 32_000).astype(np.float32)
    assert spectra.log_mel(noise, 16_000).max() < 160
    loud = spectra.log_mel(1e4 * noise, 16_000)
    assert loud.max() == 255


def test_the_outline_keeps_every_peak():
    samples = np.zeros(100_000, dtype=np.float32)
    samples[[12_345, 77_777]] = 0.9, -0.7
    edges = spectra.outline(samples)
    assert edges.shape == (spectra.COLUMNS, 2)
    assert edges[:, 1].argmax() == 12_345 * spectra.COLUMNS // 100_000
    assert edges[:, 0].argmin() == 77_777 * spectra.COLUMNS // 100_000


def test_shorter_than_a_window_still_has_a_picture():
    assert spectra.log_mel(tone(1000, 16_000, 0.01), 16_000).shape[0] == 64
    assert len(spectra.outline(tone(1000, 16_000, 0.01))) == 160


def test_any_program_reads_the_png_with_low_sounds_at_the_bottom():
    picture = spectra.log_mel(tone(1000, 16_000), 16_000)
    image = Image.open(io.BytesIO(spectra.png(picture)))
    assert image.size == (picture.shape[1], 64)
    assert (np.asarray(image)[::-1] == picture).all()
    assert (np.asarray(image.convert("RGB"))[::-1] == spectra.colours()[picture]).all()


def test_louder_is_always_lighter_for_every_kind_of_colour_vision():
    linear = (spectra.colours() / 255.0) ** 2.2
    full = linear @ [0.2126, 0.7152, 0.0722]
    without_long = linear @ [0.0, 0.9, 0.1]  # whoever lacks the cones for red
    for lightness in (full, without_long):
        assert (np.diff(lightness) > -0.004).all()
        assert (np.diff(lightness[::8]) > 0).all()
        assert lightness[-1] / max(lightness[0], 1e-3) > 100

"""Layers to samples: shaped noise, gliding harmonic stacks, random grains and struck bodies.

Long noise is one stretch of four seconds, shaped in the frequency domain and repeated: the shaping
is circular, so the seam cannot be heard, and a long sound costs no more than a short one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, signal

from aacbench.builtin.datasets.soundbox.layers import (
    Grains,
    Layer,
    Noise,
    Peaks,
    Range,
    Ring,
    Sound,
    Tone,
    range_fields,
)

RATE = 32000
Samples = npt.NDArray[np.float32]
_LOOP = 2**17
_TABLE = 4096
_TOP = 15000.0
# formants of a man's vowels (hertz), after which every speaker's are scaled
_VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (530, 1840, 2480),
    (570, 840, 2410),
    (300, 870, 2240),
    (440, 1020, 2240),
    (640, 1190, 2390),
)


class Studio:
    """One clip's stock of randomness: a generator and a stretch of white noise that all share."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.white: Samples = rng.standard_normal(_LOOP, dtype=np.float32)
        self._spectrum: npt.NDArray[np.complex64] | None = None

    @property
    def spectrum(self) -> npt.NDArray[np.complex64]:
        """The spectrum of the whole white stretch, (loop / 2 + 1,)."""
        if self._spectrum is None:
            self._spectrum = fft.rfft(self.white)
        return self._spectrum

    def draw(self, span: Range) -> float:
        """A value of a range: uniform in the logarithm where both ends are positive."""
        low, high = span
        if low == high:
            return low
        place = self.rng.random()
        if low > 0.0:
            return low * math.exp(math.log(high / low) * place)
        return low + (high - low) * place

    def stretch(self, length: int) -> Samples:
        """`length` samples of the white stretch from a random place, at most the whole of it."""
        start = int(self.rng.integers(0, _LOOP - length + 1))
        return self.white[start : start + length]

    def settle(self, layer: Layer, spread: float) -> Layer:
        """`layer` with a value drawn from each range, give or take `spread` of it."""
        settled: dict[str, Any] = {}
        for name in range_fields(layer):
            low, high = getattr(layer, name)
            if low != high:
                value = self.draw((low, high))
                settled[name] = (value * (1.0 - spread), value * (1.0 + spread))
        return replace(layer, **settled)


def db(decibels: float) -> float:
    """Decibels as an amplitude."""
    return math.pow(10.0, decibels / 20.0)


def spectral_gain(
    hertz: npt.NDArray[np.float64], low: float, high: float, slope: float, peaks: Peaks
) -> npt.NDArray[np.float64]:
    """Amplitude at each frequency of a band: 18 dB an octave outside, tilted and peaked inside."""
    octaves = np.log2(np.maximum(hertz, 1.0))
    below = np.maximum(math.log2(low) - octaves, 0.0)
    above = np.maximum(octaves - math.log2(high), 0.0)
    level = -18.0 * (below + above) + slope * (octaves - math.log2(low))
    for centre, decibels in peaks:
        level = level + decibels * np.exp(-((octaves - math.log2(centre)) ** 2) / 0.08)
    return np.asarray(10.0 ** (np.clip(level, -120.0, 60.0) / 20.0))


@lru_cache(maxsize=1)
def _grid() -> npt.NDArray[np.float64]:
    return np.concatenate(([0.0], np.geomspace(16.0, RATE / 2, 240)))


def _bin_gain(length: int, low: float, high: float, slope: float, peaks: Peaks) -> Samples:
    gain = spectral_gain(_grid(), low, high, slope, peaks)
    gain[0] = 0.0
    bins = np.linspace(0.0, RATE / 2, length // 2 + 1)
    return np.interp(bins, _grid(), gain).astype(np.float32)


def unit(samples: Samples) -> Samples:
    """`samples` with a root mean square of 1."""
    power = float(np.dot(samples, samples)) / max(len(samples), 1)
    return samples / np.float32(math.sqrt(power) + 1e-9)


def noise_band(
    studio: Studio, length: int, low: float, high: float, slope: float = 0.0, peaks: Peaks = ()
) -> Samples:
    """Noise of unit level between `low` and `high` hertz, (length,)."""
    if length > _LOOP // 4:
        gain = _bin_gain(_LOOP, low, high, slope, peaks)
        loop = unit(fft.irfft(studio.spectrum * gain, _LOOP))
        start = int(studio.rng.integers(0, _LOOP))
        repeats = -(-(start + length) // _LOOP)
        return np.tile(loop, repeats)[start : start + length]
    size = fft.next_fast_len(length, real=True)
    gain = _bin_gain(size, low, high, slope, peaks)
    shaped = fft.irfft(fft.rfft(studio.stretch(size)) * gain, size)
    return unit(shaped[:length])


def wander(studio: Studio, length: int, rate: float) -> Samples:
    """A smooth random curve between 0 and 1 that turns about `rate` times a second."""
    points = max(3, int(length / RATE * rate * 2) + 2)
    return glide(studio.rng.random(points).astype(np.float32), length)


def glide(points: Samples, length: int) -> Samples:
    """`points` spread evenly over `length` samples with straight lines between them."""
    if len(points) == 1:
        return np.full(length, points[0], dtype=np.float32)
    segment = -(-length // (len(points) - 1))
    along = np.arange(segment, dtype=np.float32) / np.float32(segment)
    lines = points[:-1, None] + np.diff(points)[:, None] * along  # (points - 1, segment)
    return lines.reshape(-1)[:length]


def envelope(studio: Studio, layer: Layer, length: int) -> Samples:
    """The layer's level over a call, (length,)."""
    curve = np.ones(length, dtype=np.float32)
    seconds = np.arange(length, dtype=np.float32) / np.float32(RATE)
    beat = studio.draw(layer.beat)
    if beat > 0.0:
        phase = 2.0 * math.pi * (seconds * np.float32(beat) + np.float32(studio.rng.random()))
        pulse = 0.5 + 0.5 * np.cos(phase)
        depth = np.float32(min(studio.draw(layer.depth), 1.0))
        curve *= 1.0 - depth + depth * pulse ** np.float32(studio.draw(layer.sharp))
    swell = min(studio.draw(layer.swell), 1.0)
    if swell > 0.0:
        curve *= 1.0 - np.float32(swell) * wander(studio, length, studio.draw(layer.swell_rate))
    decay = studio.draw(layer.decay)
    if decay > 0.0:
        curve *= np.exp(seconds / np.float32(-decay))
    attack = min(int(studio.draw(layer.attack) * RATE), length)
    curve[:attack] *= np.linspace(0.0, 1.0, attack, dtype=np.float32)
    release = min(int(studio.draw(layer.release) * RATE), length)
    curve[length - release :] *= np.linspace(1.0, 0.0, release, dtype=np.float32)
    return curve


def _wavetable(studio: Studio, tone: Tone, pitch: float, highest: float) -> Samples:
    count = max(1, min(tone.harmonics, int(_TOP / highest)))
    numbers = np.arange(1, count + 1, dtype=np.float64)
    hertz = numbers * pitch
    peaks = tone.formants
    scale = studio.draw(tone.vowel)
    if scale > 0.0:
        vowel = _VOWELS[int(studio.rng.integers(len(_VOWELS)))]
        gains = (16.0, 12.0, 8.0)
        peaks = tuple((f * scale, gain) for f, gain in zip(vowel, gains, strict=True))
    level = numbers ** -studio.draw(tone.slope)
    if peaks:
        level *= spectral_gain(hertz, 20.0, _TOP, 0.0, peaks)
    if tone.odd:
        level[1::2] *= 0.05
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=np.complex64)
    spectrum[1 : count + 1] = level * np.exp(2j * np.pi * studio.rng.random(count))
    return unit(fft.irfft(spectrum, _TABLE))


def _pitch_curve(studio: Studio, tone: Tone, pitch: float, length: int) -> Samples:
    """The tone's pitch in hertz, sample by sample, (length,)."""
    path = np.asarray(tone.path, dtype=np.float32)
    path = path * (1.0 + 0.03 * studio.rng.standard_normal(len(path), dtype=np.float32))
    if tone.cycle[0] > 0.0:
        path[-1] = path[0]
        period = studio.draw(tone.cycle) * RATE
        once = glide(path, max(int(period), 2))
        path_curve = np.resize(np.roll(once, int(studio.rng.integers(len(once)))), length)
    else:
        path_curve = glide(path, length)
    curve = path_curve * np.float32(pitch)
    vibrato = studio.draw(tone.vibrato)
    if vibrato > 0.0:
        seconds = np.arange(length, dtype=np.float32) / np.float32(RATE)
        rate = np.float32(2.0 * math.pi * studio.draw(tone.vibrato_rate))
        curve = curve * (1.0 + np.float32(vibrato) * np.sin(seconds * rate))
    return curve


def _tone(studio: Studio, tone: Tone, length: int) -> Samples:
    pitch = studio.draw(tone.pitch)
    curve = _pitch_curve(studio, tone, pitch, length)
    rough = studio.draw(tone.rough)
    if rough > 0.0:
        curve = curve * (1.0 + np.float32(0.06 * rough) * (wander(studio, length, 30.0) - 0.5))
    table = _wavetable(studio, tone, float(curve.mean()), float(curve.max()))
    phase = np.cumsum(curve, dtype=np.float64) * (_TABLE / RATE)
    samples: Samples = table[phase.astype(np.int64) & (_TABLE - 1)]
    if rough > 0.0:
        samples = samples * (1.0 - np.float32(rough) * wander(studio, length, 45.0))
    return samples


def _grains(studio: Studio, grains: Grains, length: int) -> Samples:
    ring = studio.draw(grains.ring)
    kernel_length = max(64, int(5.0 * ring * RATE))
    kernel = noise_band(studio, kernel_length, studio.draw(grains.low), studio.draw(grains.high))
    kernel *= np.exp(np.arange(kernel_length, dtype=np.float32) / np.float32(-ring * RATE))
    count = max(1, int(studio.draw(grains.density) * length / RATE))
    places = studio.rng.integers(0, length, count)
    levels = np.exp(studio.rng.standard_normal(count) * studio.draw(grains.uneven))
    levels *= studio.rng.choice((-1.0, 1.0), count)
    impulses = np.zeros(length, dtype=np.float32)
    np.add.at(impulses, places, levels.astype(np.float32))
    return unit(signal.oaconvolve(impulses, kernel)[:length])


def _ring(studio: Studio, ring: Ring, length: int) -> Samples:
    pitch = studio.draw(ring.pitch)
    decay = studio.draw(ring.decay)
    samples = np.zeros(length, dtype=np.float32)
    lowest = ring.partials[0]
    for ratio in ring.partials:
        hertz = pitch * ratio * (1.0 + 0.01 * (studio.rng.random() - 0.5))
        if hertz > _TOP:
            continue
        fall = decay * (lowest / ratio) ** 0.7
        sounding = min(length, int(7.0 * fall * RATE) + 1)
        seconds = np.arange(sounding, dtype=np.float32) / np.float32(RATE)
        level = (0.4 + 0.8 * studio.rng.random()) * (lowest / ratio) ** 0.3
        partial = np.sin(seconds * np.float32(2.0 * math.pi * hertz))
        samples[:sounding] += np.float32(level) * partial * np.exp(seconds / np.float32(-fall))
    return samples / np.float32(math.sqrt(len(ring.partials)) / 2)


def layer_samples(studio: Studio, layer: Layer, length: int) -> Samples:
    """One call of one layer, (length,)."""
    delay = min(int(studio.draw(layer.delay) * RATE), length - 1)
    rest = length - delay
    if isinstance(layer, Noise):
        band = studio.draw(layer.low), studio.draw(layer.high)
        body = noise_band(studio, rest, *band, studio.draw(layer.slope), layer.peaks)
    elif isinstance(layer, Tone):
        body = _tone(studio, layer, rest)
    elif isinstance(layer, Grains):
        body = _grains(studio, layer, rest)
    elif isinstance(layer, Ring):
        plain = replace(layer, decay=(0.0, 0.0))
        body = _ring(studio, layer, rest)
        return _delayed(studio, plain, body, delay)
    return _delayed(studio, layer, body, delay)


def _delayed(studio: Studio, layer: Layer, body: Samples, delay: int) -> Samples:
    shaped = body * envelope(studio, layer, len(body)) * np.float32(db(studio.draw(layer.gain)))
    return np.concatenate((np.zeros(delay, dtype=np.float32), shaped)) if delay else shaped


def call_samples(studio: Studio, layers: tuple[Layer, ...], length: int) -> Samples:
    """One call of all layers together, (length,)."""
    total = np.zeros(length, dtype=np.float32)
    for layer in layers:
        total += layer_samples(studio, layer, length)
    return total


def settled(studio: Studio, sound: Sound) -> tuple[Layer, ...]:
    """The layers of one event: this dog, this bell."""
    return tuple(studio.settle(layer, sound.spread) for layer in sound.layers)

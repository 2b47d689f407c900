"""A scene to samples: events at their times, a bed of noise under them, a room around them."""

from __future__ import annotations

import math

import numpy as np
from scipy import signal

from aacbench.builtin.datasets.soundbox.classes import sound_classes
from aacbench.builtin.datasets.soundbox.dice import generator
from aacbench.builtin.datasets.soundbox.layers import Layer, Sound
from aacbench.builtin.datasets.soundbox.scene import SOUND, Placed, Scene
from aacbench.builtin.datasets.soundbox.synthesis import (
    RATE,
    Samples,
    Studio,
    call_samples,
    db,
    glide,
    noise_band,
    settled,
    wander,
)

_FRAME = RATE // 20
_VARIANTS = 6  # different calls in a long series; the others repeat them at other levels


def render_scene(scene: Scene) -> Samples:
    """The clip of a scene: (duration * 32000,) with a peak between 0.5 and 0.9."""
    studio = Studio(generator(*scene.key, SOUND))
    length = round(scene.duration * RATE)
    events = np.zeros(length, dtype=np.float32)
    for event in scene.events:
        samples = render_event(studio, event)
        start = min(round(event.onset * RATE), length)
        end = min(start + len(samples), length)
        events[start:end] += samples[: end - start] * np.float32(db(event.level))
    if scene.reverberation:
        events = _in_room(studio, events, *scene.reverberation)
    events += _background(studio, scene, events)
    peak = float(np.abs(events).max())
    return events * np.float32((0.5 + 0.4 * studio.rng.random()) / max(peak, 1e-9))


def render_event(studio: Studio, event: Placed) -> Samples:
    """One event alone, its loudest twentieth of a second at a level of 1."""
    sound = sound_classes()[event.label].sound
    layers = settled(studio, sound)
    length = max(round(event.length * RATE), _FRAME)
    if event.count:
        samples = _counted(studio, sound, layers, event, length)
    elif sound.call:
        samples = _filled(studio, sound, layers, length)
    else:
        samples = call_samples(studio, layers, length)
    if event.motion != "steady":
        samples *= _motion(event, length)
    return samples / np.float32(loudness(samples) + 1e-9)


def loudness(samples: Samples) -> float:
    """Root mean square of the loudest twentieth of a second."""
    whole = len(samples) // _FRAME * _FRAME
    frames = samples[:whole].reshape(-1, _FRAME)
    return math.sqrt(float(np.einsum("ij,ij->i", frames, frames).max()) / _FRAME)


def _motion(event: Placed, length: int) -> Samples:
    curves = {
        "rising": (0.1, 0.35, 1.0),
        "falling": (1.0, 0.35, 0.1),
        "passing": (0.12, 1.0, 0.12),
    }
    return glide(np.asarray(curves[event.motion], dtype=np.float32), length)


def _place(total: Samples, call: Samples, start: int, level: float) -> None:
    end = min(start + len(call), len(total))
    total[start:end] += call[: end - start] * np.float32(level)


def _counted(
    studio: Studio, sound: Sound, layers: tuple[Layer, ...], event: Placed, length: int
) -> Samples:
    total = np.zeros(length, dtype=np.float32)
    size = min(round(event.call * RATE), length)
    calls = [call_samples(studio, layers, size) for _ in range(min(event.count, _VARIANTS))]
    for number in range(event.count):
        moved = 0.0
        if 0 < number < event.count - 1:
            moved = sound.jitter * (studio.rng.random() - 0.5) * event.period
        start = round((number * event.period + moved) * RATE)
        _place(total, calls[number % len(calls)], max(start, 0), 0.75 + 0.5 * studio.rng.random())
    return total


def _filled(studio: Studio, sound: Sound, layers: tuple[Layer, ...], length: int) -> Samples:
    assert sound.call is not None
    total = np.zeros(length, dtype=np.float32)
    sizes = [round(studio.draw(sound.call) * RATE) for _ in range(_VARIANTS)]
    calls = [call_samples(studio, layers, min(size, length)) for size in sizes]
    start = 0
    while start + min(sizes) // 2 < length:
        call = calls[int(studio.rng.integers(_VARIANTS))]
        _place(total, call, start, 0.6 + 0.6 * studio.rng.random())
        gap = studio.draw(sound.gap)
        if studio.rng.random() < sound.pause:
            gap += 0.25 + 0.5 * studio.rng.random()
        start += len(call) + round(gap * RATE)
    return total


def _in_room(studio: Studio, dry: Samples, rt60: float, wet: float) -> Samples:
    """`dry` with the tail of a room: noise that falls by 60 dB in `rt60` seconds."""
    size = max(round(rt60 * RATE * 0.75), 64)
    seconds = np.arange(size, dtype=np.float32) / np.float32(RATE)
    tail = studio.stretch(size) * np.exp(seconds * np.float32(-6.9 / rt60))
    tail = signal.lfilter((0.45,), (1.0, -0.55), tail).astype(np.float32)
    tail /= np.float32(math.sqrt(float(np.dot(tail, tail))))
    late = signal.oaconvolve(dry, tail)[: len(dry)]
    return dry + np.float32(wet) * late.astype(np.float32)


def _background(studio: Studio, scene: Scene, events: Samples) -> Samples | float:
    """The bed of noise, `snr` dB under the level of the frames in which something sounds."""
    if scene.background == "none":
        return 0.0
    length = len(events)
    if scene.background == "hum":
        seconds = np.arange(length, dtype=np.float32) / np.float32(RATE)
        mains = 50.0 if studio.rng.random() < 0.5 else 60.0
        bed = 0.12 * noise_band(studio, length, 30.0, 6000.0, -3.0)
        for harmonic, level in ((1, 0.8), (2, 1.0), (4, 0.4)):
            bed += np.float32(level) * np.sin(
                seconds * np.float32(2.0 * math.pi * mains * harmonic)
            )
    elif scene.background == "room":
        bed = noise_band(studio, length, 40.0, 300.0, -5.0)
        bed *= 0.8 + 0.4 * wander(studio, length, 0.5)
    else:
        slope = {"white": 0.0, "pink": -3.0, "brown": -6.0}[scene.background]
        bed = noise_band(studio, length, 30.0, 15000.0, slope)
    bed /= np.float32(math.sqrt(float(np.dot(bed, bed)) / length) + 1e-9)
    return bed * np.float32(_active_level(events) / db(scene.snr))


def _active_level(samples: Samples) -> float:
    """Root mean square over the frames within 30 dB of the loudest."""
    whole = len(samples) // _FRAME * _FRAME
    frames = samples[:whole].reshape(-1, _FRAME)
    power = np.einsum("ij,ij->i", frames, frames) / _FRAME
    return math.sqrt(float(power[power > power.max() * 1e-3].mean()))

"""The generated sounds: reproducible, whole, audible, and unlike one another."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from aacbench.builtin.datasets.soundbox.classes import DOMAINS, sound_classes
from aacbench.builtin.datasets.soundbox.dataset import Soundbox, SoundboxSound
from aacbench.builtin.datasets.soundbox.dice import generator
from aacbench.builtin.datasets.soundbox.layers import parse_layer
from aacbench.builtin.datasets.soundbox.rendering import render_event, render_scene
from aacbench.builtin.datasets.soundbox.scene import Placed, draw_scene
from aacbench.builtin.datasets.soundbox.synthesis import RATE, Samples, Studio

PRINT_DIGEST = """
import hashlib, pickle, sys
sound = pickle.loads(bytes.fromhex(sys.argv[1]))
print(hashlib.sha256(sound.read().samples.tobytes()).hexdigest())
"""


def sound(index: int, domain: str = "events", split: str = "test") -> SoundboxSound:
    return SoundboxSound(domain, split, index, 2024)


def event_alone(label: str, take: int) -> tuple[Placed, Samples]:
    """One event of a class, about three seconds where it can last."""
    made = sound_classes()[label].sound
    event = Placed(label, 0.0, 3.0)
    if made.calls:
        assert made.call is not None
        call, count = made.call[0], made.calls[0]
        period = call + made.gap[0]
        length = call + (count - 1) * period
        event = Placed(label, 0.0, length, count=count, period=period, call=call)
    return event, render_event(Studio(generator(77, take)), event)


def mean_log_spectrum(samples: Samples) -> np.ndarray:
    """Mean level in dB of 24 bands, loudness apart."""
    padded = np.pad(samples, (0, max(0, 1024 - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 1024)[::512] * np.hanning(1024)
    power = (np.abs(np.fft.rfft(frames)) ** 2).mean(axis=0)
    edges = np.unique(np.geomspace(1, 512, 25).astype(int))
    level = 10 * np.log10(np.add.reduceat(power, edges)[:-1] + 1e-9)
    return level - level.mean()


def test_a_clip_depends_on_its_key_alone_and_not_on_the_order_of_reading() -> None:
    forwards = {n: sound(n).read().samples for n in (0, 3, 8)}
    backwards = {n: sound(n).read().samples for n in (8, 3, 0)}
    for n, samples in forwards.items():
        np.testing.assert_array_equal(samples, backwards[n])


def test_a_clip_is_the_same_in_another_process() -> None:
    here = sound(5, "scenes")
    there = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST, pickle.dumps(here).hex()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == sha256(here.read().samples.tobytes()).hexdigest()


@pytest.mark.parametrize("other", [{"index": 1}, {"split": "train"}, {"domain": "scenes"}])
def test_another_clip_sounds_different(other: dict[str, object]) -> None:
    here, there = sound(0).read().samples, replace(sound(0), **other).read().samples
    assert here.shape != there.shape or not np.array_equal(here, there)


def test_another_seed_makes_another_clip_with_another_identity() -> None:
    here, there = sound(0), replace(sound(0), seed=1)
    assert here.identity != there.identity
    assert not np.array_equal(here.read().samples, there.read().samples)


def test_where_a_clip_is_kept_is_no_part_of_its_identity(tmp_path: Path) -> None:
    assert sound(0).identity == replace(sound(0), cache=tmp_path).identity


@pytest.mark.parametrize("domain", DOMAINS)
def test_clips_have_the_promised_length_level_and_form(domain: str) -> None:
    for clip in Soundbox(domain).clips("validation")[:6]:
        audio = clip.audio.read()
        assert audio.rate == RATE
        assert audio.samples.dtype == np.float32
        assert audio.duration == pytest.approx(clip.duration, abs=1e-3)
        assert 0.49 < float(np.abs(audio.samples).max()) < 0.91


def test_kept_clips_are_read_back_to_the_last_bit(tmp_path: Path) -> None:
    kept = replace(sound(2), cache=tmp_path)
    fresh = sound(2).read().samples
    np.testing.assert_array_equal(kept.read().samples, fresh)
    (path,) = tmp_path.rglob("*.*")
    assert path.suffix == ".flac"
    stamp = path.stat().st_mtime_ns
    np.testing.assert_array_equal(kept.read().samples, fresh)
    assert path.stat().st_mtime_ns == stamp, "the second reading rendered anew"


def test_a_broken_kept_file_is_made_anew(tmp_path: Path) -> None:
    kept = replace(sound(2), cache=tmp_path)
    kept.read()
    (path,) = tmp_path.rglob("*.flac")
    path.write_bytes(b"fLaC, and then the power went")
    np.testing.assert_array_equal(kept.read().samples, sound(2).read().samples)


def test_training_clips_are_not_kept(tmp_path: Path) -> None:
    box = Soundbox("events", cache=tmp_path)
    assert box.clips("train")[0].audio.cache is None
    assert box.clips("test")[0].audio.cache == tmp_path


@pytest.mark.parametrize("label", sound_classes())
def test_every_class_sounds_for_as_long_as_its_event(label: str) -> None:
    event, samples = event_alone(label, take=0)
    assert len(samples) == round(event.length * RATE)
    assert np.isfinite(samples).all()
    thirds = np.array_split(samples, 3)
    heard = [float(np.sqrt(np.mean(third**2))) for third in thirds]
    assert max(heard) > 0.05
    assert 0.9 < float(np.abs(samples).max()) < 60.0
    if sound_classes()[label].sound.lasting:
        assert min(heard) > 0.01, "an event that lasts falls silent"


def test_no_two_classes_have_the_same_spectrum() -> None:
    takes = {
        label: np.stack([mean_log_spectrum(event_alone(label, take)[1]) for take in range(2)])
        for label in sound_classes()
    }
    means = {label: spectra.mean(axis=0) for label, spectra in takes.items()}
    close = [
        pair
        for pair in combinations(means, 2)
        if np.sqrt(np.mean((means[pair[0]] - means[pair[1]]) ** 2)) < 1.0
    ]
    assert close == []


def test_two_takes_of_a_class_differ() -> None:
    for label in sound_classes():
        first, second = (event_alone(label, take)[1] for take in (1, 2))
        assert not np.allclose(first, second), label


def test_a_quieter_background_leaves_more_of_the_silence() -> None:
    numbers = range(200)
    scenes = (draw_scene("events", "test", n, 2024) for n in numbers)
    scene = next(s for s in scenes if s.background == "pink" and s.events[0].onset > 1.0)
    levels = []
    for snr in (0.0, 10.0, 20.0):
        samples = render_scene(replace(scene, snr=snr, reverberation=None))
        before = samples[: int(scene.events[0].onset * RATE)]
        levels.append(float(np.sqrt(np.mean(before**2)) / np.sqrt(np.mean(samples**2))))
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > 2.5 * levels[2]


def test_the_sound_of_an_event_lies_where_the_truth_says() -> None:
    seen = 0
    for index in range(40):
        scene = draw_scene("events", "test", index, 2024)
        dry = replace(scene, reverberation=None, background="none")
        power = render_scene(dry).astype(np.float64) ** 2
        inside = np.zeros(len(power), dtype=bool)
        for event in scene.events:
            inside[round(event.onset * RATE) : round(event.offset * RATE) + 1] = True
        assert power[inside].sum() == pytest.approx(power.sum(), rel=1e-6)
        seen += not inside.all()
    assert seen > 20


def test_a_field_that_no_layer_has_is_refused() -> None:
    with pytest.raises(TypeError, match="wobble"):
        parse_layer({"kind": "tone", "pitch": 100, "wobble": 3})

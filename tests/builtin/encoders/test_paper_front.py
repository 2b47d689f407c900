"""What a published CLAP is shown of a sound: the authors' features, and the same on every run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import ClapFeatureExtractor

from aacbench import audio
from aacbench.builtin.encoders.clap.paper import sizes
from aacbench.builtin.encoders.clap.paper.front import FrontEnd, Places, filled, mel_bank
from aacbench.types import Audio, Clip


def extractor(truncation: str) -> ClapFeatureExtractor:
    return ClapFeatureExtractor(frequency_min=50, truncation=truncation)


def front_end(name: str, crop: str = "start", seed: int = 0) -> FrontEnd:
    return FrontEnd(sizes.model(name).front, crop, seed)


@pytest.mark.parametrize(
    ("name", "truncation"), [("hub-unfused", "rand_trunc"), ("hub-fused", "fusion")]
)
@pytest.mark.parametrize("which", [0, 1])
def test_features_are_those_of_the_hubs_extractor(name, truncation, which, real_clips, monkeypatch):
    clip = real_clips[which]
    monkeypatch.setattr(np.random, "randint", lambda low, high=None: low)
    monkeypatch.setattr(np.random, "choice", lambda places: places[0])
    theirs = extractor(truncation)(audio.waveform(clip, 48_000), sampling_rate=48_000)
    ours = front_end(name).features(clip)
    expected = np.asarray(theirs["input_features"][0])
    assert ours.mel.shape == (1, *expected.shape)
    assert float(np.abs(ours.mel[0].numpy() - expected).max()) < 0.02  # decibels
    assert float(np.abs(ours.mel[0].numpy() - expected).mean()) < 1e-4
    assert ours.longer is (which == 1)


def test_a_middle_cut_is_the_middle_of_each_third(real_clips):
    clip = real_clips[1]
    front = front_end("hub-fused", "middle")
    mel = front._decibels(torch.from_numpy(audio.waveform(clip, 48_000)))
    spare = mel.shape[0] - 1001
    thirds = np.array_split(np.arange(spare + 1), 3)
    seen = front.features(clip).mel[0]
    for view, third in zip(seen[1:], thirds, strict=True):
        start = int(third[(len(third) - 1) // 2])
        assert torch.equal(view, mel[start : start + 1001])


@pytest.mark.parametrize("name", ["ms2023", "laion-unfused", "laion-fused"])
def test_a_clip_is_cut_in_the_same_place_on_every_run(name, real_clips):
    clip = real_clips[1]
    first = front_end(name, "random").features(clip).mel
    assert torch.equal(front_end(name, "random").features(clip).mel, first)
    np.random.seed(7)
    torch.manual_seed(7)
    assert torch.equal(front_end(name, "random").features(clip).mel, first)
    assert not torch.equal(front_end(name, "random", seed=1).features(clip).mel, first)
    other = replace(clip, id="another")
    assert not torch.equal(front_end(name, "random").features(other).mel, first)


def test_random_places_reach_everywhere():
    noise = np.random.default_rng(0).normal(0, 0.1, 4800).astype(np.float32)
    picked = [
        Places(Clip(str(number), Audio(noise, 48_000)), "random", 0).choose(10)
        for number in range(200)
    ]
    assert set(picked) == set(range(10))


@pytest.mark.parametrize(
    ("name", "rate", "seconds"), [("ms2023", 44_100, 7), ("laion-unfused", 48_000, 10)]
)
def test_a_sound_of_the_very_length_is_neither_cut_nor_filled(name, rate, seconds):
    front = sizes.model(name).front
    waveform = torch.randn(rate * seconds)
    assert front.samples == len(waveform)
    assert torch.equal(filled(waveform, front), waveform)


def test_short_sounds_are_repeated_as_each_model_learnt():
    third = torch.arange(1.0, 8.0)
    front = replace(sizes.model("ms2023").front, rate=20, seconds=1)
    assert filled(third, front).tolist() == [*range(1, 8), *range(1, 8), *range(1, 7)]
    padded = replace(front, fill="repeatpad")
    assert filled(third, padded).tolist() == [*range(1, 8), *range(1, 8), *[0.0] * 6]


def test_16_bit_integers_change_silence_and_no_more():
    quiet = (torch.rand(480_000) - 0.5) * 5e-5  # below the smallest integer
    clip = Clip("quiet", Audio(np.zeros(10, np.float32), 48_000))
    through = front_end("laion-unfused").of(quiet, Places(clip, "start", 0)).mel
    direct = front_end("hub-unfused").of(quiet, Places(clip, "start", 0)).mel
    assert float(through.max()) == pytest.approx(-100.0)
    assert float(direct.mean()) > -99.0


def test_the_forms_of_filters_differ_and_cover_their_band():
    slaney, htk = (mel_bank(sizes.model(name).front) for name in ("laion-unfused", "laion-fused"))
    assert slaney.shape == htk.shape == (513, 64)
    assert not torch.allclose(slaney, htk)
    hertz = torch.linspace(0, 24_000, 513)
    for bank in (slaney, htk):
        used = hertz[bank.sum(1) > 0]
        assert float(used.min()) >= 50 - 47
        assert float(used.max()) <= 14_000


def test_the_shortest_sound_that_can_be_read_has_features(real_clips):
    noise = np.random.default_rng(0).normal(0, 0.1, 480).astype(np.float32)
    clip = Clip("blink", Audio(noise, 48_000))
    for name in ("ms2023", "laion-unfused", "laion-fused"):
        mel = front_end(name).features(clip).mel
        assert mel.isfinite().all()
        assert mel.shape[2] == sizes.model(name).front.frames

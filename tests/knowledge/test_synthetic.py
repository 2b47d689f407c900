"""Synthetic pairs: drawn around real ones as told, and the same ones each time."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_bases import clustered, unit

from aacbench.knowledge import synthetic


def test_pairs_are_those_of_their_seed_and_block_and_of_unit_length() -> None:
    cloud = clustered(16)
    first, again, other = (cloud.draw(50, 3, block) for block in (0, 0, 1))
    np.testing.assert_array_equal(first.audio, again.audio)
    np.testing.assert_array_equal(first.text, again.text)
    assert not np.isclose(first.text, other.text).all(axis=1).any()
    for half in (first.audio, first.text):
        np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1, atol=1e-6)


def test_a_pairs_sound_and_text_are_of_one_clip_and_its_caption_is_named() -> None:
    clips = np.repeat(np.arange(40), 3)
    rows = unit(40, 32, 0)[clips] + 0.2 * unit(120, 32, 1)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    quiet = np.zeros((32, 32), np.float32)
    cloud = synthetic.Cloud(synthetic.seeds(rows, clips), quiet, synthetic.lift(32, 32, 0))
    drawn = cloud.draw(200, 0)
    likeness = drawn.audio @ drawn.text.T
    other = clips[drawn.captions][:, None] != clips[drawn.captions]
    assert np.diag(likeness).mean() > likeness[other].mean() + 0.5
    nearest = (drawn.text @ (rows @ synthetic.lift(32, 32, 0)).T).argmax(axis=1)
    assert (clips[nearest] == clips[drawn.captions]).mean() > 0.9


def test_the_wider_space_keeps_all_inner_products() -> None:
    rows = unit(20, 8, 0)
    wider = rows @ synthetic.lift(8, 30, 1)
    np.testing.assert_allclose(wider @ wider.T, rows @ rows.T, atol=1e-6)


@pytest.mark.parametrize("even", [False, True])
def test_noise_has_the_mean_length_of_captions_about_their_clips_mean(even: bool) -> None:
    rng = np.random.default_rng(0)
    clips = np.repeat(np.arange(2000), 5)
    shape = np.diag([3.0, 1.0, 0.1])
    rows = rng.standard_normal((2000, 3))[clips] + rng.standard_normal((10_000, 3)) @ shape
    found = synthetic.within_clips(rows.astype(np.float32), clips)
    np.testing.assert_allclose(found, shape**2, atol=0.15)
    moved = rng.standard_normal((10_000, 3)) @ synthetic.noise(found, 2.0, even)
    assert (moved**2).sum(axis=1).mean() == pytest.approx(4 * 10.01, rel=0.05)
    spread = moved.std(axis=0)
    assert spread.max() / spread.min() == pytest.approx(1 if even else 30, rel=0.1)


def test_clips_of_one_caption_alone_tell_nothing_of_the_spread() -> None:
    assert not synthetic.within_clips(unit(5, 3, 0), np.arange(5)).any()

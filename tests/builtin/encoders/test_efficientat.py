"""The AudioSet tagger behind `clap:small`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from aacbench import audio
from aacbench.builtin.encoders.clap.efficientat import (
    CLASSES,
    EMBEDDING,
    MobileTagger,
    Tagger,
    class_names,
    load_tagger,
)
from aacbench.errors import BadData
from aacbench.types import Clip


@pytest.fixture(scope="module")
def folder(aacbench_shared: Path) -> Path:
    found = aacbench_shared / "assets" / "efficientat"
    if not found.is_dir():
        pytest.skip(f"no shared test material: no EfficientAT checkpoint at {found}")
    return found


@pytest.fixture(scope="module")
def checkpoint(folder: Path) -> Path:
    return folder / "mn04_as_mAP_432.pt"


@pytest.fixture(scope="module")
def tagger(checkpoint: Path) -> Tagger:
    return Tagger(checkpoint)


def test_the_layout_has_the_published_number_of_weights():
    assert sum(p.numel() for p in MobileTagger().parameters()) == 983_599


def test_every_key_of_the_official_checkpoint_has_its_place(checkpoint):
    weights = torch.load(checkpoint, weights_only=True)
    report = MobileTagger().load_state_dict(weights, strict=False)
    assert report.missing_keys == []
    assert report.unexpected_keys == []


def test_another_checkpoint_is_refused_by_name(tmp_path):
    path = tmp_path / "other.pt"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(BadData, match=r"other\.pt is no mn04 checkpoint"):
        load_tagger(path)


def test_labels_come_in_output_order(folder):
    names = class_names(folder / "class_labels_indices.csv")
    assert len(names) == CLASSES
    assert names[0] == "Speech"
    assert names[526] == "Field recording"


def test_a_short_table_of_labels_is_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("index,mid,display_name\n0,/m/09x0r,Speech\n", encoding="utf-8")
    with pytest.raises(BadData, match="lists 1 classes, not 527"):
        class_names(path)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Rooster", "Crowing, cock-a-doodle-doo"), ("Dog bark", "Bark"), ("Rain", "Rain")],
)
def test_it_hears_what_real_recordings_hold(tagger, folder, aacbench_shared, kind, expected):
    names = class_names(folder / "class_labels_indices.csv")
    paths = sorted((aacbench_shared / "data" / "audio" / "esc10").glob(f"* - {kind}/*.ogg"))
    waveform = torch.from_numpy(audio.waveform(Clip("one", paths[0]), tagger.rate))
    tags, features = tagger.hear(waveform)
    assert features.shape == (EMBEDDING,)
    assert names[int(tags.argmax())] == expected
    assert float(tags.max()) > 0.5


@pytest.mark.parametrize("seconds", [0.01, 0.3, 1.0, 37.3])
def test_any_length_is_heard(tagger, seconds):
    noise = 0.1 * torch.randn(int(32_000 * seconds), generator=torch.Generator().manual_seed(1))
    tags, _ = tagger.hear(noise)
    assert tags.shape == (CLASSES,)
    assert ((tags >= 0) & (tags <= 1)).all()

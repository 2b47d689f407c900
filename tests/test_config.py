"""The run key: what decides the captions is in it, and nothing else is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from aacbench.config import Plan, RunSettings, plan, resolve_device
from aacbench.errors import BadData, BadOption
from aacbench.specs import Choice

RATE = 8000
CAPTIONER = """
from aacbench import Caption

class Say:
    def __init__(self, text="rain"):
        self.text = text

    def caption(self, clips):
        return [Caption(self.text) for _ in clips]
"""


def write_tone(path: Path, pitch: float, seconds: float = 0.2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(int(seconds * RATE)) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch * times), RATE)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    for number in range(3):
        write_tone(folder / f"{number}.wav", 300 + 100 * number)
    return folder


@pytest.fixture
def captioner(tmp_path: Path) -> Path:
    path = tmp_path / "say.py"
    path.write_text(CAPTIONER)
    return path


def planned(captioner: object, target: object, **settings: Any) -> Plan:
    return plan(RunSettings(captioner=str(captioner), target=str(target), **settings))


def test_the_key_leaves_out_how_and_where_the_work_is_done(sounds: Path, captioner: Path, tmp_path):
    key = planned(f"{captioner}:Say", sounds).key
    others: list[dict[str, Any]] = [
        {"workers": 7},
        {"batch_size": 3},
        {"out": tmp_path / "elsewhere"},
        {"limit": 1},
        {"retry_failed": True},
    ]
    assert {planned(f"{captioner}:Say", sounds, **other).key for other in others} == {key}


def test_the_device_is_no_part_of_the_key(sounds: Path, captioner: Path, monkeypatch):
    key = planned(f"{captioner}:Say", sounds).key
    monkeypatch.setattr("aacbench.config.resolve_device", lambda name: name)
    assert planned(f"{captioner}:Say", sounds, device="cuda").key == key


def test_moved_data_and_a_moved_captioner_lead_to_the_same_key_and_folder(
    sounds: Path, captioner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = planned(f"{captioner}:Say", sounds)
    moved = tmp_path / "far" / "away" / "sounds"
    shutil.copytree(sounds, moved)
    other = tmp_path / "far" / "say.py"
    shutil.copy(captioner, other)
    after = planned(f"{other}:Say", moved)
    assert after.key == before.key
    assert after.folder.path == before.folder.path
    monkeypatch.chdir(captioner.parent)
    assert planned("say.py:Say", "sounds").folder.path == before.folder.path


def test_options_seed_and_code_of_a_captioner_are_in_the_key(sounds: Path, captioner: Path):
    keys = {
        planned(f"{captioner}:Say", sounds).key,
        planned(f"{captioner}:Say(text=wind)", sounds).key,
        planned(f"{captioner}:Say", sounds, seed=1).key,
    }
    captioner.write_text(CAPTIONER.replace('"rain"', '"hail"'))
    keys.add(planned(f"{captioner}:Say", sounds).key)
    assert len(keys) == 4


def test_a_clip_replaced_by_one_of_the_same_length_is_another_run(sounds: Path, captioner: Path):
    before = planned(f"{captioner}:Say", sounds).key
    size = (sounds / "1.wav").stat().st_size
    write_tone(sounds / "1.wav", 555)
    assert (sounds / "1.wav").stat().st_size == size
    assert planned(f"{captioner}:Say", sounds).key != before


def test_a_clip_more_is_another_run(sounds: Path, captioner: Path):
    before = planned(f"{captioner}:Say", sounds).key
    write_tone(sounds / "9.wav", 900)
    assert planned(f"{captioner}:Say", sounds).key != before


@pytest.fixture
def clotho(tmp_path: Path, aacbench_shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Clotho's real tables and real sounds, laid out as its authors publish it."""
    home = tmp_path / "data"
    root = home / "clotho"
    root.mkdir(parents=True)
    for table in (aacbench_shared / "data/captions/clotho").glob("*.csv"):
        shutil.copy(table, root)
    for split in ("evaluation", "validation"):
        (root / split).symlink_to(aacbench_shared / f"data/audio/clotho_{split}")
    monkeypatch.setenv("AACBENCH_DATA", str(home))
    return root


def test_the_training_captions_of_a_baseline_are_in_the_key(clotho: Path):
    before = planned("frequent@clotho", "clotho")
    assert len(before.clips) == 5
    table = clotho / "clotho_captions_development.csv"
    table.write_text(
        table.read_text(encoding="utf-8").replace("water", "lava", 1), encoding="utf-8"
    )
    after = planned("frequent@clotho", "clotho")
    assert after.key != before.key
    assert planned("frequent@soundbox-events", "clotho").decides["knowledge"] is not None


def test_the_bytes_of_weights_are_in_the_key_and_their_path_is_not(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("aacbench.workshop.require", lambda spec: None)
    here, there = tmp_path / "a.safetensors", tmp_path / "deep" / "b.safetensors"
    there.parent.mkdir()
    here.write_bytes(b"weights")
    there.write_bytes(b"weights")
    written = "nac:mini@events(weights={}, encoder=clap(weights={}))"
    first = planned(written.format(here, here), sounds)
    assert planned(written.format(there, here), sounds).key == first.key
    assert planned(written.format(there, there), sounds).folder.path.name == first.key
    there.write_bytes(b"other weights")
    assert planned(written.format(there, here), sounds).key != first.key
    assert planned(written.format(here, there), sounds).key != first.key
    assert planned(written.format(there, there), sounds).key not in {
        planned(written.format(there, here), sounds).key,
        planned(written.format(here, there), sounds).key,
    }


def test_a_part_counts_as_resolved_however_it_is_spelt(sounds: Path, tmp_path: Path):
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"weights")
    keys = {
        planned(f"nac:mini@events(weights={weights}, encoder={encoder})", sounds).key
        for encoder in (
            f"clap:mini(weights={weights})",
            f"builtin/clap:mini(weights={weights})",
            f'"clap:mini( weights={weights} )"',
        )
    }
    assert len(keys) == 1


def test_a_folder_without_sound_names_the_command_that_shows_what_is_missing(
    tmp_path: Path, captioner: Path
):
    with pytest.raises(BadData) as caught:
        planned(f"{captioner}:Say", tmp_path)
    assert f"aacbench data show '{tmp_path}'" in caught.value.hint


@pytest.mark.parametrize("device", ["banana", "cuda:0:1"])
def test_a_device_that_does_not_exist_is_refused(device: str):
    with pytest.raises(BadOption) as caught:
        resolve_device(device)
    assert "cpu" in caught.value.hint


def test_a_gpu_that_is_not_there_is_refused_before_work_starts(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadOption, match="no GPU"):
        resolve_device("cuda")
    assert resolve_device("auto") == "cpu"


def test_the_key_is_the_same_in_every_process(sounds: Path, captioner: Path):
    """A key that hung on hash order or on a clock would never resume anything."""
    import subprocess
    import sys

    code = (
        "import sys; from aacbench.config import RunSettings, plan;"
        "print(plan(RunSettings(captioner=sys.argv[1], target=sys.argv[2])).key)"
    )
    arguments = [sys.executable, "-c", code, f"{captioner}:Say", str(sounds)]
    found = {subprocess.check_output(arguments, text=True).strip() for _ in range(2)}
    assert found == {planned(f"{captioner}:Say", sounds).key}


def test_the_plan_of_a_choice_says_what_it_was_given(sounds: Path, captioner: Path):
    made = planned(f"{captioner}:Say", sounds, limit=2)
    assert isinstance(made.captioner, Choice)
    assert [clip.id for clip in made.asked()] == ["0.wav", "1.wav"]

"""Where a language model is found, and what is said where it is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aacbench.errors import MissingAsset
from aacbench.language_models import KNOWN, find_folder
from aacbench.language_models.finding import known


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, no assets, no hub cache, and no network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AACBENCH_ASSETS", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_a_folder_is_taken_as_it_is(llama: Path):
    assert find_folder(llama) == llama


def test_a_name_is_looked_for_among_the_assets(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(llama, tmp_path / "assets" / "gpt2-medium")
    monkeypatch.setenv("AACBENCH_ASSETS", str(tmp_path / "assets"))
    assert find_folder("gpt2-medium") == tmp_path / "assets" / "gpt2-medium"


def test_a_name_on_the_hub_is_found_in_the_hubs_cache(llama: Path, tmp_path: Path):
    for name, hub in (("distilgpt2", known()["distilgpt2"].hub), ("some/model", "some/model")):
        repository = tmp_path / "hub" / f"models--{hub.replace('/', '--')}"
        shutil.copytree(llama, repository / "snapshots" / "abc")
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text("abc")
        assert find_folder(name) == repository / "snapshots" / "abc"


def test_what_is_nowhere_is_told_with_every_place_and_the_next_command(tmp_path: Path):
    with pytest.raises(MissingAsset, match="no language model 'gpt2-medium'") as missing:
        find_folder("gpt2-medium")
    assert str(tmp_path / "cache") in str(missing.value)
    assert "hf download openai-community/gpt2-medium" in missing.value.hint


def test_a_name_that_is_nearly_one_is_put_right():
    with pytest.raises(MissingAsset, match="smollm2-135m"):
        find_folder("smollm2-135")


def test_every_name_says_what_it_is_under_which_licence_and_how_to_get_it():
    for name in KNOWN:
        row = known()[name]
        assert row.summary
        assert row.licence
        assert row.install.split()[0] in {"pip", "hf", "aacbench"}
        assert (row.package is None) == (row.gguf is None)

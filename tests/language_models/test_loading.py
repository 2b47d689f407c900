"""A language model read from a folder: frozen, known again, and its words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from llama_folder import WIDTH, make_llama
from safetensors.torch import load_file, save_file

from aacbench.errors import BadData, BadOption
from aacbench.language_models import ModelWords, identity, load, read_model


def test_a_loaded_model_learns_nothing_and_continues_text(llama: Path):
    loaded = load(llama)
    assert not loaded.model.training
    assert not any(p.requires_grad for p in loaded.model.parameters())
    tokens = torch.tensor([loaded.words.encode("A dog barks")])
    by_number = loaded.model(input_ids=tokens).logits
    by_vector = loaded.model(inputs_embeds=loaded.embed(tokens)).logits
    assert torch.equal(by_number, by_vector)
    assert (loaded.width, loaded.positions) == (WIDTH, 128)


def test_a_model_is_known_again_in_any_file_format_and_another_is_not(llama: Path, tmp_path: Path):
    model = read_model(llama)
    model.save_pretrained(tmp_path / "parts", max_shard_size="20KB")
    assert len(list((tmp_path / "parts").glob("*.safetensors"))) > 1
    assert identity(read_model(tmp_path / "parts")) == identity(model)
    with torch.no_grad():
        next(model.parameters())[0, 0] += 1e-3
    assert identity(model) != identity(read_model(llama))


def test_a_setting_that_changes_what_is_computed_makes_another_model(llama: Path, tmp_path: Path):
    shutil.copytree(llama, tmp_path / "changed")
    config = json.loads((llama / "config.json").read_text())
    config["rms_norm_eps"] = 0.1
    (tmp_path / "changed" / "config.json").write_text(json.dumps(config))
    assert identity(read_model(tmp_path / "changed")) != identity(read_model(llama))


def test_words_come_back_as_a_caption(llama: Path):
    words = load(llama).words
    said = words.encode("a dog  barks\n while")
    assert words.decode([*said, words.end]) == "A dog barks while"
    assert words.decode([]) == ""


def test_a_caption_ends_at_the_token_that_is_asked_for(llama: Path):
    words = load(llama).words
    assert words.end == 2
    stop = words.with_end(".")
    assert stop.encode(".") == [stop.end]
    assert load(llama, end=".").words.end == stop.end
    assert words.identity == stop.identity
    with pytest.raises(BadOption, match="an empty text has no token"):
        words.with_end("")


def test_a_model_with_a_tensor_missing_is_refused_by_its_name(llama: Path, tmp_path: Path):
    shutil.copytree(llama, tmp_path / "torn")
    tensors = load_file(llama / "model.safetensors")
    tensors.pop("model.layers.1.mlp.up_proj.weight")
    save_file(tensors, tmp_path / "torn" / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadData, match=r"layers\.1\.mlp\.up_proj"):
        load(tmp_path / "torn")


def test_folders_that_hold_no_model_or_no_words_are_refused(llama: Path, tmp_path: Path):
    with pytest.raises(BadData, match="no causal language model"):
        load(tmp_path)
    read_model(llama).save_pretrained(tmp_path / "wordless")
    with pytest.raises(BadData, match="tokenizer"):
        load(tmp_path / "wordless")


def test_words_that_the_model_has_no_row_for_are_refused(llama: Path, tmp_path: Path):
    more = make_llama(tmp_path, ["A lorry reverses with beeps."] * 3, words=300)
    shutil.copy(more / "tokenizer.json", tmp_path / "kept.json")
    shutil.copytree(llama, tmp_path / "mixed")
    (tmp_path / "mixed" / "config.json").write_bytes((more / "config.json").read_bytes())
    (tmp_path / "mixed" / "model.safetensors").write_bytes(
        (more / "model.safetensors").read_bytes()
    )
    assert len(ModelWords.read(llama).encode("thunder")) > 0
    with pytest.raises(BadData, match=r"has \d+ words, its language model \d+"):
        load(tmp_path / "mixed")

"""Checkpoints in the authors' own layouts become the networks they are of; damaged ones do not."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from aacbench.builtin.encoders.clap.paper import layouts
from aacbench.builtin.encoders.clap.paper.checkpoint import read_state
from aacbench.builtin.encoders.clap.paper.encoder import assemble, recognised
from aacbench.builtin.encoders.clap.paper.front import Places
from aacbench.builtin.encoders.clap.paper.layouts import layout, renamed
from aacbench.builtin.encoders.clap.paper.sizes import model
from aacbench.errors import AacbenchError, BadData, MissingAsset

LAION = ("laion-unfused", "laion-fused")


def rewritten(path: Path, change) -> Path:
    """The checkpoint with its weights changed in place by `change`."""
    content = torch.load(path, weights_only=False)
    change(content.get("state_dict") or content["model"])
    other = path.with_name(f"changed{path.suffix}")
    torch.save(content, other)
    return other


def written_by_numpy_1(path: Path) -> Path:
    """The same file with numpy's scalar under the name that it had when LAION saved theirs."""
    other = path.with_name("old.pt")
    with zipfile.ZipFile(path) as file, zipfile.ZipFile(other, "w") as copy:
        for name in file.namelist():
            content = file.read(name)
            if name.endswith("data.pkl"):
                assert b"cnumpy._core.multiarray\nscalar\n" in content
                content = content.replace(b"cnumpy._core.multi", b"cnumpy.core.multi")
            copy.writestr(name, content)
    return other


# --- LAION ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAION)
def test_a_laion_file_gives_the_very_network_it_was_saved_from(
    name, small_model, laion_towers, laion_file, roberta_folder, real_clips
):
    files = [roberta_folder / "vocab.json", roberta_folder / "merges.txt"]
    encoder = assemble(laion_file(name), small_model(name), files)
    clap = laion_towers(name).clap
    rows = encoder.embed_audio(real_clips)
    assert rows.shape == (2, 24)
    for clip, row in zip(real_clips, rows, strict=True):
        seen = encoder.front.features(clip)
        heard = clap.get_audio_features(
            input_features=seen.mel, is_longer=torch.tensor([[seen.longer]])
        )
        assert np.array_equal(row, heard.pooler_output[0].numpy())
    ids = torch.tensor([encoder._words.encode("a dog barks")])
    read = clap.get_text_features(input_ids=ids, attention_mask=torch.ones_like(ids))
    assert np.array_equal(encoder.embed_text(["a dog barks"]), read.pooler_output.numpy())


@pytest.mark.parametrize("name", LAION)
def test_every_name_of_a_laion_file_is_accounted_for(name, laion_file, laion_towers):
    form = layout("laion")
    ours, strange = renamed(read_state(laion_file(name), form.state), form)
    wanted = set(laion_towers(name).state_dict())
    assert strange == []
    assert set(ours) <= wanted
    assert wanted - set(ours) == {"clap.text_model.embeddings.token_type_ids"}


def test_a_fused_tower_is_recognised_by_the_file_alone(small_model, laion_file):
    form = layout("laion")
    state = layouts.stripped(read_state(laion_file("laion-fused"), form.state), form)
    assert any("mel_conv2d" in name for name in state)
    with pytest.raises(BadData, match=r"no published CLAP has an audio tower of width \[8\]"):
        assemble(laion_file("laion-fused"))


def test_numbers_that_numpy_1_wrote_beside_the_weights_do_not_stop_the_reading(laion_file):
    path = laion_file("laion-unfused")
    old = written_by_numpy_1(path)
    before, after = (read_state(one, "state_dict") for one in (path, old))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


# --- MS-CLAP ----------------------------------------------------------------------------------


def test_a_microsoft_file_gives_the_very_network_it_was_saved_from(
    small_model, microsoft_towers, microsoft_file, gpt_folder, real_clips
):
    files = [gpt_folder / "vocab.json", gpt_folder / "merges.txt"]
    encoder = assemble(microsoft_file, small_model("ms2023"), files)
    for clip, row in zip(real_clips, encoder.embed_audio(real_clips), strict=True):
        heard = microsoft_towers.hear(encoder.front.features(clip))
        assert np.array_equal(row, heard.numpy())


def test_every_name_of_a_microsoft_file_is_accounted_for(microsoft_file, microsoft_towers):
    form = layout("microsoft")
    ours, strange = renamed(read_state(microsoft_file, form.state), form)
    assert strange == []
    assert set(ours) == set(microsoft_towers.state_dict())


def test_the_filters_that_a_model_was_trained_through_come_from_its_file(
    small_model, microsoft_file, gpt_folder, real_clips
):
    files = [gpt_folder / "vocab.json", gpt_folder / "merges.txt"]
    encoder = assemble(microsoft_file, small_model("ms2023"), files)
    stored = read_state(microsoft_file, "model")["audio_encoder.base.htsat.logmel_extractor.melW"]
    assert torch.equal(encoder.front.bank, stored)
    without = rewritten(
        microsoft_file, lambda s: s.pop("audio_encoder.base.htsat.logmel_extractor.melW")
    )
    by_paper = assemble(without, small_model("ms2023"), files)
    places = [Places(real_clips[0], "start", 0) for _ in range(2)]
    waveform = torch.randn(44_100 * 7) * 0.1
    first, second = (
        one.front.of(waveform, place).mel
        for one, place in zip((encoder, by_paper), places, strict=True)
    )
    assert float((first - second).abs().mean()) > 1


# --- the hub's layout -------------------------------------------------------------------------


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("name", ["hub-unfused", "hub-fused"])
def test_a_folder_as_the_hub_has_it_is_read_with_its_own_sizes(
    name, safe, laion_towers, roberta_folder, real_clips, tmp_path
):
    clap = laion_towers(name).clap
    clap.save_pretrained(tmp_path)
    if not safe:
        (tmp_path / "model.safetensors").unlink()
        torch.save(clap.state_dict(), tmp_path / "pytorch_model.bin")
    files = [roberta_folder / "vocab.json", roberta_folder / "merges.txt"]
    encoder = assemble(tmp_path, None, files)
    assert encoder.model.name == name
    assert encoder.dim == 24
    seen = encoder.front.features(real_clips[1])
    heard = clap.get_audio_features(
        input_features=seen.mel, is_longer=torch.tensor([[seen.longer]])
    )
    assert np.array_equal(encoder.embed_audio(real_clips[1:])[0], heard.pooler_output[0].numpy())


def test_a_folder_without_weights_or_with_a_strange_configuration_is_named(
    laion_towers, tmp_path, roberta_folder
):
    with pytest.raises(MissingAsset, match=r"model\.safetensors nor pytorch_model\.bin"):
        assemble(tmp_path)
    laion_towers("hub-unfused").clap.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(BadData, match=r"config\.json is not the configuration of a CLAP"):
        assemble(tmp_path)


# --- files that are not what they should be ---------------------------------------------------


def refused(path: Path, known) -> str:
    with pytest.raises(BadData) as caught:
        assemble(path, known)
    assert str(path) in caught.value.message
    return caught.value.message


def test_a_missing_an_extra_and_a_misshapen_weight_are_each_named(small_model, laion_file):
    path, known = laion_file("laion-unfused"), small_model("laion-unfused")
    key = "module.audio_branch.layers.1.blocks.0.mlp.fc1.weight"
    gone = refused(rewritten(path, lambda s: s.pop(key)), known)
    assert "lacks" in gone
    assert "layers.1.blocks.0.intermediate.dense.weight" in gone
    extra = refused(
        rewritten(path, lambda s: s.update({"module.adapter.up": torch.zeros(2)})), known
    )
    assert "holds what nothing is known about: adapter.up" in extra
    hidden = "module.audio_branch.layers.0.blocks.0.attn.gate"
    inside = refused(rewritten(path, lambda s: s.update({hidden: torch.zeros(2)})), known)
    assert "layers.0.blocks.0.attn.gate" in inside
    shape = refused(rewritten(path, lambda s: s.update({key: torch.zeros(3, 8)})), known)
    assert "intermediate.dense.weight is (3, 8), not (64, 16)" in shape


def test_a_window_ordered_otherwise_is_noticed(small_model, microsoft_file):
    key = "audio_encoder.base.htsat.layers.0.blocks.0.attn.relative_position_index"
    turned = rewritten(microsoft_file, lambda s: s.update({key: s[key].flip(0)}))
    assert "orders a window otherwise" in refused(turned, small_model("ms2023"))


def test_many_missing_weights_are_counted(small_model, laion_file):
    known = small_model("laion-unfused")

    def drop_text(state):
        for name in [name for name in state if ".text_branch." in name]:
            del state[name]

    path = rewritten(laion_file("laion-unfused"), drop_text)
    assert " more" in refused(path, known)


class Harmful:
    """Unpickled by Python's own reader, it would write a file."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self):
        return (Path.touch, (self._mark,))


@pytest.mark.parametrize("form", ["zip", "bare pickle"])
def test_code_in_a_checkpoint_is_not_run(form, tmp_path, small_model):
    mark, path = tmp_path / "mark", tmp_path / "evil.pt"
    content = {"state_dict": {"module.audio_branch.x": torch.zeros(1)}, "extra": Harmful(mark)}
    if form == "zip":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps({"extra": Harmful(mark)}, protocol=2))
    message = refused(path, small_model("laion-unfused"))
    assert "was not loaded" in message or "cannot be read" in message
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>not found</html>", b"PK\x03\x04 cut off", pickle.dumps([1, 2], protocol=2)],
)
def test_a_file_that_is_no_checkpoint_is_named(content, tmp_path, small_model):
    path = tmp_path / "630k-audioset-best.pt"
    path.write_bytes(content)
    with pytest.raises(BadData, match=r"630k-audioset-best\.pt"):
        assemble(path, small_model("laion-unfused"))


def test_half_a_checkpoint_is_named(laion_file, tmp_path, small_model):
    path = tmp_path / "half.pt"
    content = laion_file("laion-unfused").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadData, match=r"half\.pt"):
        assemble(path, small_model("laion-unfused"))


def test_another_models_checkpoint_is_named(tmp_path):
    path = tmp_path / "bert.pt"
    torch.save({"encoder.weight": torch.zeros(2)}, path)
    with pytest.raises(AacbenchError, match="no CLAP that is known"):
        assemble(path)


@pytest.mark.parametrize("name", ["ms2023", "laion-unfused", "laion-fused", "laion-music"])
def test_a_published_file_is_recognised_by_what_it_holds(name, tmp_path):
    known = model(name)
    form = layout(known.layout)
    tower = next(prefix for prefix in form.prefixes if prefix.startswith("audio_"))
    width = known.audio["patch_embeds_hidden_size"]
    state = {f"{tower}patch_embed.proj.weight": torch.zeros(width, 1, 4, 4)}
    if known.audio.get("enable_fusion"):
        state[f"{tower}patch_embed.mel_conv2d.weight"] = torch.zeros(width, 1, 4, 12)
    assert recognised(tmp_path, state, form) == known

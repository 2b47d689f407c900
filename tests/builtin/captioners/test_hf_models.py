"""`hf`: how a model is named, found, fetched and told from another, and what is no model to it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hub_models import HubModels, serving
from transformers import GPT2Config, GPT2LMHeadModel

from aacbench import catalog, config
from aacbench.builtin.captioners.hf import families as table
from aacbench.builtin.captioners.hf.families import families
from aacbench.errors import AacbenchError, BadData, BadOption, MissingAsset
from aacbench.types import Clip
from aacbench.workshop import Workshop

NAME = "anybody/whisper-tiny-captions"


def build(expression: str):
    return Workshop().build("captioners", expression)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubModels]:
    """A hub on this machine, and a cache of its own that is empty."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


# --- names ----------------------------------------------------------------------------------------


def test_an_id_and_a_folder_are_written_after_the_colon_and_read_back(folders, monkeypatch):
    folder = folders("whisper")
    monkeypatch.chdir(folder.parent)
    for written, canonical in (
        ("hf:Qwen/Qwen2-Audio-7B-Instruct", "hf:Qwen/Qwen2-Audio-7B-Instruct"),
        ("hf(model=Qwen/Qwen2-Audio-7B)", "hf:Qwen/Qwen2-Audio-7B"),
        (f"hf:{folder}(beams=1)", f"hf:{folder}"),
        (f"hf:./{folder.name}(keep=2, beams=3)", f"hf:./{folder.name}(beams=3, keep=2)"),
        (f"hf:{folder.name}", f"hf:./{folder.name}"),  # no id: there is such a model here
        ("hf:../gone", "hf:../gone"),
        ('hf(model="./a+b (c)")', 'hf(model="./a+b (c)")'),
    ):
        choice = catalog.choose("captioners", written)
        assert choice.expression == canonical
        assert catalog.choose("captioners", canonical).options == choice.options


def test_two_models_in_one_expression_are_refused():
    with pytest.raises(AacbenchError, match="another"):
        catalog.choose("captioners", "hf:one/model(model=two/model)")
    with pytest.raises(BadOption, match="which model"):
        build("hf")


def test_reading_about_a_model_asks_nobody_and_nobody_knows_what_it_learnt_from(hub):
    choice = catalog.choose("captioners", f"hf:{NAME}")
    assert set(vars(catalog.trained_on(choice)).values()) == {None}
    assert catalog.built_on(choice) == {NAME}
    assert not hub.asked


# --- what tells one model from another ------------------------------------------------------------


def test_a_folder_is_known_by_what_it_holds_wherever_it_lies(folders, tmp_path):
    first = folders("whisper")
    second = tmp_path / "moved"
    shutil.copytree(first, second)
    (second / ".cache").mkdir()
    (second / ".cache" / "fetched").write_text("today")
    choices = [catalog.choose("captioners", f"hf:{path}") for path in (first, second)]
    assert catalog.fingerprint(choices[0]) == catalog.fingerprint(choices[1])
    assert str(tmp_path) not in json.dumps(config.portable(choices[1]))
    assert config.label(choices[0]) == config.label(choices[1])
    settings = second / "generation_config.json"
    settings.write_text(settings.read_text().replace("10,", "9,"))
    assert catalog.fingerprint(choices[0]) != catalog.fingerprint(choices[1])


def test_a_model_of_the_hub_is_known_by_its_commit_before_and_after_it_is_fetched(
    hub, folders, clips
):
    hub.put(NAME, folders("whisper"))
    choice = catalog.choose("captioners", f"hf:{NAME}(max_tokens=4)")
    before = catalog.fingerprint(choice)
    assert before["model"] == hub.commit(NAME)
    assert not hub.fetched
    said = Workshop().make(choice).caption(clips)
    assert "model.safetensors" in hub.fetched
    assert catalog.fingerprint(choice) == before
    own = build(f"hf:{folders('whisper')}(max_tokens=4)").caption(clips)
    assert [one.tokens for one in said] == [one.tokens for one in own]


def test_what_is_here_is_not_asked_for_again_and_pickles_are_never_fetched(hub, folders, tmp_path):
    copy = tmp_path / "with pickle"
    shutil.copytree(folders("whisper"), copy)
    torch.save({"weight": torch.zeros(2)}, copy / "pytorch_model.bin")
    hub.put(NAME, copy)
    build(f"hf:{NAME}")
    assert "pytorch_model.bin" not in hub.fetched
    hub.asked.clear()
    build(f"hf:{NAME}(beams=2)")
    catalog.fingerprint(catalog.choose("captioners", f"hf:{NAME}"))
    assert not hub.asked


def test_the_size_is_told_before_a_model_is_fetched(hub, folders, capsys):
    hub.put(NAME, folders("whisper"))
    build(f"hf:{NAME}")
    assert f"fetching {NAME}: 0.0 GB into" in capsys.readouterr().err


# --- errors for people ----------------------------------------------------------------------------


def test_without_a_network_the_next_command_is_told(hub):
    hub.shutdown()
    hub.server_close()
    with pytest.raises(MissingAsset, match=NAME) as caught:
        build(f"hf:{NAME}(revision=v1)")
    assert f"hf download {NAME} --revision v1" in caught.value.hint


def test_a_model_that_is_not_there_gated_or_of_another_revision_is_told_apart(hub, folders):
    with pytest.raises(MissingAsset, match="has no model"):
        build("hf:nobody/nothing")
    hub.put("closed/model", folders("whisper"), gated=True)
    with pytest.raises(MissingAsset, match="licence") as caught:
        build("hf:closed/model")
    assert "hf auth login" in caught.value.hint
    hub.put(NAME, folders("whisper"))
    with pytest.raises(MissingAsset, match="no revision v9"):
        build(f"hf:{NAME}(revision=v9)")
    with pytest.raises(BadData, match="neither a folder"):
        build("hf:no/such/place")


def test_a_model_of_pickles_alone_is_refused_on_the_hub_and_in_a_folder(hub, folders, tmp_path):
    copy = tmp_path / "pickled"
    shutil.copytree(folders("whisper"), copy)
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(BadData, match=r"pickle, pytorch_model\.bin") as caught:
        build(f"hf:{copy}")
    assert "revision=refs/pr/" in caught.value.hint
    hub.put(NAME, copy)
    with pytest.raises(BadData, match="no safetensors"):
        build(f"hf:{NAME}")


def test_what_is_no_model_that_hears_is_refused_in_words(folders, tmp_path):
    with pytest.raises(MissingAsset, match="no folder"):
        build(f"hf:{tmp_path}/gone")
    with pytest.raises(BadData, match=r"config\.json"):
        build(f"hf:{tmp_path}")
    text = tmp_path / "text"
    GPT2LMHeadModel(GPT2Config(vocab_size=16, n_embd=8, n_layer=1, n_head=1)).save_pretrained(text)
    with pytest.raises(BadData, match=r"'gpt2'.*no class that hears"):
        build(f"hf:{text}")
    deaf = tmp_path / "deaf"
    shutil.copytree(folders("whisper"), deaf)
    for name in ("preprocessor_config.json", "processor_config.json"):
        (deaf / name).unlink(missing_ok=True)
    with pytest.raises(BadData, match="processor"):
        build(f"hf:{deaf}")


def test_code_of_the_models_own_is_never_run(tmp_path):
    marker = tmp_path / "ran"
    (tmp_path / "code.py").write_text(f"open({str(marker)!r}, 'w')\nclass Config: pass\n")
    settings = {"model_type": "mine", "auto_map": {"AutoConfig": "code.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(BadData, match="never"):
        build(f"hf:{tmp_path}")
    assert not marker.exists()


def test_an_adapter_and_a_revision_of_a_folder_are_refused(folders, tmp_path):
    copy = tmp_path / "adapted"
    shutil.copytree(folders("whisper"), copy)
    (copy / "adapter_config.json").write_text('{"base_model_name_or_path": "some/other"}')
    with pytest.raises(BadData, match="adapter"):
        build(f"hf:{copy}")
    with pytest.raises(BadOption, match="no revision"):
        build(f"hf:{folders('whisper')}(revision=main)")


def test_weights_that_lack_tensors_are_refused_rather_than_filled_with_noise(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "part"
    shutil.copytree(folders("audioflamingo3"), copy)
    tensors = load_file(copy / "model.safetensors")
    left_out = next(name for name in tensors if "projector" in name)
    rest = {name: tensor for name, tensor in tensors.items() if name != left_out}
    save_file(rest, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadData, match="lacks 1 tensors"):
        build(f"hf:{copy}")


def test_a_model_that_does_not_fit_is_refused_before_it_is_read(folders, monkeypatch):
    monkeypatch.setattr("aacbench.builtin.captioners.hf.loading._memory", lambda device: 1000)
    with pytest.raises(BadOption, match="weights alone") as caught:
        build(f"hf:{folders('whisper')}")
    assert "precision=bfloat16" in caught.value.hint


def test_captions_that_do_not_fit_beside_the_prompt_are_refused(folders, aacbench_shared):
    with pytest.raises(BadOption, match="max_tokens=96"):
        build(f"hf:{folders('whisper')}(max_tokens=96)")
    captioner = build(f"hf:{folders('qwen2_audio')}(max_tokens=1000)")
    path = next((aacbench_shared / "data" / "audio" / "audiocaps_test").glob("*.wav"))
    with pytest.raises(BadOption, match="prompt and sound take"):
        captioner.caption([Clip("one", path)])


def test_a_prompt_without_a_place_for_the_sound_or_beside_whispers_is_refused(folders, tmp_path):
    with pytest.raises(BadOption, match="system prompt"):
        build(f"hf:{folders('whisper')}(system=Hush)")
    copy = tmp_path / "no template"
    shutil.copytree(folders("audioflamingo3"), copy)
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(BadOption, match="no chat template"):
        build(f"hf:{copy}")
    (copy / "chat_template.jinja").write_text("{{ messages[0]['role'] }}")
    with pytest.raises(BadOption, match="no place for a sound"):
        build(f"hf:{copy}")


def test_the_page_gives_every_public_model_of_the_table_with_its_size():
    page = (Path(__file__).parents[3] / "docs" / "hf.md").read_text(encoding="utf-8")
    for family in families().values():
        for model in family.models:
            row = next(line for line in page.splitlines() if f"`{model.id}`" in line)
            assert f"{model.parameters} B" in row
            assert f"{model.download} GB" in row
            assert model.licence in row


def test_a_digest_of_a_folder_is_that_of_names_and_bytes(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    line = f"a.json\t{hashlib.sha256(b'{}').hexdigest()}"
    assert catalog._digest(tmp_path) == hashlib.sha256(line.encode()).hexdigest()


def test_a_prompt_that_is_changed_in_the_table_changes_the_key_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def digest_of(text: str) -> str:
        (tmp_path / "families.toml").write_text(text)
        table.families.cache_clear()
        table.digest.cache_clear()
        return table.digest()

    with monkeypatch.context() as patch:
        patch.setattr(table, "TABLE", tmp_path / "families.toml")
        before = digest_of('[whisper]\nprompt = "What is heard?"\n')
        assert digest_of('[whisper]\nprompt = "What do you hear?"\n') != before
        assert digest_of('# a remark\n[whisper]\nprompt = "What is heard?"\n') == before
    table.families.cache_clear()
    table.digest.cache_clear()

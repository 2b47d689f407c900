"""From a name or an option to the base: built where it can be, refused by name where not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from short_clips import write_folder

from aacbench import bases, catalog
from aacbench.bases import Recipe
from aacbench.builtin.datasets.soundbox import dataset as soundbox
from aacbench.errors import BadData, BadOption, MissingAsset, UnknownName
from aacbench.knowledge import building, finding
from aacbench.knowledge.building import build
from aacbench.knowledge.sounds import clips_of
from aacbench.types import Audio, Example
from aacbench.workshop import Workshop

FEW = 5


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("AACBENCH_DATA", str(tmp_path))


@pytest.fixture
def small_soundbox(monkeypatch) -> None:
    """The first few training clips of both domains, so that their bases are built in seconds."""
    monkeypatch.setitem(soundbox.SPLITS, "train", FEW)
    soundbox._annotations.cache_clear()
    yield
    soundbox._annotations.cache_clear()


@pytest.fixture
def own(tmp_path, workshop) -> Path:
    sounds = write_folder(tmp_path / "mine", [0])
    recipe = Recipe("own", data=(str(sounds),))
    return build(recipe, "clap:mini", tmp_path / "own", workshop).path


def looking(expression: str):
    return catalog.choose("retrievers", expression)


def test_a_base_of_soundbox_is_built_when_it_is_first_asked_for_and_then_there(
    small_soundbox, workshop, tmp_path, capsys, monkeypatch
):
    base = finding.open_named("events", "clap", workshop)
    told = capsys.readouterr().err
    assert "building the knowledge base 'events', once" in told
    assert f"events: {FEW} of {FEW} clips" in told
    assert base.path == finding.home("events", "clap:mini")
    assert base.path.is_relative_to(tmp_path / "knowledge" / "events")
    assert base.manifest["name"] == "events"
    assert base.datasets == ("soundbox-events/train",)
    assert len(base) == 5 * FEW
    monkeypatch.setattr(finding, "build", None)
    assert finding.open_named("events", "clap:mini", workshop).digest == base.digest
    assert capsys.readouterr().err == ""
    assert list(finding.built("events")) == [base.path]


def test_one_that_is_cut_down_builds_first_what_it_is_cut_from_and_shares_shards(
    small_soundbox, workshop
):
    counted = []
    refined = finding.open_named(
        "refined-events", "clap:mini", workshop, lambda done, of: counted.append(of)
    )
    whole = finding.open_named("soundbox", "clap:mini", workshop)
    by = finding.open_named("events", "clap:mini", workshop)
    assert refined.manifest["name"] == "refined-events"
    assert refined.manifest["refined"]["source"] == whole.digest
    assert refined.manifest["refined"]["by"] == by.digest
    assert 0 < len(refined) <= len(whole) == 10 * FEW
    for one in ("audio.f16", "text.f16"):
        ours, theirs = (sorted(b.path.glob(f"shards/*events*/{one}"))[0] for b in (whole, by))
        assert ours.read_bytes() == theirs.read_bytes()


def test_a_base_of_data_that_must_be_fetched_is_for_those_who_ask(workshop):
    with pytest.raises(MissingAsset, match="'base' is not built for clap:mini") as refused:
        finding.open_named("base", "clap", workshop)
    assert "aacbench kb build base --encoder 'clap:mini'" in refused.value.hint


def test_an_unknown_name_is_refused_with_the_nearest(workshop):
    with pytest.raises(UnknownName, match="Did you mean events"):
        finding.open_named("event", "clap:mini", workshop)


def test_a_base_of_an_older_recipe_of_that_name_is_refused(small_soundbox, workshop, monkeypatch):
    finding.open_named("events", "clap:mini", workshop)
    newer = replace(bases.recipe("events"), longest=9.0)
    monkeypatch.setattr(bases, "recipe", lambda name: newer)
    with pytest.raises(BadData, match="made of other data"):
        finding.open_named("events", "clap:mini", workshop)


def test_another_process_that_builds_it_is_waited_for(
    small_soundbox, workshop, capsys, monkeypatch
):
    path = finding.home("events", "clap:mini")
    path.mkdir(parents=True)
    lock = FileLock(path / ".lock")
    lock.acquire()
    monkeypatch.setattr(finding.time, "sleep", lambda _: lock.release())
    assert len(finding.open_named("events", "clap:mini", workshop)) == 5 * FEW
    assert "another process builds the knowledge base 'events'" in capsys.readouterr().err


def test_a_retriever_is_given_the_base_in_the_folder_that_it_names(own, workshop):
    choice = looking(f"audio-to-audio(knowledge={own})")
    assert finding.open_for(choice, "clap", workshop).path == own


def test_a_retriever_without_a_base_is_told_how_to_name_one(workshop):
    with pytest.raises(BadOption, match="say which") as refused:
        finding.open_for(looking("audio-to-audio"), "clap:mini", workshop)
    assert "audio-to-audio@events" in refused.value.hint


def test_a_base_of_another_encoder_is_refused_by_name(own, workshop, monkeypatch):
    choice = looking(f"audio-to-audio(knowledge={own})")
    with pytest.raises(BadOption, match="built with the encoder clap:mini, and clap:small"):
        finding.open_for(choice, "clap:small", workshop)
    monkeypatch.setattr(finding, "encoder_fingerprint", lambda _: "1" * 64)
    with pytest.raises(BadOption, match="other weights of clap:mini"):
        finding.open_for(choice, "clap:mini", workshop)


def test_two_encoders_of_one_name_have_two_folders(monkeypatch):
    before = finding.home("events", "clap:mini")
    monkeypatch.setattr(catalog, "fingerprint", lambda choice: {"weights": "another"})
    assert building.encoder_fingerprint("clap:mini")[:8] not in before.name
    assert finding.home("events", "clap:mini") != before


def test_the_clips_of_examples_are_found_by_what_they_say_of_themselves(own, workshop):
    base = finding.KnowledgeBase.open(own)
    (entry, *_) = base.all_entries()
    (clip,) = clips_of(workshop, [entry], base).values()
    assert clip.audio.name == entry.id
    heard, said = (side[0].astype("f4") for side in base.vectors([0]))
    example = Example("events-train-00003", "soundbox-events/train(seed=7)", "a", 1.0, heard, said)
    found = clips_of(workshop, [example, example, entry], base)
    assert set(found) == {(example.dataset, example.clip_id), (entry.dataset, entry.id)}
    sound = found[example.dataset, example.clip_id]
    assert sound.audio.seed == 7
    assert isinstance(sound.audio.read(), Audio)


def test_a_sound_that_is_gone_is_named(own, workshop):
    base = finding.KnowledgeBase.open(own)
    entry = replace(next(base.all_entries()), id="gone.wav")
    with pytest.raises(BadData, match=r"The sound of gone\.wav, of folder:mine/all"):
        clips_of(workshop, [entry], base)
    with pytest.raises(BadData, match="where folder:mine/all lies"):
        clips_of(workshop, [entry])


def test_an_unfinished_base_is_not_taken_for_a_built_one(own, workshop):
    path = own / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "complete": False}))
    with pytest.raises(BadData, match="is not finished"):
        finding.open_for(looking(f"audio-to-audio(knowledge={own})"), "clap:mini", workshop)

"""`aacbench kb build` and `kb info` as they are typed: what they print, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from short_clips import write_folder
from typer.testing import CliRunner

from aacbench.bases import read_manifest
from aacbench.cli.app import app
from aacbench.errors import AacbenchError


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("AACBENCH_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("sounds") / "here", range(3))


@pytest.fixture(scope="module")
def built(recorded) -> Path:
    out = recorded.parent / "base"
    code, _, said = kb("build", str(out), "--data", str(recorded))
    assert code == 0, said
    return out


def kb(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["kb", *arguments])
    if isinstance(done.exception, AacbenchError):
        return done.exception.exit_code, done.stdout, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def test_build_tells_what_went_in_and_what_did_not(recorded, tmp_path):
    base = str(tmp_path / "base")
    source = "soundbox:events:train:1"
    code, out, err = kb("build", base, "--data", str(recorded), "--exclude", source)
    assert code == 0
    assert "pairs      4 of 2 clips" in out
    assert "encoder    clap:mini, 384 numbers a side" in out
    assert "left out   1 clip in a split that stays out: events-train-00001.wav" in out
    assert f"kept out   {source}" in out
    assert "2 of 2" in err


def test_json_of_build_and_info_is_the_same(recorded, built):
    code, out, _ = kb("build", str(built), "--data", str(recorded), "--json")
    assert code == 0
    found = json.loads(out)
    assert json.loads(kb("info", str(built), "--json")[1]) == found
    assert found["counts"]["pairs"] == 6
    assert found["digest"] == read_manifest(built)["digest"]
    assert found["complete"]
    assert not found["checked"]


def test_info_check_reads_every_byte(recorded, tmp_path):
    base = tmp_path / "base"
    kb("build", str(base), "--data", str(recorded))
    assert "every byte is as it was written" in kb("info", str(base), "--check")[1]
    (path,) = base.glob("shards/*/text.f16")
    path.write_bytes(bytes(path.stat().st_size))
    assert kb("info", str(base))[0] == 0
    code, _, said = kb("info", str(base), "--check")
    assert code == 2
    assert "text.f16 is damaged" in said


def test_a_damaged_shard_is_made_anew_by_the_hint_that_is_given(recorded, tmp_path):
    base = tmp_path / "base"
    kb("build", str(base), "--data", str(recorded))
    before = read_manifest(base)
    (path,) = base.glob("shards/*/audio.f16")
    path.write_bytes(path.read_bytes()[:-1])
    code, _, said = kb("info", str(base))
    assert code == 2
    assert "audio.f16 holds 4607 bytes where 4608 are due" in said
    assert "aacbench kb build" in said
    assert kb("build", str(base))[0] == 0
    assert read_manifest(base) == before
    assert kb("info", str(base), "--check")[0] == 0


def test_more_data_are_added_to_a_base(recorded, tmp_path):
    base, more = str(tmp_path / "base"), str(write_folder(tmp_path / "more", [5]))
    kb("build", base, "--data", str(recorded))
    code, out, _ = kb("build", base, "--add", "--data", more)
    assert code == 0
    assert "pairs      8 of 4 clips" in out
    assert "shards: 2" in out


def test_what_is_not_said_to_be_added_is_not(recorded, built, tmp_path):
    more = str(write_folder(tmp_path / "more", [5]))
    code, _, said = kb("build", str(built), "--data", more)
    assert code == 2
    assert "data: folder@all" in said
    assert "--add --data SPLIT" in said


def test_info_without_a_name_lists_every_named_base(tmp_path):
    code, out, _ = kb("info")
    assert code == 0
    for name in ("base", "large", "huge", "refined-large", "refined-huge", "events"):
        assert f"\n{name} " in out
    listed = {one["name"]: one for one in json.loads(kb("info", "--json")[1])}
    assert listed["base"]["data"] == ["audiocaps@train", "clotho@development"]
    assert listed["refined-huge"]["refines"] == "huge"
    assert listed["events"]["built"] == {}


def test_info_of_a_named_base_tells_its_recipe_and_how_to_build_it():
    code, out, _ = kb("info", "refined-events")
    assert code == 0
    assert "cut from   soundbox" in out
    assert "near to    soundbox-events@train" in out
    assert "aacbench kb build refined-events" in out


def test_info_of_an_unfinished_base_tells_how_to_go_on(built, tmp_path):
    path = tmp_path / "manifest.json"
    unfinished = {**read_manifest(built), "complete": False, "shards": []}
    del unfinished["counts"]
    path.write_text(json.dumps(unfinished))
    code, out, _ = kb("info", str(tmp_path))
    assert code == 0
    assert "not finished; go on: aacbench kb build" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", "evnts"], "Did you mean events"),
        (["build", "events", "--data", "clotho@development"], "is a named base, and its data"),
        (["build", "events", "--add"], "--add does not go with the rest"),
        (["build", "events", "--longest", "9"], "--longest does not go with the rest"),
        (["build", "x", "--data", "clotho@evalution"], "has no split 'evalution'"),
        (["build", "x", "--data", "y", "--encoder", "clop"], "There is no dataset 'y'"),
        (["build", "events", "--encoder", "clop"], "There is no encoder 'clop'"),
        (["build", "events", "--executor", "slurm"], "There is no executor 'slurm'"),
        (["info", "nowhere"], "nowhere is no knowledge base"),
        (["build", "x", "--add", "--data", "soundbox-events"], "x is no knowledge base"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, told = kb(*arguments)
    assert code == 2
    assert said in told
    assert not (tmp_path / "x" / "manifest.json").exists()

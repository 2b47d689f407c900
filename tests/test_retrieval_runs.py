"""Runs of retrievers: what decides them, what they say, the command line, and real sounds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from retrieval_targets import FIGURES, numbered, plugin, random_table, table, target
from typer.testing import CliRunner

from aacbench import api, catalog, retrieving
from aacbench.cli.app import app
from aacbench.comparing import compare, refuse_incomparable
from aacbench.errors import AacbenchError, BadData, BadOption
from aacbench.store import RunFolder

__all__ = ["plugin"]


# --- what decides a run, and what it says of itself -----------------------------------------------


def test_another_gallery_is_another_run(plugin: Path, tmp_path: Path):
    captions = numbered(6)
    who, where = table(tmp_path, random_table(captions)), target(tmp_path / "t", captions)
    whole, part = (
        api.retrieve(who, where, out=tmp_path / "r", **settings) for settings in ({}, {"limit": 4})
    )
    assert whole != part
    assert api.score(part)["coverage"]["ranked"] == 4
    rewritten = Path(where) / "captions.csv"
    rewritten.write_text(rewritten.read_text().replace("sound 5 said 1", "sound 5 said 0"))
    assert api.retrieve(who, where, out=tmp_path / "r") != whole


def test_an_encoder_that_learnt_from_the_targets_captions_is_in_domain(plugin: Path):
    settings = retrieving.RetrievalSettings(retriever="cosine", target="soundbox-events", limit=2)
    home = retrieving.domain(retrieving.plan(settings))
    assert (home.caption, home.strict) == ("in", "in")
    assert "captions: learnt from soundbox-events/train" in home.reason
    learnt = catalog.trained_on(catalog.choose("retrievers", "cosine"))
    assert not learnt.captions, "of a captioner, the encoder's training alone would not count"


def test_rankings_that_contradict_themselves_are_refused_by_line(plugin: Path, tmp_path: Path):
    captions = numbered(3)
    who, where = table(tmp_path, random_table(captions)), target(tmp_path / "t", captions)
    folder = api.retrieve(who, where, out=tmp_path / "r")
    path = folder / "rankings.jsonl"
    first, *rest = path.read_text().splitlines(keepends=True)
    line = json.loads(first)
    line["found"].insert(0, line["found"].pop())
    path.write_text("".join([json.dumps(line) + "\n", *rest]))
    with pytest.raises(BadData, match=r"line 1 is no ranking: ValueError: its ranks are"):
        api.score(folder)


def test_runs_of_retrievers_are_compared_clip_by_clip_and_never_with_captions(
    plugin: Path, tmp_path: Path
):
    captions = numbered(8)
    where = target(tmp_path / "t", captions)
    rows = random_table(captions)
    first = api.retrieve(table(tmp_path, rows), where, out=tmp_path / "r")
    shifted = {clip: rows[f"{(int(clip[:2]) + 1) % 8:02d}.wav"] for clip in rows}
    second = api.retrieve(table(tmp_path, shifted), where, out=tmp_path / "r")
    assert first != second
    scored = [api.score_run(RunFolder(path))[1] for path in (first, second)]
    found = compare(scored[0], scored[1])
    assert {one.figure for one in found.figures} == FIGURES
    done = CliRunner().invoke(app, ["compare", str(first), str(second)])
    assert done.exit_code == 0, done.output
    captioned = {"captioner": "nac", "target": "t", "references": "r"}
    ranked = {"task": "retrieval", "retriever": "cosine", "target": "t", "references": "r"}
    with pytest.raises(BadOption, match="cosine is a run of retrieval, nac of captioning"):
        refuse_incomparable(ranked, captioned)


@pytest.mark.parametrize(
    "command",
    [
        ["report", "RUN"],
        ["rate", "export", "RUN", "--out", "OUT"],
        ["profile", "nac", "--into", "RUN"],
    ],
)
def test_verbs_for_captions_refuse_a_retrievers_run_by_name(
    plugin: Path, tmp_path: Path, command: list[str]
):
    captions = numbered(3)
    who, where = table(tmp_path, random_table(captions)), target(tmp_path / "t", captions)
    folder = api.retrieve(who, where, out=tmp_path / "r")
    places = {"RUN": str(folder), "OUT": str(tmp_path / "out")}
    typed = [places.get(word, word) for word in command]
    with pytest.raises(AacbenchError, match="is a run of retrieval"):
        CliRunner().invoke(app, typed, catch_exceptions=False)


# --- the command line -----------------------------------------------------------------------------


def test_the_command_line_ranks_scores_and_says_what_it_would_do(plugin: Path, tmp_path: Path):
    captions = numbered(6)
    who, where = table(tmp_path, random_table(captions)), target(tmp_path / "t", captions)
    typed = ["run", "--retriever", who, "--target", where, "--out", str(tmp_path / "r"), "--json"]
    dry = CliRunner().invoke(app, [*typed, "--dry-run"])
    told = json.loads(dry.stdout)
    assert (told["captions"], told["done"]) == (12, False)
    done = CliRunner().invoke(app, typed)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["folder"] == told["folder"]
    assert set(result["figures"]) == FIGURES
    assert result["retriever"].startswith("table:plain(path=")
    shown = CliRunner().invoke(app, ["score", result["folder"]])
    assert "t2a.map_at_10" in shown.stdout
    assert "6 of 6 clips" in shown.stdout
    dry = CliRunner().invoke(app, [*typed[:-1], "--dry-run"])
    assert "6 clips and 12 captions, done" in dry.stdout


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--batch-size", "4"], "--batch-size is for captioners"),
        (["--captioner", "nac"], "--captioner is for captioners"),
    ],
)
def test_options_of_captioners_are_refused_beside_a_retriever(
    plugin: Path, more: list[str], told: str
):
    typed = ["run", "--retriever", "cosine", "--target", "soundbox-events", *more]
    with pytest.raises(BadOption, match=told):
        CliRunner().invoke(app, typed, catch_exceptions=False)


def test_a_run_of_nobody_is_refused():
    with pytest.raises(BadOption, match="Nobody is named"):
        CliRunner().invoke(app, ["run", "--target", "soundbox-events"], catch_exceptions=False)


def test_metrics_of_captions_are_refused_for_rankings(plugin: Path, tmp_path: Path):
    captions = numbered(3)
    who, where = table(tmp_path, random_table(captions)), target(tmp_path / "t", captions)
    folder = api.retrieve(who, where, out=tmp_path / "r")
    with pytest.raises(BadOption, match="'retrieval' alone scores it"):
        api.score(folder, ["bleu"])


# --- for real -------------------------------------------------------------------------------------


def test_a_small_clap_finds_generated_scenes_and_their_captions(plugin: Path, tmp_path: Path):
    folder = api.retrieve("cosine", "soundbox-events", limit=40, out=tmp_path)
    result = api.score(folder)
    figures = {name: entry["estimate"] for name, entry in result["figures"].items()}
    assert figures["t2a.r_at_10"] > 2 * 10 / 40
    assert figures["a2t.r_at_10"] > 2 * 10 / 40
    assert result["time_per_clip"]["retrieve"]["n"] == 40
    assert result["intervals"]["note"].startswith("40 clips are few")
    low, high = (result["figures"]["t2a.map_at_10"][end] for end in ("low", "high"))
    assert low < figures["t2a.map_at_10"] < high

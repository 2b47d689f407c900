"""Retrievers on boards: rows small and sealed, every figure computed again from places, boards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cosine_plugin import loaded, write_table
from small_board import SPEC as TONES
from small_board import Board, Tones, edit_json, head
from typer.testing import CliRunner

from aacbench import api
from aacbench.cli.app import app
from aacbench.errors import BadData
from aacbench.leaderboard import building, rescoring
from aacbench.leaderboard.adding import add_run
from aacbench.leaderboard.results import read_results
from aacbench.leaderboard.verifying import verify_all

FIGURES = {f"{way}.r_at_{cut}" for way in ("t2a", "a2t") for cut in (1, 5, 10)}
FIGURES |= {"t2a.map_at_10", "a2t.map_at_10"}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    """Scored runs on twelve tones: of a retriever that knows, and of one that guesses."""
    monkeypatch.setenv("TABLES", str(tmp_path))
    with loaded(tmp_path / "site", monkeypatch) as known:
        known.add("tests", "datasets", TONES, lambda choice, context: Tones())
        yield {name: _run(tmp_path, name) for name in ("knows", "guesses")}


def _run(folder: Path, name: str) -> Path:
    truth, drawn = Tones().annotations("test"), np.random.default_rng(2)
    rows: dict[str, dict[str, float]] = {}
    for clip in truth:
        said = {t: float(drawn.random()) for a in truth.values() for t in a.references}
        if name == "knows":
            said |= {t: 0.5 + said[t] for t in truth[clip].references}
        rows[clip] = said
    write_table(folder / f"{name}.json", rows)
    run = api.retrieve(name, "small-tones", out=folder / "runs")
    api.score(run)
    commit = {"id": head(), "dirty": False}
    edit_json(run / "manifest.json", "starts", 0, "commit", value=commit)
    edit_json(run / "result.json", "scored_with", "commit", value=commit)
    return run


@pytest.fixture
def board(runs: dict[str, Path], tmp_path: Path) -> Board:
    found = Board(runs, tmp_path / "leaderboard")
    add_run(runs["knows"], found.folder)
    return found


def problems(board: Board) -> list[str]:
    (verified,) = verify_all(board.folder)
    return list(verified.problems)


def test_a_scored_run_of_a_retriever_becomes_a_row_of_places_and_figures(board: Board):
    row = board.row()
    assert (row.kind, row.retrieval, row.target) == ("measured", True, "small-tones")
    assert row.system == "knows:plain"
    stored = json.loads((board.runs["knows"] / "result.json").read_text())
    assert row.result["figures"] == stored["figures"]
    assert set(row.result["figures"]) == FIGURES
    assert {path.name for path in row.path.iterdir()} == {
        "manifest.json",
        "rankings.jsonl",
        "scores.jsonl",
        "result.json",
        "seal.json",
    }
    lines = (row.path / "rankings.jsonl").read_text().splitlines()
    assert len(lines) == 12
    assert max(map(len, lines)) < 60
    assert problems(board) == []


def test_a_run_that_is_there_already_is_left_as_it_is(board: Board):
    assert add_run(board.runs["knows"], board.folder).status == "unchanged"


def test_other_rankings_do_not_replace_a_row_unasked(board: Board):
    run = board.runs["knows"]
    first, second, *rest = (run / "rankings.jsonl").read_text().splitlines(keepends=True)
    line = json.loads(second)
    line["found"].insert(0, line["found"].pop())
    line["ranks"] = [1 + line["found"].index(line["query"].partition("#")[0])]
    (run / "rankings.jsonl").write_text("".join([first, json.dumps(line) + "\n", *rest]))
    api.score(run)
    edit_json(run / "result.json", "scored_with", "commit", value={"id": head(), "dirty": False})
    with pytest.raises(BadData, match="is there already, with other rankings; --replace"):
        add_run(run, board.folder)
    assert add_run(run, board.folder, replace=True).status == "replaced"


@pytest.mark.parametrize(
    ("name", "keys", "value", "told"),
    [
        ("result.json", ("figures", "t2a.r_at_1", "estimate"), 0.5, "t2a.r_at_1 is 0.500000; its"),
        ("result.json", ("figures", "a2t.map_at_10", "low"), 0.1, "has an interval from 0.100000"),
        ("result.json", ("queries", "t2a", "queries"), 12, "rankings.jsonl holds"),
        ("result.json", ("coverage", "ranked"), 11, "11 of 12 clips were ranked"),
        ("result.json", ("domain", "caption"), "out", "domain"),
        ("manifest.json", ("trained_on", "captions"), [], "trained_on.captions is nothing"),
        ("manifest.json", ("decides", "depth"), 10, "is not that of its settings"),
    ],
)
def test_what_was_forged_and_sealed_anew_is_told(
    board: Board, name: str, keys: tuple[str, ...], value: Any, told: str
):
    edit_json(board.row().path / name, *keys, value=value)
    board.reseal()
    assert any(told in problem for problem in problems(board)), problems(board)


def test_places_that_were_bettered_are_told_by_figure_and_by_clip(board: Board):
    path = board.row().path / "rankings.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row[1] = [1] * len(row[1])
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    board.reseal()
    told = problems(board)
    assert any(p.startswith("result.json: t2a.map_at_10 is") for p in told)
    assert any(p.startswith("scores.jsonl: clip test-") for p in told)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('["test-00.wav", [1], [1]]', "clip test-00.wav has places of another number of captions"),
        ('["strange.wav", [1, 1], [1, 2]]', "clip strange.wav, which small-tones@test does not"),
        ('["test-00.wav", [13, 1], [1, 2]]', "clip test-00.wav is placed beyond the 12 clips"),
        ('["test-00.wav", [1, 1], [2, 2]]', "line 1 is no clip with two lists of places"),
        ('["test-00.wav", [0, 1], [1, 2]]', "line 1 is no clip with two lists of places"),
        ("", "no places of clip test-00.wav"),
    ],
)
def test_places_that_cannot_be_are_told(board: Board, line: str, told: str):
    path = board.row().path / "rankings.jsonl"
    rest = path.read_text().splitlines(keepends=True)[1:]
    path.write_text("".join([f"{line}\n" if line else "", *rest]))
    board.reseal()
    assert any(told in problem for problem in problems(board)), problems(board)


def test_a_part_of_the_target_is_refused(runs: dict[str, Path], tmp_path: Path):
    run = api.retrieve("knows", "small-tones", limit=5, out=tmp_path / "part")
    api.score(run)
    with pytest.raises(BadData, match="5 of 12 clips were ranked"):
        add_run(run, tmp_path / "leaderboard")


def test_retrievers_are_ranked_on_a_board_of_their_own(board: Board):
    add_run(board.runs["guesses"], board.folder)
    found = building.read(board.folder)
    (one,) = found.boards
    assert (one.id, one.kind) == ("small-tones.test.in.retrieval", "retrieval")
    assert set(one.columns) == FIGURES
    assert one.order_by == "t2a.map_at_10"
    first, second = found.rows_of(one)
    assert first.system.startswith("knows")
    assert second.system.startswith("guesses")
    ranks = one.standings.ranks["t2a.map_at_10"]
    assert (ranks[first.id].rank, ranks[second.id].rank) == (1, 2)
    assert one.standings.best["t2a.map_at_10"] == (first.id,)
    assert first.provenance["rankings"].endswith("rankings.jsonl")
    assert first.provenance["command"].startswith("aacbench run --retriever ")
    assert first.latency is not None


def test_boards_of_retrievers_are_built_shown_and_checked(board: Board):
    building.build(board.folder)
    assert building.check(board.folder) == []
    table = (board.folder / "tables" / "small-tones.test.in.retrieval.md").read_text()
    assert "mAP@10, text to audio" in table
    typed = ["leaderboard", "show", "--folder", str(board.folder)]
    shown = CliRunner().invoke(app, [*typed, "small-tones.test.in.retrieval"])
    assert "R@10, audio to text" in shown.stdout


def test_places_are_scored_again_where_the_metric_changed(board: Board):
    path = board.row().path / "result.json"
    due = json.loads(path.read_text())["figures"]
    edit_json(path, "figures", "t2a.r_at_1", "version", value="0")
    edit_json(path, "figures", "t2a.r_at_1", "estimate", value=0.123)
    board.reseal()
    (done,) = rescoring.rescore(board.folder)
    assert done.changed == ("t2a.r_at_1",)
    (row,) = read_results(board.folder)
    assert row.result["figures"] == due
    assert [one for one in problems(board) if "(dirty)" not in one] == []

"""`aacbench leaderboard add`, `verify`, `rescore` as they are typed."""

from __future__ import annotations

import json

import pytest
from small_board import Board, edit_json
from typer.testing import CliRunner

from aacbench.cli.leaderboard import app
from aacbench.errors import BadData, BadOption

HOME, AWAY = "random@small-tones", "random@soundbox-events"


def typed(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=True)
    if isinstance(done.exception, BadData | BadOption):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_runs_are_added_and_said_with_their_size(board: Board):
    said = typed("add", *board.runs.values(), "--folder", board.folder)
    assert said.count("added: results/small-tones@test/") == 2
    assert "kB)" in said
    again = typed("add", board.runs[HOME], "--folder", board.folder)
    assert "there already, the same" in again


def test_one_refused_run_keeps_no_other_from_being_added(board: Board):
    edit_json(board.runs[HOME] / "result.json", "schema", value=0)
    with pytest.raises(BadData, match="schema 0 is not the current one") as caught:
        typed("add", *board.runs.values(), "--folder", board.folder)
    assert str(board.runs[AWAY]) not in caught.value.message
    assert board.row().system == AWAY


def test_verify_says_which_rows_hold_and_refuses_those_that_do_not(board: Board):
    typed("add", *board.runs.values(), "--folder", board.folder)
    assert typed("verify", "--folder", board.folder).count(": verified") == 2
    (path,) = (board.folder / "results").glob("*/random@small-tones/*/result.json")
    edit_json(path, "figures", "bleu_1", "estimate", value=1.5)
    with pytest.raises(BadData) as caught:
        typed("verify", "--folder", board.folder)
    assert "1 of 2 rows are refused" in caught.value.message
    assert "result.json: bleu_1 is 1.500000" in caught.value.message


def test_verify_all_computes_heavy_figures_again_too(board: Board):
    """Lines and figure of a heavy metric are edited together: only its model can tell."""
    typed("add", board.runs[HOME], "--folder", board.folder)
    row = board.row().path
    header, *lines = (row / "scores.jsonl").read_text().splitlines()
    at = 1 + json.loads(header)["figures"].index("aud:mini")
    rows = [json.loads(line) for line in lines]
    flipped = [[*one[:at], 1 - one[at], *one[at + 1 :]] for one in rows]
    text = "".join(f"{json.dumps(one)}\n" for one in flipped)
    (row / "scores.jsonl").write_text(header + "\n" + text)
    share = sum(one[at] for one in flipped) / 12
    from aacbench.stats import wilson

    interval = wilson(round(share * 12), 12)
    for part in ("estimate", "low", "high"):
        edit_json(row / "result.json", "figures", "aud:mini", part, value=getattr(interval, part))
    board.reseal()
    assert ": verified" in typed("verify", "--folder", board.folder)
    with pytest.raises(BadData, match="aud:mini is"):
        typed("verify", "--folder", board.folder, "--all")


def test_rescore_says_that_rows_are_current(board: Board):
    typed("add", board.runs[HOME], "--folder", board.folder)
    assert ": current" in typed("rescore", "--folder", board.folder)


def test_a_folder_without_results_is_told_apart_from_one_in_order(board: Board):
    for verb in ("verify", "rescore"):
        with pytest.raises(BadOption, match="has no results"):
            typed(verb, "--folder", board.folder)


def test_answers_for_machines_are_json(board: Board):
    said = json.loads(typed("add", board.runs[HOME], "--folder", board.folder, "--json"))
    assert said["added"][0]["status"] == "added"
    (found,) = json.loads(typed("verify", "--folder", board.folder, "--json"))
    assert found["problems"] == []

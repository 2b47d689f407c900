"""Rows keep up with the metrics: stored captions are scored again, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from small_board import Board, clean_commit, edit_json

from aacbench.errors import BadData
from aacbench.leaderboard.adding import add_run
from aacbench.leaderboard.rescoring import rescore
from aacbench.leaderboard.verifying import verify_all
from aacbench.plugins import registry

HOME = "random@small-tones"
Raise = Callable[[str], None]


@pytest.fixture
def stored(board: Board) -> Board:
    add_run(board.runs[HOME], board.folder)
    return board


@pytest.fixture
def raise_version() -> Iterator[Raise]:
    """A metric whose version goes up, as it would in a newer aacbench."""
    parts = registry().parts["metrics"]
    before = {}

    def newer(name: str) -> None:
        before[name] = parts[name]
        parts[name] = [replace(p, spec=replace(p.spec, version="99")) for p in parts[name]]

    yield newer
    parts.update(before)


def verified(board: Board) -> str:
    """What is wrong with the row, but for the commit of the working tree that tests run in."""
    clean_commit_again(board)
    return "\n".join(verify_all(board.folder)[0].problems)


def clean_commit_again(board: Board) -> None:
    path = board.row().path / "result.json"
    content = json.loads(path.read_text())
    edit_json(path, "scored_again_with", "commit", value=content["scored_with"]["commit"])
    board.reseal()


def test_a_row_whose_metrics_are_what_they_were_is_not_touched(stored: Board):
    before = {path: path.read_bytes() for path in stored.row().path.iterdir()}
    (done,) = rescore(stored.folder)
    assert done.current
    assert {path: path.read_bytes() for path in stored.row().path.iterdir()} == before


def test_a_light_metric_of_a_new_version_is_scored_again_from_the_captions(
    stored: Board, raise_version: Raise
):
    raise_version("rouge_l")
    assert "rouge_l: of version" in "\n".join(verify_all(stored.folder)[0].problems)
    (done,) = rescore(stored.folder)
    assert done.changed == ("rouge_l",)
    assert not done.lost
    entry = stored.row().result["figures"]["rouge_l"]
    assert entry["version"] == "99"
    assert verified(stored) == ""


def test_a_heavy_figure_of_a_new_version_goes_with_its_reason(stored: Board, raise_version: Raise):
    raise_version("aud")
    (done,) = rescore(stored.folder)
    row = stored.row()
    assert set(done.lost or ()) == {"aud:mini"}
    assert "aud:mini" not in row.result["figures"]
    assert "aud:mini" not in row.lines.values
    assert (
        "of version 1 of builtin/aud, which is now version 99" in row.result["absent"]["aud:mini"]
    )
    assert verified(stored) == ""


def test_a_metric_that_is_asked_for_by_name_is_added_to_rows_that_lack_it(stored: Board):
    (done,) = rescore(stored.folder, ["meteor", "aud:mini"])
    assert done.changed == ("meteor",), "aud:mini was there, and is what it was"
    assert "meteor" in stored.row().lines.values
    assert verified(stored) == ""


def test_a_caption_that_was_edited_gets_no_new_figures(stored: Board, raise_version: Raise):
    raise_version("rouge_l")
    path = stored.row().path / "captions.jsonl"
    first = json.loads(path.read_text().splitlines()[0])["text"]
    stored.edit("captions.jsonl", json.dumps(first), '"a dog barks outside"')
    before = {path: path.read_bytes() for path in stored.row().path.iterdir()}
    with pytest.raises(BadData, match=r"is not scored again:(.|\n)*bleu_1"):
        rescore(stored.folder)
    assert {path: path.read_bytes() for path in stored.row().path.iterdir()} == before


def test_one_row_that_is_refused_keeps_no_other_from_being_done(board: Board, raise_version: Raise):
    for run in board.runs.values():
        clean_commit(run)
        add_run(run, board.folder)
    raise_version("bleu")
    (first, second) = sorted((board.folder / "results" / "small-tones@test").iterdir())
    (sealed,) = first.glob("*/captions.jsonl")
    sealed.write_bytes(sealed.read_bytes() + b"{}\n")
    with pytest.raises(BadData) as caught:
        rescore(board.folder)
    assert first.name in caught.value.message
    assert second.name not in caught.value.message
    (other,) = second.glob("*/result.json")
    assert json.loads(other.read_text())["figures"]["bleu_1"]["version"] == "99"

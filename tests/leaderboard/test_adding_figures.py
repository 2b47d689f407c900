"""Captions that came in a file give figures, marked as such; the captions are not kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from small_board import Board, Tones, edit_json, head

from aacbench import provenance
from aacbench.errors import BadData
from aacbench.leaderboard.adding import Added
from aacbench.leaderboard.figures import add_figures
from aacbench.leaderboard.rescoring import rescore
from aacbench.leaderboard.verifying import verify_all

METRICS = ("bleu", "rouge_l", "cider_d", "aud:mini")
SECRET = "a xylophone is struck"


@pytest.fixture(autouse=True)
def clean_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures name the commit they were scored with; that of the tests is as if it were clean."""
    monkeypatch.setattr(provenance, "commit", lambda: {"id": head(), "dirty": False})


@pytest.fixture
def table(board: Board, tmp_path: Path) -> Path:
    annotations: Mapping[str, Any] = Tones().annotations("test")
    captions = {name: one.references[1] for name, one in annotations.items()}
    captions["test-00.wav"] = SECRET
    return write(tmp_path / "mine.csv", captions)


def write(path: Path, captions: Mapping[str, str]) -> Path:
    rows = [f"{name},{text}" for name, text in captions.items()]
    path.write_text("\n".join(["file_name,caption", *rows]) + "\n")
    return path


def add(path: Path, board: Board, **options: Any) -> Added:
    given: dict[str, Any] = {"metrics": METRICS, **options}
    return add_figures(path, board.folder, "small-tones", "Somebody's", "a web page", **given)


def test_figures_are_kept_and_captions_are_not(board: Board, table: Path):
    added = add(table, board)
    row = board.row()
    assert added.folder == row.folder == "results/small-tones@test/Somebody-s/figures"
    assert (row.kind, row.manifest, row.captions) == ("re-scored", None, None)
    assert row.result["source"] == "a web page"
    assert row.result["complete"]
    assert len(row.lines.ids) == 12
    assert not any(SECRET in path.read_text() for path in row.path.iterdir())
    assert verify_all(board.folder)[0].problems == ()


@pytest.mark.parametrize(
    ("learnt", "verdict"),
    [(None, "unknown"), (["small-tones/train"], "in"), (["soundbox-events/train"], "out")],
)
def test_the_domain_is_what_the_named_training_data_say(
    board: Board, table: Path, learnt: list[str] | None, verdict: str
):
    add(table, board, trained_on=learnt)
    assert board.row().result["domain"]["caption"] == verdict


def test_a_domain_that_was_edited_is_refused(board: Board, table: Path):
    add(table, board, trained_on=["small-tones/train"])
    edit_json(board.row().path / "result.json", "domain", "caption", value="out")
    board.reseal()
    found = "\n".join(verify_all(board.folder)[0].problems)
    assert "result.json: its caption domain is 'out', and 'in' by what it learnt from" in found


def test_captions_of_a_part_are_refused_and_with_partial_kept_unranked(board: Board, table: Path):
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(lines[:-2]))
    with pytest.raises(BadData, match=r"10 of 12 clips have a caption; --partial"):
        add(table, board)
    add(table, board, partial=True)
    row = board.row()
    assert not row.result["complete"]
    assert row.result["unranked"] == "10 of 12 clips have a caption"
    assert verify_all(board.folder)[0].problems == ()


def test_a_part_that_is_made_to_pass_for_the_whole_is_refused(board: Board, table: Path):
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-2]))
    add(table, board, partial=True)
    path = board.row().path / "result.json"
    content = json.loads(path.read_text())
    del content["unranked"]
    content["complete"] = True
    content["coverage"]["captioned"] = 12
    path.write_text(json.dumps(content))
    board.reseal()
    found = "\n".join(verify_all(board.folder)[0].problems)
    assert "coverage says 12 captioned clips; there are 10" in found


def test_a_whole_without_some_of_its_lines_is_refused(board: Board, table: Path):
    """As above, with nothing in result.json that gives it away but the official number."""
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-2]))
    add(table, board, partial=True)
    path = board.row().path / "result.json"
    content = json.loads(path.read_text())
    del content["unranked"]
    content["complete"] = True
    content["coverage"]["official"] = 10
    path.write_text(json.dumps(content))
    board.reseal()
    found = "\n".join(verify_all(board.folder)[0].problems)
    assert "coverage says 10 official clips; small-tones@test has 12" in found


def test_a_better_figure_is_told_by_the_lines_that_stand_behind_it(board: Board, table: Path):
    add(table, board)
    path = board.row().path / "result.json"
    edit_json(path, "figures", "cider_d", "estimate", value=9.9)
    edit_json(path, "figures", "aud:mini", "high", value=0.5)
    board.reseal()
    found = "\n".join(verify_all(board.folder)[0].problems)
    assert "result.json: cider_d is 9.900000; the clips in scores.jsonl give" in found
    assert "result.json: aud:mini has an interval up to 0.500000; the clips" in found


def test_what_no_line_can_vouch_for_is_said(board: Board, table: Path):
    added = add(table, board)
    assert any("bleu_4: no mean of clips, so the seal alone" in one for one in added.remarks)


def test_published_figures_stand_beside_those_that_were_scored(
    board: Board, table: Path, tmp_path: Path
):
    published = tmp_path / "published.json"
    published.write_text('{"source": "their log", "scores": {"cider_d": 0.5}}')
    add(table, board, published=published)
    assert board.row().result["published"] == {"source": "their log", "scores": {"cider_d": 0.5}}
    published.write_text('{"scores": {"cider_d": "high"}}')
    with pytest.raises(BadData, match="is no JSON of published scores"):
        add(table, board, published=published, replace=True)


def test_other_captions_replace_figures_only_when_asked_to(board: Board, table: Path):
    add(table, board)
    assert add(table, board).status in ("unchanged", "replaced")
    table.write_text(table.read_text().replace(SECRET, "a drum is struck"))
    with pytest.raises(BadData, match="is there already, with other captions"):
        add(table, board)
    assert add(table, board, replace=True).status == "replaced"


def test_figures_without_captions_cannot_be_scored_again_and_are_left(board: Board, table: Path):
    add(table, board)
    (done,) = rescore(board.folder)
    assert done.current

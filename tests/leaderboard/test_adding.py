"""A run becomes a row only if others could believe it; all that stands against it is told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from small_board import Board, clean_commit, edit_json, head

from aacbench import api
from aacbench.errors import BadData
from aacbench.leaderboard.adding import add_run
from aacbench.leaderboard.qualifying import unknown_commits, without_places
from aacbench.leaderboard.results import read_lines, read_results, write_lines
from aacbench.leaderboard.verifying import verify_all
from aacbench.store import RunFolder

HOME = "random@small-tones"


def reasons(run: Path, leaderboard: Path) -> str:
    with pytest.raises(BadData) as caught:
        add_run(run, leaderboard)
    assert not list(leaderboard.rglob("*.json")), "nothing of a refused run is left behind"
    return caught.value.message


def test_a_finished_run_becomes_a_row_that_holds_every_caption_and_figure(board: Board):
    added = add_run(board.runs[HOME], board.folder)
    row = board.row()
    stored = json.loads((board.runs[HOME] / "result.json").read_text())
    assert added.status == "added"
    assert added.folder == row.folder == f"results/small-tones@test/random@small-tones/{row.key}"
    assert row.result["figures"] == stored["figures"]
    texts = {n: r.caption.text for n, r in RunFolder(row.path).records().items() if r.caption}
    assert texts == {
        n: r.caption.text for n, r in RunFolder(board.runs[HOME]).records().items() if r.caption
    }
    assert set(row.lines.ids) == set(texts)
    assert (row.kind, row.system, row.target, row.split) == (
        "measured",
        HOME,
        "small-tones",
        "test",
    )


def test_a_row_that_was_added_is_verified_again_from_its_files_alone(board: Board):
    for run in board.runs.values():
        add_run(run, board.folder)
    verified = verify_all(board.folder)
    assert len(verified) == 2
    assert [one.problems for one in verified] == [(), ()]


def test_domains_of_rows_are_those_of_their_training_captions(board: Board):
    for run in board.runs.values():
        add_run(run, board.folder)
    found = {row.system: row.result["domain"]["caption"] for row in read_results(board.folder)}
    assert found == {HOME: "in", "random@soundbox-events": "out"}


def test_everything_against_a_run_is_told_at_once_and_by_name(board: Board):
    run = board.runs[HOME]
    edit_json(run / "manifest.json", "starts", 0, "commit", "dirty", value=True)
    edit_json(run / "result.json", "scored_with", "commit", value=None)
    edit_json(run / "manifest.json", "trained_on", "captions", value=None)
    edit_json(run / "result.json", "schema", value=0)
    edit_json(run / "result.json", "figures", "rouge_l", "version", value="0")
    lines = (run / "captions.jsonl").read_text().splitlines(keepends=True)
    (run / "captions.jsonl").write_text("".join(lines[:-2]))
    told = reasons(run, board.folder)
    assert f"manifest.json: start 1: commit {head()[:12]} with changes of its own (dirty)" in told
    assert "result.json: scored_with: no commit" in told
    assert "nobody knows what its captions learnt from" in told
    assert "result.json: schema 0 is not the current one, 1" in told
    assert "rouge_l: of version 0 of builtin/rouge_l, which is now version" in told
    assert "captions.jsonl: no caption of clip test-11.wav" in told
    assert "coverage says 12 captioned clips; there are 10" in told


def test_a_part_of_a_target_is_refused_with_how_large_a_part_it_is(board: Board, tmp_path: Path):
    run = api.run(HOME, "small-tones", out=tmp_path / "part", limit=5)
    api.score(run, ["bleu"])
    clean_commit(run)
    assert "not complete: 5 of 12 clips have a caption" in reasons(run, board.folder)


def test_a_clip_that_failed_is_a_reason(board: Board):
    run = board.runs[HOME]
    path = run / "captions.jsonl"
    *kept, last = path.read_text().splitlines(keepends=True)
    failed = {"id": json.loads(last)["id"], "error": "it burst", "stages": {}, "seed": 0}
    path.write_text("".join(kept) + json.dumps(failed) + "\n")
    api.score(run, ["bleu"])
    clean_commit(run)
    told = reasons(run, board.folder)
    assert "11 of 12 clips" in told
    assert "1 clips failed" in told


def test_captions_that_changed_after_they_were_scored_are_told_by_clip_and_figure(board: Board):
    run = board.runs[HOME]
    path = run / "captions.jsonl"
    text = path.read_text()
    first = json.loads(text.splitlines()[0])
    changed = text.replace(json.dumps(first["text"]), '"a violin plays a waltz"', 1)
    path.write_text(changed)
    told = reasons(run, board.folder)
    assert f"scores.jsonl: clip {first['id']}: bleu_1 is" in told
    assert "result.json: bleu_1 is" in told


def test_scores_of_another_run_are_refused(board: Board):
    home, away = board.runs.values()
    (home / "result.json").write_bytes((away / "result.json").read_bytes())
    told = reasons(home, board.folder)
    assert f"result.json: of the run {away.name}, but manifest.json is of {home.name}" in told


def test_an_unscored_run_is_told_to_be_scored(board: Board):
    run = board.runs[HOME]
    (run / "result.json").unlink()
    with pytest.raises(BadData) as caught:
        add_run(run, board.folder)
    assert "aacbench score" in caught.value.hint


def test_a_file_of_captions_is_no_run_and_is_told_where_to_go(board: Board, tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_text("file_name,caption\ntest-00.wav,a dog\n")
    with pytest.raises(BadData) as caught:
        add_run(path, board.folder)
    assert "aacbench leaderboard add-figures" in caught.value.hint


def test_settings_that_name_a_place_on_this_machine_are_refused(board: Board):
    run = board.runs[HOME]
    edit_json(run / "manifest.json", "captioner", "options", value={"words": "/home/ann/words.txt"})
    told = reasons(run, board.folder)
    assert "manifest.json: captioner.options.words names a place on one machine, /home/ann" in told


def test_folders_in_the_reason_for_an_absent_figure_are_cut_to_their_names(board: Board):
    run = board.runs[HOME]
    why = "no weights at /home/ann/assets/clap.pt, see https://example.org/a/b"
    edit_json(run / "result.json", "absent", "clap_s", value=why)
    add_run(run, board.folder)
    assert board.row().result["absent"]["clap_s"] == (
        "no weights at .../clap.pt, see https://example.org/a/b"
    )


def test_the_same_run_twice_changes_no_byte(board: Board):
    add_run(board.runs[HOME], board.folder)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in board.row().path.iterdir()}
    assert add_run(board.runs[HOME], board.folder).status == "unchanged"
    after = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in board.row().path.iterdir()}
    assert after == before


def test_the_same_captions_with_more_figures_replace_the_row(board: Board):
    run = board.runs[HOME]
    add_run(run, board.folder)
    api.score(run, ["bleu", "diversity:simple"])
    clean_commit(run)
    assert add_run(run, board.folder).status == "replaced"
    assert "ttr:simple" in {*board.row().result["figures"], *board.row().result["absent"]}


def test_other_captions_of_the_same_key_replace_a_row_only_when_asked_to(board: Board):
    run = board.runs[HOME]
    add_run(run, board.folder)
    text = (run / "captions.jsonl").read_text()
    first = json.loads(text.splitlines()[0])["text"]
    (run / "captions.jsonl").write_text(text.replace(json.dumps(first), '"rain falls"', 1))
    api.score(run, ["bleu"])
    clean_commit(run)
    with pytest.raises(BadData, match="is there already, with other captions; --replace"):
        add_run(run, board.folder)
    assert add_run(run, board.folder, replace=True).status == "replaced"
    assert "rain falls" in (board.row().path / "captions.jsonl").read_text()


def test_commits_are_looked_up_in_a_repository(tmp_path: Path):
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    known, unknown = git("rev-parse", "HEAD"), "ab" * 20
    manifest = {"starts": [{"commit": {"id": known, "dirty": False}}]}
    assert not list(unknown_commits(manifest, {}, tmp_path))
    result = {"scored_with": {"commit": {"id": unknown, "dirty": False}}}
    told = list(unknown_commits(manifest, result, tmp_path))
    assert told == ["commit abababababab is not in aacbench's history"]


def test_per_clip_figures_come_back_to_the_sixth_decimal(tmp_path: Path):
    path = tmp_path / "scores.jsonl"
    path.write_text(write_lines([{"id": "a", "x": 1 / 3, "y": 2.0}, {"id": "b\n", "y": 1e-7}]))
    lines = read_lines(path)
    assert lines.ids == ("a", "b\n")
    assert lines.values["x"][0] == 0.333333
    assert lines.values["x"][1] != lines.values["x"][1], "a figure that a clip lacks is NaN"
    assert lines.values["y"].tolist() == [2.0, 0.0]


@pytest.mark.parametrize(
    "text", ["", "[1]\n", '{"figures": ["x"]}\n["a"]\n', '{"figures": ["x"]}\n["a", "1"]\n', "{\n"]
)
def test_lines_in_another_form_are_refused_with_their_place(tmp_path: Path, text: str):
    path = tmp_path / "scores.jsonl"
    path.write_text(text)
    with pytest.raises(BadData, match=r"scores\.jsonl"):
        read_lines(path)


def test_addresses_are_no_places_and_windows_folders_are():
    assert without_places("see https://a.org/b or a/b") == "see https://a.org/b or a/b"
    assert without_places(r"at C:\Users\ann\x.pt.") == "at .../x.pt."

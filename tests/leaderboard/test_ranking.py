"""Ranks and bold figures: only what the clips can tell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from board_rows import per_clip, put_row

from aacbench.leaderboard import assembling, clips
from aacbench.leaderboard.boards import Board
from aacbench.leaderboard.clips import Together
from aacbench.leaderboard.results import read_results

FAR, NEAR = 0.2, 0.001


def only_board(folder: Path) -> Board:
    (board,) = assembling.assemble(read_results(folder)).boards
    return board


def systems(found: Sequence[str]) -> list[str]:
    return [name.partition(".")[0] for name in found]


def shifted(values: Sequence[float], by: float) -> list[float]:
    return [round(value + by, 6) for value in values]


def test_a_real_difference_is_bold(tmp_path: Path) -> None:
    put_row(tmp_path, "better", {"spider": per_clip(1, 0.3 + FAR)})
    put_row(tmp_path, "worse", {"spider": per_clip(2, 0.3)})
    standings = only_board(tmp_path).standings
    assert systems(standings.best["spider"]) == ["better"]
    assert standings.said() == []


def test_no_difference_is_not_bold_and_a_note_says_why(tmp_path: Path) -> None:
    put_row(tmp_path, "first", {"spider": per_clip(1, 0.3)})
    put_row(tmp_path, "second", {"spider": per_clip(2, 0.3)})
    standings = only_board(tmp_path).standings
    assert standings.best == {}
    assert "is not significantly better than" in standings.said()[0]
    assert {(rank.low, rank.high) for rank in standings.ranks["spider"].values()} == {(1, 2)}


def test_bold_takes_a_difference_to_every_other_row(tmp_path: Path) -> None:
    """A best row that has one equal and one far behind is not bold."""
    values = per_clip(1, 0.3)
    put_row(tmp_path, "first", {"spider": shifted(values, NEAR)})
    put_row(tmp_path, "equal", {"spider": per_clip(2, 0.3)})
    put_row(tmp_path, "behind", {"spider": shifted(values, -FAR)})
    assert only_board(tmp_path).standings.best == {}


def test_pairing_by_clip_finds_a_small_difference_that_every_clip_has(tmp_path: Path) -> None:
    values = per_clip(1, 0.3)
    put_row(tmp_path, "first", {"spider": shifted(values, 0.002)})
    put_row(tmp_path, "second", {"spider": values})
    assert systems(only_board(tmp_path).standings.best["spider"]) == ["first"]


def test_more_rows_make_bold_harder(tmp_path: Path) -> None:
    """p of 0.03 is significant against one row and not, after Holm, against six like it."""
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.1, 200)
    noise -= noise.mean()
    step = float(2.18 * noise.std(ddof=1) / 200**0.5)  # p about 0.03
    values = per_clip(1, 0.3)
    first = [round(value + step + float(one), 6) for value, one in zip(values, noise, strict=True)]
    put_row(tmp_path / "two", "first", {"spider": first})
    put_row(tmp_path / "two", "other-0", {"spider": values})
    assert systems(only_board(tmp_path / "two").standings.best["spider"]) == ["first"]
    put_row(tmp_path / "seven", "first", {"spider": first})
    for at in range(6):
        put_row(tmp_path / "seven", f"other-{at}", {"spider": values})
    assert only_board(tmp_path / "seven").standings.best == {}


def test_lower_is_better_where_the_metric_says_so(tmp_path: Path) -> None:
    falls = {"fer": {"higher_is_better": False}}
    put_row(tmp_path, "fluent", {"fer": per_clip(1, 0.1)}, entries=falls)
    put_row(tmp_path, "halting", {"fer": per_clip(2, 0.1 + FAR)}, entries=falls)
    board = only_board(tmp_path)
    assert systems(board.rows) == ["fluent", "halting"]
    assert systems(board.standings.best["fer"]) == ["fluent"]


def test_yes_or_no_figures_are_tested_exactly(tmp_path: Path) -> None:
    """Three clips of 200 that one alone gets right are no evidence (McNemar: p = 0.25)."""
    right = [1.0] * 200
    put_row(tmp_path, "all", {"aud": right})
    put_row(tmp_path, "nearly", {"aud": [0.0] * 3 + right[3:]})
    assert only_board(tmp_path).standings.best == {}


def test_a_missing_figure_is_no_rank(tmp_path: Path) -> None:
    put_row(tmp_path, "both", {"spider": per_clip(1, 0.3), "fense": per_clip(3, 0.5)})
    put_row(tmp_path, "one", {"spider": per_clip(2, 0.3)})
    standings = only_board(tmp_path).standings
    assert systems([*standings.ranks["fense"]]) == ["both"]
    assert standings.ranks["fense"][next(iter(standings.ranks["fense"]))].high == 1
    assert len(standings.ranks["spider"]) == 2


def test_nobody_is_ranked_by_a_model_of_his_own(tmp_path: Path) -> None:
    put_row(tmp_path, "judge", {"clap_s": per_clip(1, 0.9)}, self_scored=["clap_s"])
    put_row(tmp_path, "a", {"clap_s": per_clip(2, 0.5)})
    put_row(tmp_path, "b", {"clap_s": per_clip(3, 0.3)})
    board = only_board(tmp_path)
    assert systems([*board.standings.ranks["clap_s"]]) == ["a", "b"]
    assert systems(board.standings.best["clap_s"]) == ["a"]
    assert any("judge is judged by a model of its own" in note for note in board.standings.said())


def test_a_part_of_the_target_is_shown_and_not_ranked(tmp_path: Path) -> None:
    counts = {"official": 300, "captioned": 200}
    put_row(tmp_path, "part", {"spider": per_clip(1, 0.9)}, complete=False, coverage=counts)
    put_row(tmp_path, "whole", {"spider": per_clip(2, 0.3)})
    board = only_board(tmp_path)
    assert systems(board.rows) == ["whole", "part"]
    assert systems([*board.standings.ranks["spider"]]) == ["whole"]


def test_other_references_are_not_ranked_beside_these(tmp_path: Path) -> None:
    for at in range(2):
        put_row(tmp_path, f"same-{at}", {"spider": per_clip(at, 0.3)})
    put_row(tmp_path, "other", {"spider": per_clip(5, 0.9)}, references="o" * 64)
    found = assembling.assemble(read_results(tmp_path))
    assert systems([*found.boards[0].standings.ranks["spider"]]) == ["same-0", "same-1"]
    (other,) = [row for row in found.rows.values() if row.system == "other"]
    assert "other references" in str(other.unranked)


def test_another_version_of_a_metric_is_not_ranked_beside_this(tmp_path: Path) -> None:
    for at in range(2):
        put_row(tmp_path, f"new-{at}", {"spider": per_clip(at, 0.3)})
    put_row(tmp_path, "old", {"spider": per_clip(5, 0.9)}, entries={"spider": {"version": "0"}})
    standings = only_board(tmp_path).standings
    assert systems([*standings.ranks["spider"]]) == ["new-0", "new-1"]
    assert any("old has no rank: its judge is spider, version 0" in one for one in standings.said())


def test_equal_systems_share_a_rank_and_neither_is_bold(tmp_path: Path) -> None:
    values = per_clip(1, 0.3)
    for name in ("one", "two"):
        put_row(tmp_path, name, {"spider": values})
    put_row(tmp_path, "three", {"spider": shifted(values, -FAR)})
    standings = only_board(tmp_path).standings
    assert sorted(rank.rank for rank in standings.ranks["spider"].values()) == [1, 1, 3]
    assert standings.best == {}


def test_what_is_no_mean_of_clips_has_ranks_by_intervals_and_nothing_bold(tmp_path: Path) -> None:
    for at, (low, high) in enumerate([(0.5, 0.6), (0.45, 0.55), (0.1, 0.2)]):
        given = {"bleu_4": {"estimate": (low + high) / 2, "low": low, "high": high}}
        put_row(tmp_path, f"s-{at}", {"bleu_4": per_clip(at, 0.9)}, entries=given)
    standings = only_board(tmp_path).standings
    found = {name[:3]: (r.rank, r.low, r.high) for name, r in standings.ranks["bleu_4"].items()}
    assert found == {"s-0": (1, 1, 2), "s-1": (2, 1, 2), "s-2": (3, 3, 3)}
    assert standings.best == {}
    assert "no mean of clips" in standings.said()[0]


def test_what_has_no_better_side_has_no_ranks(tmp_path: Path) -> None:
    for at in range(2):
        neither = {"vocabulary": {"higher_is_better": None, "low": None, "high": None}}
        put_row(tmp_path, f"s-{at}", {"vocabulary": per_clip(at, 9.0)}, entries=neither)
    assert only_board(tmp_path).standings.ranks == {}


def test_clips_without_the_figure_count_for_nothing(tmp_path: Path) -> None:
    some: list[float | None] = [None, *per_clip(1, 0.9)[1:]]
    put_row(tmp_path, "some", {"spider": some})
    put_row(tmp_path, "all", {"spider": per_clip(2, 0.3)})
    assert systems(only_board(tmp_path).standings.best["spider"]) == ["some"]


# --- how far ranks may be trusted -----------------------------------------------------------------


def test_rank_intervals_hold_the_true_rank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five systems whose clips move together; 95 % intervals, 60 boards of 120 clips."""
    monkeypatch.setattr(clips, "RESAMPLES", 500)
    truth = [0.34, 0.32, 0.30, 0.28, 0.26]
    rng = np.random.default_rng(7)
    held = 0
    for board in range(60):
        hard = rng.normal(0, 0.15, 120)
        for at, mean in enumerate(truth):
            values = mean + hard + rng.normal(0, 0.15, 120)
            put_row(tmp_path / f"{board}", f"s-{at}", {"spider": [float(v) for v in values]})
        ranks = only_board(tmp_path / f"{board}").standings.ranks["spider"]
        held += sum(rank.low <= 1 + int(name[2]) <= rank.high for name, rank in ranks.items())
    assert held / 300 >= 0.92


def test_bold_is_rarely_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three equal systems: one of them is bold on at most one board of 20, by chance a few more."""
    monkeypatch.setattr(clips, "RESAMPLES", 1000)
    rng = np.random.default_rng(11)
    bold = 0
    for board in range(60):
        for at in range(3):
            values = [float(one) for one in rng.normal(0.3, 0.2, 100)]
            put_row(tmp_path / f"{board}", f"s-{at}", {"spider": values})
        bold += bool(only_board(tmp_path / f"{board}").standings.best)
    assert bold <= 6


def test_sums_do_not_depend_on_the_order_of_clips(tmp_path: Path) -> None:
    values = {"a": per_clip(1, 0.31), "b": per_clip(2, 0.3)}
    for name, drawn in values.items():
        put_row(tmp_path / "as-is", name, {"spider": drawn})
    together = Together(read_results(tmp_path / "as-is"), ["spider"])
    again = Together(read_results(tmp_path / "as-is")[::-1], ["spider"])
    assert np.array_equal(together.samples("spider"), again.samples("spider")[::-1])
    scaled = together.samples("spider") * 1e6 * together.clips
    assert np.abs(scaled - np.rint(scaled)).max() < 1e-3


def test_ranks_are_the_same_whatever_the_threads_and_the_hash_seed(tmp_path: Path) -> None:
    for at in range(3):
        put_row(tmp_path, f"s-{at}", {"spider": per_clip(at, 0.3), "fense": per_clip(9 + at, 0.5)})
    program = (
        "import sys, json; from pathlib import Path\n"
        "from aacbench.leaderboard.building import read\n"
        "print(json.dumps(read(Path(sys.argv[1])).as_json()))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for seed, threads in (("1", "1"), ("2", "2"))
    }
    assert len(outputs) == 1

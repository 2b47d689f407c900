"""Rows: what results and papers' tables become on boards."""

from __future__ import annotations

from pathlib import Path

import pytest
from board_rows import REPOSITORY, per_clip, publish, put_row

from aacbench.errors import BadData
from aacbench.leaderboard import cited, measured
from aacbench.leaderboard.papers import read_published
from aacbench.leaderboard.results import read_results

VALUES = {"spider": per_clip(1, 0.3)}


@pytest.fixture(scope="module")
def printed() -> list[cited.Row]:
    return cited.rows_of(read_published(REPOSITORY / "leaderboard" / "published"))


def row_of(board: Path) -> measured.Row:
    (row,) = measured.rows_of(read_results(board))
    return row


def test_a_measured_row_leads_to_its_captions_and_to_the_command_that_made_it(
    tmp_path: Path,
) -> None:
    place = put_row(tmp_path, "nac:mini@events+guide", VALUES, guides=["guide"])
    row = row_of(tmp_path)
    assert row.id == f"nac-mini-events-guide.soundbox-events.test.{place.name[:8]}"
    assert (tmp_path / row.provenance["captions"]).is_file()
    assert row.provenance["command"] == (
        "aacbench run --captioner nac:mini@events+guide --target soundbox-events@test"
    )
    assert row.provenance["commit"] == "0" * 40


def test_a_command_with_a_strangers_name_in_it_stays_one_command(tmp_path: Path) -> None:
    put_row(tmp_path, "mine; rm -rf ~", VALUES)
    assert "--captioner 'mine; rm -rf ~'" in row_of(tmp_path).provenance["command"]


def test_figures_without_captions_link_to_none(tmp_path: Path) -> None:
    put_row(tmp_path, "baseline", VALUES, measured=False)
    row = row_of(tmp_path)
    assert (row.kind, row.provenance["captions"]) == ("re-scored", None)


def test_a_part_of_a_target_has_no_rank_and_says_how_much_it_is(tmp_path: Path) -> None:
    counts = {"official": 2858, "captioned": 2839}
    put_row(tmp_path, "partial", VALUES, complete=False, coverage=counts)
    assert "2,839 of 2,858 clips" in str(row_of(tmp_path).unranked)


def test_what_nobody_knows_of_training_stays_unknown(tmp_path: Path) -> None:
    put_row(tmp_path, "secretive", VALUES, learnt=None)
    assert row_of(tmp_path).trained_on is None


@pytest.mark.parametrize("valid", [True, False])
def test_an_invalid_profile_gives_no_latency_of_its_own(tmp_path: Path, valid: bool) -> None:
    profile = {
        "valid": valid,
        "reasons": [] if valid else ["another process was busy"],
        "latency": {"p50_ms": 51.25, "p95_ms": None},
        "machine": {"processor": "a processor", "cores": 2},
        "parameters": {"total": 1_410_000},
    }
    put_row(tmp_path, "timed", VALUES, profile=profile)
    row = row_of(tmp_path)
    assert row.latency is not None
    assert (row.latency.p50_ms, row.latency.source) == (
        (51.25, "profile") if valid else (100, "run")
    )
    assert ("another process was busy" in str(row.latency.reason)) is not valid
    assert row.parameters == 1_410_000


def test_a_run_without_a_profile_says_that_its_time_is_the_runs(tmp_path: Path) -> None:
    put_row(tmp_path, "plain", VALUES)
    latency = row_of(tmp_path).latency
    assert latency is not None
    assert (latency.p50_ms, latency.source, latency.valid) == (100.0, "run", None)


def test_a_result_that_lacks_what_a_row_needs_is_named(tmp_path: Path) -> None:
    place = put_row(tmp_path, "broken", VALUES, entries={"spider": {"estimate": "high"}})
    with pytest.raises(BadData, match=place.name):
        measured.rows_of(read_results(tmp_path))


def test_two_rows_never_share_an_id(tmp_path: Path) -> None:
    put_row(tmp_path, "a b", VALUES, measured=False)
    put_row(tmp_path, "A=B", VALUES, measured=False)
    rows = measured.rows_of(read_results(tmp_path))
    assert len({row.id for row in rows}) == 2


# --- papers' tables -------------------------------------------------------------------------------


def test_every_printed_figure_with_a_target_is_on_a_row_of_that_target(
    printed: list[cited.Row],
) -> None:
    published = read_published(REPOSITORY / "leaderboard" / "published")
    due = {
        (row.id, table.target_of(row, column), column.id, row.cells[column.key].printed)
        for table in published.tables
        for row in table.rows
        for column in table.columns
        if row.cells[column.key].value is not None and table.target_of(row, column)
    }
    found = {
        (row.origin, row.target, name, value.printed)
        for row in printed
        for name, value in row.figures.items()
    }
    assert due == found & due
    assert len({row.id for row in printed}) == len(printed)


def test_published_rows_have_neither_interval_nor_rank(printed: list[cited.Row]) -> None:
    assert printed
    assert all(row.unranked for row in printed)
    assert not any(value.interval for row in printed for value in row.figures.values())


def test_printed_percent_stands_as_a_fraction_with_as_many_digits(
    printed: list[cited.Row],
) -> None:
    values = [value for row in printed for value in row.figures.values()]
    percent = [one for one in values if one.scale == "percent" and one.note is None]
    assert percent
    for value in percent:
        digits = len(str(value.printed).partition(".")[2])
        assert value.decimals == digits + 2, value
        assert float(value.shown) == pytest.approx(float(str(value.printed)) / 100)


def test_conditions_of_one_printed_row_are_rows_of_their_own(printed: list[cited.Row]) -> None:
    sizes = [row for row in printed if row.origin == "p2p.7.1"]
    assert [row.figures["spider"].printed for row in sizes] == ["0.497", "0.492", "0.502"]
    assert len({row.system for row in sizes}) == 3


def test_a_cost_that_a_paper_prints_stands_beside_quality(printed: list[cited.Row]) -> None:
    sizes = {row.system: row.parameters for row in printed if row.origin.startswith("p2p.1.")}
    assert sizes["PreCNN-Transformer"] == 8_900_000


def test_copied_tables_give_the_same_rows(tmp_path: Path, printed: list[cited.Row]) -> None:
    publish(tmp_path)
    assert cited.rows_of(read_published(tmp_path / "published")) == printed

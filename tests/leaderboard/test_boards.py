"""Boards, matrices, pairs and slopes: like stands with like, and nothing else does."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from board_rows import REPOSITORY, per_clip, put_row

from aacbench.errors import UnknownName
from aacbench.leaderboard.assembling import Leaderboard, assemble
from aacbench.leaderboard.papers import read_published
from aacbench.leaderboard.results import read_results

EVENTS, SCENES = "soundbox-events@test", "soundbox-scenes@test"


def assembled(folder: Path) -> Leaderboard:
    return assemble(read_results(folder))


def two_by_two(folder: Path, gain: float = 0.05) -> Leaderboard:
    """Two sources, two targets, each with and without a guide that lifts every clip by `gain`."""
    for number, source in enumerate(("events", "scenes")):
        for target in (EVENTS, SCENES):
            home = target.startswith(f"soundbox-{source}@")
            plain = per_clip(number, 0.4 if home else 0.3)
            domain, learnt = "in" if home else "out", [f"soundbox-{source}/train"]
            shared = {"target": target, "domain": domain, "learnt": learnt}
            name = f"nac@{source}"
            put_row(folder, name, {"fense": plain, "bleu_4": plain}, **shared)
            lifted = [value + gain for value in plain]
            put_row(
                folder,
                f"{name}+guide",
                {"fense": lifted, "bleu_4": lifted},
                guides=["guide"],
                base=name,
                **shared,
            )
    return assembled(folder)


def test_domains_are_never_in_one_table(tmp_path: Path) -> None:
    for domain in ("in", "out", "unknown"):
        put_row(tmp_path, f"of-{domain}", {"spider": per_clip(1, 0.3)}, domain=domain)
    found = assembled(tmp_path)
    assert [board.domain for board in found.boards] == ["in", "out", "unknown"]
    for board in found.boards:
        assert {row.caption_domain for row in found.rows_of(board)} == {board.domain}


def test_every_real_row_is_on_one_board_of_its_target_split_domain_and_kind() -> None:
    found = assemble([], read_published(REPOSITORY / "leaderboard" / "published"))
    assert sorted(name for board in found.boards for name in board.rows) == sorted(found.rows)
    for board in found.boards:
        for row in found.rows_of(board):
            place = (row.target, row.split, row.caption_domain, row.retrieval)
            assert place == (board.target, board.split, board.domain, board.kind == "retrieval")
    kinds = {board.target: board.kind for board in found.boards if board.kind != "retrieval"}
    assert (kinds["clotho"], kinds["musiccaps"], kinds["coco"]) == ("sound", "music", "image")


def test_boards_of_one_kind_follow_each_other() -> None:
    found = assemble([], read_published(REPOSITORY / "leaderboard" / "published"))
    kinds = [board.kind for board in found.boards]
    assert list(dict.fromkeys(kinds)) == sorted(set(kinds), key=kinds.index)
    assert len({board.id for board in found.boards}) == len(found.boards)


def test_an_official_figure_and_a_small_one_are_two_columns(tmp_path: Path) -> None:
    put_row(tmp_path, "one", {"fense": per_clip(1, 0.3), "fense:mini": per_clip(2, 0.4)})
    (board,) = assembled(tmp_path).boards
    assert board.columns == ("fense", "fense:mini")


def test_columns_are_the_main_figures_and_the_rest_is_on_demand(tmp_path: Path) -> None:
    names = ("bleu_1", "aud:mini", "event_f1", "spider_fl", "clap_s:tags-e5", "fense", "spider")
    put_row(tmp_path, "one", {name: per_clip(1, 0.3) for name in names})
    (board,) = assembled(tmp_path).boards
    assert board.columns == ("spider", "fense", "clap_s:tags-e5", "aud:mini", "event_f1")
    assert set(board.more) == {"bleu_1", "spider_fl"}


def test_retrieval_stands_apart_from_captions_of_the_same_target(tmp_path: Path) -> None:
    put_row(tmp_path, "captions", {"spider": per_clip(1, 0.3)})
    put_row(tmp_path, "finds", {"r_at_1": per_clip(1, 0.3)})
    assert [board.kind for board in assembled(tmp_path).boards] == ["sound", "retrieval"]


def test_papers_rows_stand_in_the_same_table_after_the_ranked_ones(tmp_path: Path) -> None:
    put_row(
        tmp_path,
        "ours",
        {"spider": per_clip(1, 0.1)},
        target="clotho@evaluation",
        learnt=["clotho/development"],
    )
    published = read_published(REPOSITORY / "leaderboard" / "published")
    board = assemble(read_results(tmp_path), published).board("clotho.evaluation.in")
    assert board.rows[0].startswith("ours.")
    assert len(board.rows) > 10
    assert [*board.standings.ranks["spider"]] == [board.rows[0]]


def test_a_board_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    put_row(tmp_path, "one", {"spider": per_clip(1, 0.3)})
    with pytest.raises(UnknownName, match=r"soundbox-events\.test\.in"):
        assembled(tmp_path).board("soundbox-event.test.in")


# --- matrix, pairs, slopes ------------------------------------------------------------------------


def test_in_domain_cells_are_on_the_diagonal(tmp_path: Path) -> None:
    put_row(tmp_path, "a", {"fense": per_clip(1, 0.3)}, learnt=["aardvark/train"], target=EVENTS)
    (matrix,) = two_by_two(tmp_path).matrices
    inside = [cell for cell in matrix["cells"] if cell["train"] != "aardvark"]
    for cell in inside:
        on_diagonal = matrix["train"].index(cell["train"]) == matrix["targets"].index(
            cell["target"]
        )
        assert on_diagonal is (cell["domain"] == "in")
    assert len(inside) == 4


def test_a_cell_of_the_matrix_is_the_best_that_is_ranked(tmp_path: Path) -> None:
    found = two_by_two(tmp_path)
    (cell,) = [
        c
        for c in found.matrices[0]["cells"]
        if (c["train"], c["target"]) == ("soundbox-events", EVENTS)
    ]
    assert found.rows[cell["row"]].system == "nac@events+guide"
    assert cell["others"] == 1


def test_the_matrix_leaves_out_parts_and_self_scored_figures(tmp_path: Path) -> None:
    high = {"fense": per_clip(1, 0.9)}
    put_row(tmp_path, "part", high, complete=False, learnt=["x/train"])
    put_row(tmp_path, "judge", high, self_scored=["fense"], learnt=["y/train"])
    put_row(tmp_path, "fair", {"fense": per_clip(1, 0.2)}, learnt=["z/train"])
    assert assembled(tmp_path).matrices[0]["train"] == ["z"]


def test_a_guides_gain_is_measured_clip_by_clip(tmp_path: Path) -> None:
    found = two_by_two(tmp_path, gain=0.05)
    assert len(found.pairs) == 4
    for pair in found.pairs:
        gain = pair["figures"]["fense"]
        assert gain["difference"] == pytest.approx(0.05)
        assert gain["low"] > 0.049
        assert gain["p"] < 0.001
        assert gain["p"] <= gain["adjusted"]
        assert found.rows[pair["with"]].system == found.rows[pair["without"]].system + "+guide"
        assert found.rows[pair["with"]].target == found.rows[pair["without"]].target


def test_a_gain_that_no_clip_can_show_has_bounds_and_no_p(tmp_path: Path) -> None:
    for name, guides, estimate in (("nac", [], 0.30), ("nac+guide", ["guide"], 0.34)):
        given = {"bleu_4": {"estimate": estimate, "low": estimate - 0.03, "high": estimate + 0.04}}
        values = {"bleu_4": per_clip(1, 0.9)}
        put_row(tmp_path, name, values, guides=guides, base="nac", entries=given)
    gain = assembled(tmp_path).pairs[0]["figures"]["bleu_4"]
    assert (gain["difference"], gain["p"], gain["adjusted"]) == (pytest.approx(0.04), None, None)
    assert gain["low"] == pytest.approx(0.04 - 0.05)
    assert gain["high"] == pytest.approx(0.04 + 0.05)


def test_another_setting_beside_the_guide_makes_no_pair(tmp_path: Path) -> None:
    values = {"fense": per_clip(1, 0.3)}
    put_row(tmp_path, "nac(beams=1)", values)
    put_row(tmp_path, "nac+guide", values, guides=["guide"], base="nac")
    assert assembled(tmp_path).pairs == ()


def test_a_guide_that_narrows_the_search_is_held_against_a_search_as_narrow(
    tmp_path: Path,
) -> None:
    """A guide keeps one hypothesis where its captioner alone keeps five: part of the difference to
    that one is the search's."""
    values = {"fense": per_clip(1, 0.3)}
    own, one = {"options": {"beams": None}}, {"options": {"beams": 1}}
    put_row(tmp_path, "nac", values, base="nac", settings=own)
    put_row(tmp_path, "nac(beams=1)", values, base="nac", settings=one)
    put_row(tmp_path, "nac+guide", values, guides=["guide"], base="nac", settings=own, beams=1)
    found = assembled(tmp_path)
    pairs = [(found.rows[pair["without"]].system, pair["same_search"]) for pair in found.pairs]
    assert pairs == [("nac(beams=1)", True), ("nac", False)]


def test_slopes_go_from_home_to_abroad_for_one_captioner(tmp_path: Path) -> None:
    found = two_by_two(tmp_path)
    assert len(found.slopes) == 4
    for slope in found.slopes:
        home, abroad = found.rows[slope["in"]], found.rows[slope["out"]]
        assert home.system == abroad.system == slope["system"]
        assert (home.caption_domain, abroad.caption_domain) == ("in", "out")
        assert home.target != abroad.target


def test_published_slopes_stay_within_one_table_and_one_training() -> None:
    found = assemble([], read_published(REPOSITORY / "leaderboard" / "published"))
    for slope in found.slopes:
        home, abroad = found.rows[slope["in"]], found.rows[slope["out"]]
        assert home.provenance["table"] == abroad.provenance["table"]
        assert home.trained_on == abroad.trained_on


def test_no_two_rows_are_ranked_across_boards(tmp_path: Path) -> None:
    found = two_by_two(tmp_path)
    for one, other in combinations(found.boards, 2):
        ranked = [
            {name for ranks in board.standings.ranks.values() for name in ranks}
            for board in (one, other)
        ]
        assert not ranked[0] & ranked[1]

"""Text against tables: false claims are found with both sides' numbers, true ones left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from printed_papers import claim, found, read, table, write

from aacbench.errors import BadData, UnknownName
from aacbench.leaderboard.audit import audit
from aacbench.leaderboard.papers import read_published

OURS: dict[str, Any] = {"ours": True}
ROWS = {
    "1": table(
        "cider_d spice fense",
        ["A", "0.40 0.11 0.50"],
        ["B", "0.43 0.10 0.52"],
        ["Ours", "0.42 0.12 0.52", OURS],
        ["People", "0.90 0.20 0.60", {"reference": True}],
    )
}
SHOTS = {
    "1": table(
        "all zero few",
        ["S", "0.20 0.21 0.25", {"options": {"k": 1}}],
        ["S", "0.30 0.22 0.22", {"options": {"k": 4}}],
        ["S", "0.29 0.23 0.21", {"options": {"k": 16}}],
    )
}
for _column in SHOTS["1"]["columns"]:
    _column |= {"id": "spider", "key": _column["id"], "condition": {"shots": _column["id"]}}


def _sentence(folder: Path, tables: dict[str, Any], kind: str, **keys: Any) -> str | None:
    """What is said of one claim, with its severity; None where it holds."""
    published = read(folder, tables, [claim(kind, **keys)])
    findings = found(published, f"claim-{kind.replace('_', '-')}")
    assert len(findings) < 2
    return f"{findings[0].severity}: {findings[0].sentence}" if findings else None


@pytest.mark.parametrize(
    ("kind", "keys", "words"),
    [
        ("best", {"columns": ["cider_d"]}, "CIDEr 0.42 of Ours against 0.43 of B"),
        ("best_all", {"columns": ["cider_d", "spice"]}, "against 0.43 of B (1 of 2 columns hold)"),
        ("second_best", {"columns": ["spice"]}, "SPICE 0.12 of Ours is behind none"),
        ("not_best", {"columns": ["spice"]}, "none is better than SPICE 0.12 of Ours"),
        ("order", {"over": "B", "columns": ["cider_d"]}, "CIDEr 0.42 of Ours against 0.43 of B"),
        ("order", {"over": "B", "columns": ["fense"]}, "doubt: Section 1: So it is. In the table:"),
        ("fewer", {"over": "A", "columns": ["spice"]}, "1 of 1 others have less: 0.11 of A"),
        (
            "relative_improvement",
            {"over": "A", "columns": ["fense"], "value": 6.5},
            "4.02 %, not 6.5 % (rounding allows",
        ),
        (
            "absolute_improvement",
            {"over": "A", "columns": ["cider_d"], "value": 0.04},
            "a difference of 0.02, not 0.04",
        ),
        (
            "ratio",
            {"over": "B", "columns": ["cider_d"], "value": 80},
            "a share of 97.7 %, not 80 %",
        ),
        ("unchanged", {"over": "A", "columns": ["spice"]}, "against 0.11 of A, 9.1 %"),
        ("value", {"columns": ["cider_d"], "value": 0.43}, "The text's figure is that of B."),
        ("comparable", {"over": "People", "columns": ["cider_d"]}, "remark: "),
    ],
)
def test_a_false_claim_is_found_with_both_numbers(
    tmp_path: Path, kind: str, keys: dict[str, Any], words: str
) -> None:
    assert words in str(_sentence(tmp_path, ROWS, kind, system=OURS, **keys))


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("best", {"columns": ["spice"], "among": {"ours": False, "reference": False}}),
        ("best", {"columns": ["cider_d"], "among": "A"}),
        ("best_all", {"columns": ["spice", "cider_d"], "among": {"system": "A"}}),
        ("most_best", {"columns": ["cider_d", "spice", "fense"]}),
        ("second_best", {"columns": ["cider_d"]}),
        ("not_best", {"columns": ["cider_d"]}),
        ("order", {"over": {"not": {"system": ["B", "People"]}}}),
        ("order", {"over": "B", "columns": ["fense"], "strict": False}),
        ("relative_improvement", {"over": "A", "columns": ["fense"], "value": 4}),
        ("relative_improvement", {"over": "A", "columns": ["fense"], "value": "5.9"}),
        ("absolute_improvement", {"over": "A", "columns": ["cider_d"], "value": 0.02}),
        ("ratio", {"over": "B", "columns": ["cider_d"], "value": 97, "tolerance": 1}),
        ("unchanged", {"over": "B", "columns": ["fense"]}),
        ("unchanged", {"over": "A", "columns": ["spice"], "tolerance": 10}),
        ("value", {"columns": ["cider_d"], "value": 0.42}),
        ("value", {"columns": ["cider_d"], "value": 0.4}),
        ("comparable", {"over": "B"}),
    ],
)
def test_a_true_claim_is_left_alone(tmp_path: Path, kind: str, keys: dict[str, Any]) -> None:
    assert _sentence(tmp_path, ROWS, kind, system=OURS, **keys) is None


def test_a_best_that_is_shared_is_said_to_be_a_tie(tmp_path: Path) -> None:
    said = _sentence(
        tmp_path, ROWS, "best", system=OURS, columns=["fense"], among={"reference": False}
    )
    assert str(said).startswith("remark: ")
    assert "only by a tie: FENSE 0.52 of Ours, and of B." in str(said)


def test_people_refute_no_claim_and_are_named(tmp_path: Path) -> None:
    said = str(_sentence(tmp_path, ROWS, "best", system=OURS, columns=["spice"]))
    assert said.startswith("remark: ")
    assert "SPICE 0.12 of Ours against 0.20 of People" in said


def test_most_best_needs_more_than_half(tmp_path: Path) -> None:
    said = _sentence(tmp_path, ROWS, "most_best", system="A", columns=["cider_d", "spice"])
    assert "best in 0 of 2 columns" in str(said)


def test_a_claim_of_each_target_is_held_against_each(tmp_path: Path) -> None:
    content = table(
        "spice",
        *[["A", figure, {"target": target}] for figure, target in (("0.1", "x"), ("0.3", "y"))],
        *[
            ["Ours", figure, {"target": target, **OURS}]
            for figure, target in (("0.2", "x"), ("0.2", "y"))
        ],
    )
    said = str(_sentence(tmp_path, {"1": content}, "best", system=OURS, columns=["spice"]))
    assert "In table 1 on y: SPICE 0.2 of Ours against 0.3 of A." in said


def test_better_in_another_table_of_the_paper_refutes_the_best_of_all(tmp_path: Path) -> None:
    tables = {
        "1": table("spider", ["Ours", "0.507", OURS]),
        "2": table("spider", ["Ours", "0.510", {**OURS, "options": {"shots": 9}}]),
    }
    keys = {"system": OURS, "columns": ["spider"], "among_tables": ["1", "2"]}
    assert "0.507 of Ours against 0.510 of Ours" in str(_sentence(tmp_path, tables, "best", **keys))


@pytest.mark.parametrize(
    ("kind", "keys", "words"),
    [
        (
            "peak_at",
            {"at": {"k": 16}, "columns": ["all"]},
            "all of S (k 16) against 0.30 of S (k 4)",
        ),
        ("peak_at", {"at": "zero", "columns": ["zero", "few"]}, "but 0.25 at shots few"),
        ("monotone", {"along": "k", "columns": ["few"]}, "0.25 at shots few of S (k 1), then 0.22"),
        ("monotone", {"columns": ["zero", "few"]}, "0.23 at shots zero, then 0.21 at shots few"),
        ("order", {"columns": ["few"], "over_columns": ["zero"]}, "(1 of 3 comparisons hold)"),
        ("unchanged", {"columns": ["few"], "over_columns": ["zero"]}, "(k 1) has SPIDEr 0.25"),
    ],
)
def test_a_false_claim_about_a_sweep_is_found(
    tmp_path: Path, kind: str, keys: dict[str, Any], words: str
) -> None:
    assert words in str(_findings(tmp_path, kind, keys))


def _findings(folder: Path, kind: str, keys: dict[str, Any]) -> list[str]:
    published = read(folder, SHOTS, [claim(kind, system={"system": "S"}, **keys)])
    return [one.sentence for one in found(published, f"claim-{kind.replace('_', '-')}")]


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("peak_at", {"at": {"k": 4}, "columns": ["all"]}),
        ("monotone", {"along": "k", "columns": ["few"], "direction": "down"}),
        ("monotone", {"along": "rows", "columns": ["zero"], "strict": True}),
    ],
)
def test_a_true_claim_about_a_sweep_is_left_alone(
    tmp_path: Path, kind: str, keys: dict[str, Any]
) -> None:
    assert _findings(tmp_path, kind, keys) == []


def test_one_run_with_two_figures_in_two_tables_is_found(tmp_path: Path) -> None:
    tables = {"1": table("spider", ["Ours", "0.268"]), "2": table("spider", ["Plain", "0.262"])}
    other = {"table": "2", "system": "Plain", "columns": ["spider"]}
    said = _sentence(tmp_path, tables, "same", system="Ours", columns=["spider"], other=other)
    assert "one table 1 prints SPIDEr 0.268 for Ours" in str(said)
    assert "one table 2 0.262 for Plain" in str(said)


def test_our_own_reading_of_a_text_gives_doubts_at_most(tmp_path: Path) -> None:
    keys = {"system": OURS, "columns": ["cider_d"]}
    assert str(_sentence(tmp_path / "a", ROWS, "best", **keys)).startswith("contradiction")
    keys["note"] = "our reading"
    assert str(_sentence(tmp_path / "b", ROWS, "best", **keys)).startswith("doubt")


@pytest.mark.parametrize(
    ("of", "value", "tolerance", "holds"),
    [
        ({"ratio": [4400, 700]}, 6, 0.5, True),
        ({"ratio": [445000, 31000]}, 6, 0.5, False),
        ({"sum": [290000, 1900000]}, 2200000, 50000, True),
        ({"sum": [2, 3]}, 6, 0.5, False),
    ],
)
def test_sums_and_ratios_in_the_text_are_recomputed(
    tmp_path: Path, of: dict[str, Any], value: float, tolerance: float, holds: bool
) -> None:
    said = _sentence(tmp_path, ROWS, "count", of=of, value=value, tolerance=tolerance)
    assert (said is None) == holds


def test_a_data_set_with_two_sizes_in_two_papers_is_doubted(tmp_path: Path) -> None:
    stated = {"dataset": "clotho", "what": "captions", "tolerance": 500}
    for paper, value in (("one", 19000), ("two", 29645), ("three", 29645)):
        claims = [claim("count", value=value, **stated)]
        write(tmp_path, {"1": table("spice", ["S", "0.1"])}, claims, paper)
    findings = found(read_published(tmp_path), "claim-sizes-agree")
    assert len(findings) == 2
    assert all("29,645 captions of clotho against 19,000" in one.sentence for one in findings)


def test_a_wrong_table_number_in_the_text_is_found(tmp_path: Path) -> None:
    tables = {
        "1": table("spice", ["S", "0.1"]),
        "2": table("spice", ["S", "0.1"], target="auto-acd"),
    }
    said = _sentence(tmp_path, tables, "measured_on", target="auto-acd")
    assert "Table 1 is on clotho; table 2 is on auto-acd." in str(said)


def test_a_selector_that_chooses_nothing_is_refused(tmp_path: Path) -> None:
    published = read(tmp_path, ROWS, [claim("best", system="Our", columns=["spice"])])
    with pytest.raises(BadData, match="claim 1") as caught:
        audit(published)
    assert "Ours" in caught.value.hint


def test_a_selector_by_an_unknown_field_is_refused(tmp_path: Path) -> None:
    published = read(tmp_path, ROWS, [claim("best", system={"sytem": "Ours"})])
    with pytest.raises(BadData, match="not chosen by 'sytem'"):
        audit(published)


def test_an_unknown_rule_or_paper_is_refused(tmp_path: Path) -> None:
    published = read(tmp_path, ROWS)
    with pytest.raises(UnknownName, match="spider-is-mean"):
        audit(published, rules=["spider-is-mean"])
    with pytest.raises(UnknownName, match="'two'"):
        audit(published, papers=["two"])

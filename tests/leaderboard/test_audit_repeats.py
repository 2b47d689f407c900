"""What is printed twice, marked or flagged wrongly is found; what differs by right is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from printed_papers import found, read, table, write

from aacbench.leaderboard.papers import Published, read_published

ONE_FIGURE = "one-system-one-figure"


def _two_papers(
    folder: Path, first: dict[str, Any], second: dict[str, Any], same_paper: bool = False
) -> Published:
    if same_paper:
        return read(folder, {"1": first, "2": second})
    write(folder, {"1": first}, paper="one")
    return read_published(write(folder, {"1": second}, paper="two"))


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("AudioPrefix", "Audio-prefix (Kim et al. 2023)"),
        ("ACT", "ACT [12]†"),
        ("Pre CNN", "pre-cnn*"),
    ],
)
def test_one_system_with_two_figures_in_two_papers_is_found(
    tmp_path: Path, here: str, there: str
) -> None:
    published = _two_papers(
        tmp_path, table("spice", [here, "0.183"]), table("spice", [there, "0.179"])
    )
    (finding,) = found(published, ONE_FIGURE)
    assert "SPICE 0.183 and 0.179" in finding.sentence
    assert (finding.severity, finding.rows) == ("doubt", ("one.1.1", "two.1.1"))


def test_another_name_given_in_the_data_is_the_same_system(tmp_path: Path) -> None:
    named = ["Kim et al.", "0.183", {"known_as": "AAC-prefix"}]
    published = _two_papers(
        tmp_path, table("spice", named), table("spice", ["AAC prefix", "0.200"])
    )
    assert len(found(published, ONE_FIGURE)) == 1


def test_one_paper_that_contradicts_itself_is_a_contradiction(tmp_path: Path) -> None:
    first, second = table("spice", ["Ours", "0.183"]), table("spice", ["Ours (ours)", "0.150"])
    (finding,) = found(_two_papers(tmp_path, first, second, same_paper=True), ONE_FIGURE)
    assert finding.severity == "contradiction"


def test_parameters_of_one_system_differ_whatever_the_target(tmp_path: Path) -> None:
    first = table("parameters spice", ["S", "7M 0.187"])
    second = table("parameters spice", ["S", "116M 0.116"], target="audiocaps")
    (finding,) = found(_two_papers(tmp_path, first, second, same_paper=True), ONE_FIGURE)
    assert "PARAMETERS 7M and 116M" in finding.sentence


@pytest.mark.parametrize(
    "other",
    [
        table("spice", ["S", "0.18"]),
        table("spice", ["S", "18.3"], scale="percent"),
        table("spice", ["S", "0.250"], target="audiocaps"),
        table("spice", ["S", "0.250"], split="validation"),
        table("spice", ["S", "0.250", {"options": {"shots": 4}}]),
        table("spice", ["S", "0.250", {"trained_on": ["audiocaps"]}]),
        table("spice", ["S", "0.250", {"domain": "out"}]),
        table("spice", ["S-large", "0.250"]),
    ],
    ids=["rounded", "percent", "target", "split", "options", "trained", "domain", "name"],
)
def test_what_agrees_or_is_another_measurement_is_left_alone(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    first = table("spice", ["S", "0.183", {"trained_on": ["clotho"], "domain": "in"}], split="test")
    assert found(_two_papers(tmp_path, first, other), ONE_FIGURE) == []


def test_ours_of_two_papers_are_two_systems(tmp_path: Path) -> None:
    published = _two_papers(
        tmp_path, table("spice", ["Ours", "0.183"]), table("spice", ["Ours", "0.150"])
    )
    assert found(published, ONE_FIGURE) == []


def test_two_systems_with_all_figures_the_same_are_doubted(tmp_path: Path) -> None:
    columns = "bleu_1 meteor cider_d spice"
    content = table(columns, ["A", "0.5 0.2 0.4 0.1"], ["B", "0.5 0.2 0.4 0.1"])
    (finding,) = found(read(tmp_path, {"1": content}), "no-row-twice")
    assert finding.sentence.startswith("A and B print the same 4 figures")


@pytest.mark.parametrize("figures", ["0.5 0.2 0.4 0.2", "0.5 0.2 0.4 -"])
def test_two_systems_with_some_figures_the_same_are_left_alone(
    tmp_path: Path, figures: str
) -> None:
    columns = "bleu_1 meteor cider_d spice"
    content = table(columns, ["A", "0.5 0.2 0.4 0.1"], ["B", figures])
    assert found(read(tmp_path, {"1": content}), "no-row-twice") == []


def _columns(names: str, last: str) -> dict[str, Any]:
    return {"1": table(names, ["A", "0.21 0.21"], ["B", "0.22 0.22"], ["C", last])}


def test_two_unlike_columns_with_the_same_figures_are_doubted(tmp_path: Path) -> None:
    published = read(tmp_path, _columns("meteor spice", "0.23 0.23"))
    (finding,) = found(published, "no-column-twice")
    assert "METEOR and SPICE print the same figures in 3 of 3 rows" in finding.sentence


@pytest.mark.parametrize(
    ("names", "last"), [("meteor spice", "0.23 0.24"), ("spider spider_fl", "0.23 0.23")]
)
def test_columns_that_may_agree_or_do_so_by_chance_are_left_alone(
    tmp_path: Path, names: str, last: str
) -> None:
    assert found(read(tmp_path, _columns(names, last)), "no-column-twice") == []


@pytest.mark.parametrize(
    ("domain", "trained", "severity"),
    [
        ("out", ["clotho"], "contradiction"),
        ("out", ["audiocaps", "clotho@development"], "contradiction"),
        ("in", ["audiocaps"], "doubt"),
        ("in", [], "doubt"),
        ("in", ["clotho"], None),
        ("out", ["audiocaps"], None),
        ("unknown", ["clotho"], None),
        ("in", None, None),
    ],
)
def test_a_domain_that_contradicts_training_is_found(
    tmp_path: Path, domain: str, trained: list[str] | None, severity: str | None
) -> None:
    keys = {"domain": domain} | ({} if trained is None else {"trained_on": trained})
    published = read(tmp_path, {"1": table("spice", ["S", "0.1", keys])})
    findings = found(published, "domain-fits-training")
    assert [finding.severity for finding in findings] == ([severity] if severity else [])


def test_training_on_what_a_target_is_made_of_is_in_domain(tmp_path: Path) -> None:
    keys = {"domain": "in", "trained_on": ["clotho"]}
    content = table("spice", ["S", "0.1", keys], target="clotho-humorous")
    assert found(read(tmp_path, {"1": content}), "domain-fits-training") == []


def test_bold_that_is_not_the_best_is_found(tmp_path: Path) -> None:
    content = table("spice", ["A", "0.12*"], ["B", "0.13"])
    (finding,) = found(read(tmp_path, {"1": content}), "emphasis")
    assert finding.sentence == "SPICE 0.12 of A is bold as the best, but 0.13 of B is better."


def test_a_tie_that_is_not_marked_is_a_remark(tmp_path: Path) -> None:
    content = table("spice", ["A", "0.13*"], ["B", "0.13"], ["C", "0.12_"], ["D", "0.12"])
    findings = found(read(tmp_path, {"1": content}), "emphasis")
    assert [finding.severity for finding in findings] == ["remark", "remark"]
    assert "B has the same figure without the mark" in findings[0].sentence


def test_marks_that_fit_their_column_or_group_are_left_alone(tmp_path: Path) -> None:
    content = table(
        "spice",
        ["People", "0.30", {"reference": True, "group": "one"}],
        ["A", "0.12*", {"group": "one"}],
        ["B", "0.11_", {"group": "one"}],
        ["C", "0.14*", {"group": "two"}],
        ["D", "0.13_", {"group": "two"}],
        ["E", "0.13_", {"group": "two"}],
    )
    assert found(read(tmp_path, {"1": content}), "emphasis") == []


def test_where_less_is_better_bold_is_the_least(tmp_path: Path) -> None:
    content = table("fer", ["A", "0.02*"], ["B", "0.03"])
    content["columns"][0]["higher_is_better"] = False
    assert found(read(tmp_path, {"1": content}), "emphasis") == []

"""The audit of the five papers: what is known to be wrong is found, what agrees is not."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from aacbench.leaderboard.audit import RULES, Audit, audit
from aacbench.leaderboard.papers import Published, read_published
from aacbench.leaderboard.printed import FACTORS

PUBLISHED = Path(__file__).resolve().parents[2] / "leaderboard" / "published"


@pytest.fixture(scope="module")
def published() -> Published:
    return read_published(PUBLISHED)


@pytest.fixture(scope="module")
def audited(published: Published) -> Audit:
    return audit(published)


@pytest.mark.parametrize(
    ("paper", "table", "numbers"),
    [
        ("p2p", "3", ["0.464", "0.179", "0.355", "0.3215"]),
        ("p2p", "2", ["0.395", "0.129", "0.268", "0.262"]),
        ("nac", "1", ["0.455", "0.437"]),
        ("blap", "i", ["8.8", "10.5"]),
    ],
)
def test_a_place_known_to_be_wrong_is_found(
    audited: Audit, paper: str, table: str, numbers: list[str]
) -> None:
    assert [
        finding
        for finding in audited.findings
        if (finding.paper, finding.table, finding.severity) == (paper, table, "contradiction")
        and all(number in finding.sentence for number in numbers)
    ]


def test_more_than_ten_places_are_found_beside_remarks(audited: Audit) -> None:
    places = {
        (finding.paper, finding.table, finding.rows, finding.figures)
        for finding in audited.findings
        if finding.severity != "remark" and finding.rows
    }
    contradictions = {
        (finding.paper, finding.table, finding.rows, finding.figures)
        for finding in audited.findings
        if finding.severity == "contradiction"
    }
    assert len(places) > 20
    assert len(contradictions) > 10
    assert {finding.paper for finding in audited.findings} == {
        "guide",
        "nac",
        "multi2cap",
        "p2p",
        "blap",
    }


def test_no_row_whose_mean_agrees_as_printed_has_a_finding_about_it(
    published: Published, audited: Audit
) -> None:
    """Recomputed in exact decimals, from what the cells read."""
    agree, differ = set(), set()
    for table in published.tables:
        for row in table.rows:
            keys = {column.id: column for column in table.columns}
            if len(keys) != len(table.columns) or not {"cider_d", "spice", "spider"} <= set(keys):
                continue
            exact = [
                _exact(row.cells[name], keys[name].scale) for name in ("cider_d", "spice", "spider")
            ]
            if None in exact:
                continue
            (cider, c_half), (spice, s_half), (spider, half) = (one for one in exact if one)
            off = abs(spider - (cider + spice) / 2)
            (agree if off <= half + (c_half + s_half) / 2 else differ).add(row.id)
    assert len(agree) > 50
    found = {
        row
        for finding in audited.findings
        if finding.rule in ("spider-is-the-mean", "spider-at-least-half")
        for row in finding.rows
    }
    assert not agree & found
    assert differ <= found


def _exact(cell: object, scale: str) -> tuple[Decimal, Decimal] | None:
    read, digits = getattr(cell, "read", None), getattr(cell, "digits", 0)
    if read is None:
        return None
    factor = Decimal(int(FACTORS[scale]))
    return Decimal(f"{read:.{digits}f}") / factor, Decimal(5).scaleb(-digits - 1) / factor


def test_every_finding_says_numbers_and_where(published: Published, audited: Audit) -> None:
    rows = {row.id for table in published.tables for row in table.rows}
    for finding in audited.findings:
        assert any(sign.isdigit() for sign in finding.sentence), finding
        assert finding.sentence.endswith("."), finding
        assert set(finding.rows) <= rows, finding
        assert finding.paper in published.papers


def test_ids_of_findings_are_their_own_and_stay(published: Published, audited: Audit) -> None:
    ids = [finding.id for finding in audited.findings]
    assert len(ids) == len(set(ids))
    assert ids == [finding.id for finding in audit(published).findings]


def test_every_claim_that_can_be_judged_is_judged(published: Published, audited: Audit) -> None:
    counts = audited.counts()
    kinds = {claim.kind for claim in published.claims} - {"parameters"}
    assert all(counts[f"claim-{kind.replace('_', '-')}"]["checked"] for kind in kinds)


def test_one_paper_alone_has_the_findings_that_it_has_among_all(
    published: Published, audited: Audit
) -> None:
    alone = audit(published, papers=["blap"])
    among = [finding.sentence for finding in audited.findings if finding.paper == "blap"]
    assert [finding.sentence for finding in alone.findings if finding.paper == "blap"] == among


def test_every_rule_is_explained_on_the_audit_s_page() -> None:
    page = (PUBLISHED.parents[1] / "docs" / "audit.md").read_text(encoding="utf-8")
    assert [rule for rule in RULES if f"`{rule}`" not in page] == []

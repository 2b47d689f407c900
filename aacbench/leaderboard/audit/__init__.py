"""The audit: published tables against arithmetic, against each other and against their own text.

Rules know metrics, rows and claims; none knows a system or a paper by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

from aacbench.errors import UnknownName, nearest
from aacbench.leaderboard.audit import (
    arithmetic,
    claims,
    emphasis,
    orders,
    repeats,
    scales,
    statements,
)
from aacbench.leaderboard.audit.findings import (
    SEVERITIES,
    Audit,
    Check,
    Finding,
    Severity,
    numbered,
)
from aacbench.leaderboard.paper_tables import Published

__all__ = ["RULES", "SEVERITIES", "Audit", "Check", "Finding", "Severity", "audit"]

RULES: Mapping[str, Callable[[Published], Iterator[Check]]] = {
    "spider-is-the-mean": arithmetic.spider_is_the_mean,
    "spider-at-least-half": arithmetic.spider_at_least_half,
    "never-greater": arithmetic.falling,
    "f1-is-the-mean": arithmetic.harmonic,
    "in-range": arithmetic.in_range,
    "scale": scales.scale,
    "usual-order": orders.usual_order,
    "one-system-one-figure": repeats.one_system_one_figure,
    "no-row-twice": repeats.no_row_twice,
    "no-column-twice": repeats.no_column_twice,
    "domain-fits-training": repeats.domain_fits_training,
    "emphasis": emphasis.emphasis,
    "claim-sizes-agree": statements.sizes_agree,
    **{f"claim-{kind.replace('_', '-')}": claims.of_kind(kind) for kind in claims.KINDS},
}


def audit(
    published: Published,
    papers: Collection[str] | None = None,
    rules: Collection[str] | None = None,
) -> Audit:
    """Every rule (or those of `rules`) over all tables and claims.

    `papers` keeps findings and checks that concern these papers; the others' rows still serve for
    comparison.  Raises `UnknownName` for a paper or a rule that does not exist.
    """
    for paper in papers or ():
        if paper not in published.papers:
            raise UnknownName(f"No paper is called {paper!r}.", nearest(paper, published.papers))
    for rule in rules or ():
        if rule not in RULES:
            raise UnknownName(f"No rule is called {rule!r}.", nearest(rule, RULES))
    checks = {
        name: tuple(check for check in rule(published) if _concerns(check, papers))
        for name, rule in RULES.items()
        if rules is None or name in rules
    }
    found = (check.finding for those in checks.values() for check in those)
    findings = sorted(
        (finding for finding in found if finding is not None),
        key=lambda finding: (
            list(published.papers).index(finding.paper),
            finding.table,
            SEVERITIES.index(finding.severity),
        ),
    )
    return Audit(MappingProxyType(checks), tuple(numbered(iter(findings))))


def _concerns(check: Check, papers: Collection[str] | None) -> bool:
    if papers is None:
        return True
    found = check.finding
    return any(name.split(".")[0] in papers for name in check.about) or (
        found is not None and found.paper in papers
    )

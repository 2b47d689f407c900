"""What the audit says: a finding is one sentence with its numbers, tied to its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Severity = Literal["contradiction", "doubt", "remark"]
SEVERITIES: tuple[Severity, ...] = ("contradiction", "doubt", "remark")


@dataclass(frozen=True)
class Finding:
    """`severity`: contradiction (the figures cannot all be right), doubt (a slip of scanning or
    rounding could explain it), remark (true, and good to know).

    `rows` are ids such as ``p2p.3.4``; `figures` the keys of the columns concerned.
    """

    id: str
    rule: str
    severity: Severity
    sentence: str
    paper: str
    table: str
    rows: tuple[str, ...]
    figures: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "rule": self.rule,
            "severity": self.severity,
            "sentence": self.sentence,
            "paper": self.paper,
            "table": self.table,
            "rows": list(self.rows),
            "figures": list(self.figures),
        }


@dataclass(frozen=True)
class Check:
    """One thing that a rule looked at (`about`: ids of rows, or of a claim), and what it found."""

    about: tuple[str, ...]
    finding: Finding | None = None


@dataclass(frozen=True)
class Audit:
    """`checks` by rule in the order of the rules; `findings` with ids of their own."""

    checks: Mapping[str, tuple[Check, ...]]
    findings: tuple[Finding, ...]

    def of_row(self, row: str) -> tuple[Finding, ...]:
        """The findings about one row, by its id."""
        return tuple(finding for finding in self.findings if row in finding.rows)

    def counts(self) -> dict[str, dict[str, int]]:
        """By rule: how much was `checked`, how much of that `agrees`, and `findings`."""
        counted = {}
        for rule, checks in self.checks.items():
            found = sum(check.finding is not None for check in checks)
            counted[rule] = {
                "checked": len(checks),
                "agrees": len(checks) - found,
                "findings": found,
            }
        return counted

    def rows_checked(self) -> frozenset[str]:
        """Ids of all rows that some rule looked at."""
        return frozenset(
            name for checks in self.checks.values() for check in checks for name in check.about
        )


def numbered(findings: Iterator[Finding]) -> Iterator[Finding]:
    """The same findings, with a number after each id that stands twice."""
    seen: dict[str, int] = {}
    for finding in findings:
        seen[finding.id] = seen.get(finding.id, 0) + 1
        count = seen[finding.id]
        yield finding if count == 1 else replace(finding, id=f"{finding.id}-{count}")

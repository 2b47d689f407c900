"""`aacbench leaderboard audit`: what of the published tables cannot be right, in sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aacbench.cli.console import Json, print_json, say, table, visible

if TYPE_CHECKING:
    from aacbench.leaderboard.audit import Audit, Finding
    from aacbench.leaderboard.papers import Published

PUBLISHED = "published"


def audit(
    folder: Annotated[Path, typer.Option("--folder", help="The leaderboard's folder.")] = Path(
        "leaderboard"
    ),
    paper: Annotated[
        list[str] | None, typer.Option("--paper", "-p", help="Only this paper; may be repeated.")
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", "-r", help="Only this rule; may be repeated.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with 1 where there is a contradiction.")
    ] = False,
    json: Json = False,
) -> None:
    """Recompute what can be recomputed of the published tables, and say what does not agree."""
    from aacbench.leaderboard.audit import audit as run
    from aacbench.leaderboard.papers import read_published

    published = read_published(folder / PUBLISHED)
    result = run(published, paper, rule)
    if json:
        print_json(
            {
                "findings": [finding.as_json() for finding in result.findings],
                "rules": result.counts(),
                "rows": _rows(published, result, paper),
            }
        )
    else:
        _print(published, result, paper)
    if strict and any(finding.severity == "contradiction" for finding in result.findings):
        raise typer.Exit(1)


def _print(published: Published, result: Audit, papers: list[str] | None) -> None:
    for name, paper in published.papers.items():
        findings = [finding for finding in result.findings if finding.paper == name]
        if findings:
            say(f"{name}: {visible(paper.title)}")
            _print_tables(findings)
            say()
    used = [
        [rule, counts["checked"], counts["agrees"], counts["findings"]]
        for rule, counts in result.counts().items()
        if counts["checked"]
    ]
    say(table(used, ["rule", "checked", "agrees", "findings"]))
    rows = _rows(published, result, papers)
    by_severity = _severities(result)
    say(
        f"\n{rows['checked']} of {rows['rows']} rows were checked, {rows['agree']} of them agree "
        f"with everything; {len(result.findings)} findings"
        f"{f': {by_severity}' if by_severity else ''}."
    )


def _print_tables(findings: list[Finding]) -> None:
    for number in dict.fromkeys(finding.table for finding in findings):
        say(f"  table {number}" if number else "  text")
        for finding in findings:
            if finding.table == number:
                say(f"    {finding.severity}: {visible(finding.sentence)} [{finding.rule}]")


def _severities(result: Audit) -> str:
    from aacbench.leaderboard.audit import SEVERITIES

    counts = [
        (severity, sum(finding.severity == severity for finding in result.findings))
        for severity in SEVERITIES
    ]
    return ", ".join(
        f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts if count
    )


def _rows(published: Published, result: Audit, papers: list[str] | None) -> dict[str, int]:
    """How many rows there are, were checked, and have nothing found but remarks."""
    rows = {
        row.id
        for one in published.tables
        for row in one.rows
        if papers is None or one.paper in papers
    }
    checked = rows & result.rows_checked()
    found = {
        name for finding in result.findings if finding.severity != "remark" for name in finding.rows
    }
    return {"rows": len(rows), "checked": len(checked), "agree": len(checked - found)}

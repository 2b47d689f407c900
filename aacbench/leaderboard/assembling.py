"""Everything that a leaderboard says, from what it keeps: results and papers in, boards out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aacbench.errors import UnknownName, nearest
from aacbench.leaderboard import cited, matrix, measured
from aacbench.leaderboard.boards import Board, all_columns, make_boards
from aacbench.leaderboard.columns import Column

if TYPE_CHECKING:
    from aacbench.leaderboard.audit.findings import Audit, Finding
    from aacbench.leaderboard.paper_tables import Paper, Published
    from aacbench.leaderboard.results import Result
    from aacbench.leaderboard.rows import Row

SCHEMA = 1


@dataclass(frozen=True)
class Leaderboard:
    """All boards with their rows, and what stands beside them.

    `audited` counts by rule what was checked, what agrees and what was found.
    """

    columns: Mapping[str, Column]
    boards: tuple[Board, ...]
    rows: Mapping[str, Row]
    findings: Mapping[str, Finding] = field(default_factory=dict)
    audited: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    papers: Mapping[str, Paper] = field(default_factory=dict)
    matrices: tuple[Mapping[str, Any], ...] = ()
    pairs: tuple[Mapping[str, Any], ...] = ()
    slopes: tuple[Mapping[str, str], ...] = ()

    def board(self, name: str) -> Board:
        """The board of that id; `UnknownName` offers the nearest."""
        for board in self.boards:
            if board.id == name:
                return board
        raise UnknownName(
            f"There is no board '{name}'.", nearest(name, [board.id for board in self.boards])
        )

    def rows_of(self, board: Board) -> list[Row]:
        """A board's rows in its order."""
        return [self.rows[name] for name in board.rows]

    def as_json(self) -> dict[str, Any]:
        """What ``tables/boards.json`` holds and the site is made of."""
        return {
            "schema": SCHEMA,
            "figures": {name: column.as_json() for name, column in self.columns.items()},
            "boards": [board.as_json() for board in self.boards],
            "rows": {name: row.as_json() for name, row in self.rows.items()},
            "findings": {
                name: {**finding.as_json(), "rows": self._stands_at(finding)}
                for name, finding in self.findings.items()
            },
            "papers": {
                name: {
                    "title": paper.title,
                    "authors": paper.authors,
                    "year": paper.year,
                    "venue": paper.venue,
                }
                for name, paper in self.papers.items()
            },
            "matrix": list(self.matrices),
            "pairs": list(self.pairs),
            "slopes": list(self.slopes),
        }

    def of_board(self, board: Board) -> dict[str, Any]:
        """One board alone, with all that it names."""
        rows = self.rows_of(board)
        found = sorted({name for row in rows for name in row.findings})
        shown = (*board.columns, *board.more)
        return {
            "schema": SCHEMA,
            "board": board.as_json(),
            "figures": {name: self.columns[name].as_json() for name in shown},
            "rows": {row.id: row.as_json() for row in rows},
            "findings": {name: self.findings[name].as_json() for name in found},
        }

    def _stands_at(self, finding: Finding) -> list[str]:
        """The rows on boards that a finding is about: a printed row may have become several."""
        return [name for name, row in self.rows.items() if finding.id in row.findings]


def assemble(
    results: Sequence[Result], published: Published | None = None, audit: Audit | None = None
) -> Leaderboard:
    """Boards, ranks, matrices, pairs and slopes of results and of papers' tables."""
    rows = measured.rows_of(results)
    findings = () if audit is None else audit.findings
    if published is not None:
        rows += [_with_findings(row, findings) for row in cited.rows_of(published)]
    columns = all_columns(rows)
    boards, marked = make_boards(rows, columns)
    everyone = list(marked.values())
    return Leaderboard(
        columns=columns,
        boards=tuple(boards),
        rows=marked,
        findings={finding.id: finding for finding in sorted(findings, key=lambda one: one.id)},
        audited={} if audit is None else audit.counts(),
        papers={} if published is None else published.papers,
        matrices=tuple(matrix.matrices(everyone, columns)),
        pairs=tuple(matrix.pairs(everyone, columns)),
        slopes=tuple(matrix.slopes(everyone)),
    )


def _with_findings(row: Row, findings: Sequence[Finding]) -> Row:
    """A row with what the audit says of it: of the printed row, and of columns that it has."""
    return row.found(
        tuple(
            sorted(
                one.id
                for one in findings
                if row.origin in one.rows
                and (not one.figures or len(one.rows) > 1 or row.keys.intersection(one.figures))
            )
        )
    )

"""Boards as CSV: one number a field, and no field that a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO

from aacbench.leaderboard.assembling import Leaderboard
from aacbench.leaderboard.boards import Board
from aacbench.leaderboard.rendering.sheets import plain
from aacbench.leaderboard.rows import Row, rounded

FORMULA = tuple("=+-@|%'")
"""What a text must not begin with: a spreadsheet would reckon with it."""

Field = str | float | int | None


def text(words: str) -> str:
    """A stranger's text, behind an apostrophe where it would begin a formula."""
    shown = plain(words)
    return f"'{shown}" if shown.startswith(FORMULA) else shown


def board_table(
    leaderboard: Leaderboard, board: Board, figures: Sequence[str] | None = None
) -> str:
    """A row a system; every figure with its bounds, rank, the rank's bounds, and whether it is
    self-scored or significantly the best."""
    shown = (*board.columns, *board.more) if figures is None else tuple(figures)
    lines = [dict(_fields(board, row, shown)) for row in leaderboard.rows_of(board)]
    out = StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    if lines:
        writer.writerow(list(lines[0]))
        writer.writerows([["" if one is None else one for one in line.values()] for line in lines])
    return out.getvalue()


def _fields(board: Board, row: Row, figures: Sequence[str]) -> Iterator[tuple[str, Field]]:
    yield "id", text(row.id)
    yield "kind", row.kind
    yield "system", text(" ".join((row.system, *row.marks)))
    yield "target", text(f"{row.target}@{row.split}")
    yield "caption domain", row.domain["caption"]
    yield "strict domain", row.domain["strict"]
    yield "learnt from", None if row.trained_on is None else text(" ".join(row.trained_on))
    for figure in figures:
        for header, field in _figure(board, row, figure):
            yield f"{text(figure)}{header}", field
    latency = row.latency
    yield "p50 ms", None if latency is None else rounded(latency.p50_ms)
    yield "latency from", None if latency is None else latency.source
    yield "parameters", row.parameters
    yield "clips captioned", None if row.coverage is None else row.coverage["captioned"]
    yield "clips", None if row.coverage is None else row.coverage["official"]
    yield "unranked", None if row.unranked is None else text(row.unranked)
    yield "findings", text(" ".join(row.findings))
    yield "from", text(_source(row))


def _figure(board: Board, row: Row, figure: str) -> Iterator[tuple[str, Field]]:
    value = row.figures.get(figure)
    rank = board.standings.ranks.get(figure, {}).get(row.id)
    yield "", None if value is None else rounded(value.value)
    yield " low", None if value is None else rounded(value.low)
    yield " high", None if value is None else rounded(value.high)
    yield " printed", None if value is None or value.printed is None else text(value.printed)
    yield " rank", None if rank is None else rank.rank
    yield " rank low", None if rank is None else rank.low
    yield " rank high", None if rank is None else rank.high
    yield " self-scored", None if value is None else _yes(value.self_scored)
    yield " best", None if value is None else _yes(row.id in board.standings.best.get(figure, ()))


def _yes(true: bool) -> str:
    return "yes" if true else "no"


def _source(row: Row) -> str:
    place = row.provenance
    if row.kind == "published":
        return f"{place['paper']}, table {place['table']}, row {place['row']}"
    return str(place["folder"])

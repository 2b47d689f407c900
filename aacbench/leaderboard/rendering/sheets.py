"""A board as a sheet of plain texts, which every form of table then escapes in its own way."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from aacbench.errors import BadOption, nearest
from aacbench.leaderboard.assembling import Leaderboard
from aacbench.leaderboard.boards import Board
from aacbench.leaderboard.rows import Latency, Row, slug

WORDS = {"in": "in-domain", "out": "out-of-domain", "unknown": "unknown"}


@dataclass(frozen=True)
class Cell:
    """A text; `links` are further (text, address) pairs after it."""

    text: str = ""
    bold: bool = False
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sheet:
    """`numeric` says which columns hold figures."""

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: tuple[bool, ...]


def plain(text: str) -> str:
    """A stranger's text on one line, single blanks, what hides or reorders spelt out."""
    if text.isprintable() and "  " not in text:
        return text.strip(" ")
    shown = "".join(
        character
        if character == " " or unicodedata.category(character)[0] not in "CZ"
        else character.encode("unicode_escape").decode("ascii")
        for character in text.replace("\r", " ").replace("\n", " ").replace("\t", " ")
    )
    return " ".join(shown.split())


def sheet(
    leaderboard: Leaderboard,
    board: Board,
    figures: Sequence[str] | None = None,
    base: str = "",
    brief: bool = False,
) -> Sheet:
    """A board's rows with these figures, by default the main ones.

    `base` leads from where the sheet will lie to the leaderboard's folder (``"../"``); with
    `brief`, footnotes, notes and the audit's mere remarks are left out. Raises `BadOption` for a
    figure that no row has.
    """
    shown = board.columns if figures is None else tuple(figures)
    for figure in shown:
        if figure not in (*board.columns, *board.more):
            known = (*board.columns, *board.more)
            raise BadOption(f"No row of {board.id} has '{figure}'.", nearest(figure, known))
    labels = [leaderboard.columns[figure].label for figure in shown]
    after = ("ms a clip", "parameters", "learnt from", "every part", "from", "remarks")
    rows = tuple(
        (
            Cell(rank(board, row, board.order_by)),
            Cell(plain(" ".join((row.system, *row.marks)))),
            *(figure_cell(board, row, figure) for figure in shown),
            Cell(milliseconds(row.latency)),
            Cell(size(row.parameters)),
            Cell(learnt_from(row)),
            Cell(WORDS[row.domain["strict"]]),
            source(row, base),
            remarks(leaderboard, row, base, brief),
        )
        for row in leaderboard.rows_of(board)
    )
    numeric = (True, False, *(True for _ in shown), True, True, False, False, False, False)
    by = "" if board.order_by is None else f" by {leaderboard.columns[board.order_by].label}"
    return Sheet((plain(f"rank{by}"), "system", *map(plain, labels), *after), rows, numeric)


def rank(board: Board, row: Row, figure: str | None) -> str:
    """``2 (1-3)``: the rank and its interval; nothing for a row that has none."""
    found = board.standings.ranks.get(figure or "", {}).get(row.id)
    if found is None:
        return ""
    return (
        f"{found.rank} ({found.low}-{found.high})" if found.low != found.high else f"{found.rank}"
    )


def figure_cell(board: Board, row: Row, figure: str) -> Cell:
    """``0.312 [0.300, 0.324]``, bold where it is best; a dash where the row has no such figure."""
    value = row.figures.get(figure)
    if value is None:
        return Cell("-")
    judged = "(self-scored)" if value.self_scored else ""
    text = " ".join(part for part in (value.shown, value.interval, judged) if part)
    return Cell(text, bold=row.id in board.standings.best.get(figure, ()))


def milliseconds(latency: Latency | None) -> str:
    """Median time a clip; the run's own clock says so."""
    if latency is None:
        return ""
    return f"{latency.p50_ms:.1f}" + (" (run)" if latency.source == "run" else "")


def size(parameters: int | None) -> str:
    """``1.41M``: to three digits."""
    if parameters is None:
        return ""
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if parameters >= 0.9995 * unit:
            return f"{parameters / unit:.3g}{letter}"
    return str(parameters)


def probability(p: float) -> str:
    """``p = 0.031``, or that it is less than what matters."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def learnt_from(row: Row) -> str:
    """What the captions that a system saw come from."""
    if row.trained_on is None:
        return "unknown"
    return plain(", ".join(row.trained_on)) or "no captions"


def source(row: Row, base: str) -> Cell:
    """Where the row's numbers come from: captions, re-scored figures, or a paper's table."""
    place = row.provenance
    if row.kind == "published":
        return Cell(plain(f"{place['paper']}, table {place['table']}"))
    if place["captions"] is not None:
        return Cell(links=(("captions", base + quote(place["captions"])),))
    return Cell("re-scored:", links=(("figures", base + quote(place["folder"])),))


def remarks(leaderboard: Leaderboard, row: Row, base: str, brief: bool) -> Cell:
    """Why a row has no rank, what its marks mean, and what the audit found."""
    parts = []
    if row.kind == "published":
        parts.append("published")
    elif row.unranked is not None:
        parts.append(f"unranked: {row.unranked}")
    if not brief:
        parts += [*row.footnotes, *([row.training] if row.training else [])]
        parts += [row.note] if row.note else []
    numbers = numbered(leaderboard)
    page = f"{base}README.md" if base else ""
    told = [name for name in row.findings if not (brief and _is_remark(leaderboard, name))]
    links = tuple((numbers[name], f"{page}#{anchor(name)}") for name in told)
    return Cell(plain("; ".join(parts)), links=links)


def _is_remark(leaderboard: Leaderboard, finding: str) -> bool:
    return leaderboard.findings[finding].severity == "remark"


def numbered(leaderboard: Leaderboard) -> dict[str, str]:
    """What findings are called on a page: F1, F2 and so on."""
    return {name: f"F{number}" for number, name in enumerate(leaderboard.findings, 1)}


def anchor(finding: str) -> str:
    """The name of a finding's place on the page."""
    return f"finding-{slug(finding)}"

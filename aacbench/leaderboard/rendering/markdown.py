"""Boards and small tables as Markdown that no name or note can break out of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from aacbench.leaderboard.assembling import Leaderboard
from aacbench.leaderboard.boards import Board
from aacbench.leaderboard.rendering.sheets import Cell, Sheet, numbered, plain, sheet

_SPECIAL = re.compile(r"([\\`*_\[\]|~$])")
_OPENING = re.compile(r"^([#+=>-]|\d+[.)])")


def escaped(text: str) -> str:
    """A stranger's text as Markdown shows it, neither markup, HTML, a table's edge nor a link."""
    text = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _SPECIAL.sub(r"\\\1", text)
    return text.replace("://", ":&#47;&#47;").replace("www.", "www&#46;")


def item(text: str) -> str:
    """A stranger's text as an item of a list, which begins no list or heading of its own."""
    return f"- {_OPENING.sub(lambda found: found[0][:-1] + chr(92) + found[0][-1], escaped(text))}"


def cell(one: Cell) -> str:
    """A cell of a table."""
    text = escaped(one.text)
    if one.bold:
        text = f"**{text}**"
    links = ", ".join(f"[{escaped(words)}]({address})" for words, address in one.links)
    return " ".join(part for part in (text, links) if part)


def table(headers: Sequence[str], rows: Iterable[Sequence[Cell]], numeric: Sequence[bool]) -> str:
    """A table, without the blanks that align it in an editor: rows are long enough as they are."""
    from tabulate import tabulate

    drawn = tabulate(
        [[cell(one) for one in row] for row in rows],
        [escaped(header) for header in headers],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=["right" if one else "left" for one in numeric],
    )
    lines = (re.sub(r" +", " ", line).strip() for line in drawn.split("\n"))
    return "\n".join(re.sub(r"-{3,}", "---", line) for line in lines)


def of_sheet(one: Sheet) -> str:
    """A sheet as a table."""
    return table(one.headers, one.rows, one.numeric)


def board_table(
    leaderboard: Leaderboard,
    board: Board,
    figures: Sequence[str] | None = None,
    base: str = "",
    brief: bool = False,
) -> str:
    """A board's table and its notes."""
    parts = [of_sheet(sheet(leaderboard, board, figures, base, brief))]
    said = board.standings.said(board.columns if figures is None else figures)
    notes = "\n".join(item(note) for note in said)
    return "\n\n".join([*parts, *([notes] if notes else [])])


def page(leaderboard: Leaderboard, board: Board) -> str:
    """One board with every figure that any row has, as a page of its own in ``tables/``."""
    parts = [
        f"# {escaped(board.title)}",
        board_table(leaderboard, board, base="../"),
    ]
    if board.more:
        parts += ["## Every other figure", board_table(leaderboard, board, board.more, "../")]
    found = _findings(leaderboard, board)
    if found:
        parts += ["## What the audit says of these rows", found]
    back = "[All boards](../README.md)"
    forms = ", ".join(f"[{form}]({board.id}.{form})" for form in ("tex", "csv", "json"))
    return "\n\n".join([*parts, f"{back}. This table as {forms}."]) + "\n"


def _findings(leaderboard: Leaderboard, board: Board) -> str:
    numbers = numbered(leaderboard)
    there = {name for row in leaderboard.rows_of(board) for name in row.findings}
    return "\n".join(
        f"- {numbers[name]} ({finding.severity}): {escaped(finding.sentence)}"
        for name, finding in leaderboard.findings.items()
        if name in there
    )

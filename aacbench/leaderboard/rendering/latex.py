"""Boards as LaTeX tables (booktabs), to be pasted into a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aacbench.leaderboard.assembling import Leaderboard
from aacbench.leaderboard.boards import Board
from aacbench.leaderboard.rendering.sheets import Cell, plain, sheet

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{character: f"\\{character}" for character in "{}$&#_%"},
}
_SPECIAL = re.compile("|".join(map(re.escape, _ESCAPES)))
LEFT_OUT = ("from", "remarks")


def escaped(text: str) -> str:
    """A stranger's text that TeX prints and does not obey."""
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], plain(text))


def board_table(
    leaderboard: Leaderboard, board: Board, figures: Sequence[str] | None = None
) -> str:
    """A ``tabular`` with a caption and a label; the notes follow as comments."""
    whole = sheet(leaderboard, board, figures)
    kept = [at for at, header in enumerate(whole.headers) if header not in LEFT_OUT]
    lines = [_line([Cell(whole.headers[at]) for at in kept])]
    body = [
        _line([_named(row[at], whole.headers[at], kind) for at in kept])
        for row, kind in zip(whole.rows, _origins(leaderboard, board), strict=True)
    ]
    shape = "".join("r" if whole.numeric[at] else "l" for at in kept)
    said = board.standings.said(board.columns if figures is None else figures)
    notes = [f"% {plain(note)}" for note in said]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            rf"\caption{{{escaped(board.title)}. In brackets: 95\,\% intervals.}}",
            rf"\label{{tab:{re.sub('[^a-z0-9.-]', '-', board.id.lower())}}}",
            rf"\begin{{tabular}}{{{shape}}}",
            r"\toprule",
            *lines,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            *notes,
            "",
        ]
    )


def _origins(leaderboard: Leaderboard, board: Board) -> list[str]:
    """What follows a system's name: nothing, or where the row comes from, or that it is partial."""
    words = []
    for row in leaderboard.rows_of(board):
        if row.kind == "published":
            words.append(f" ({row.provenance['paper']}, table {row.provenance['table']})")
        else:
            words.append("" if row.unranked is None else " (unranked)")
    return words


def _named(cell: Cell, header: str, origin: str) -> Cell:
    return Cell(cell.text + origin) if header == "system" else cell


def _line(cells: Sequence[Cell]) -> str:
    texts = [
        rf"\textbf{{{escaped(cell.text)}}}" if cell.bold else escaped(cell.text) for cell in cells
    ]
    return " & ".join(texts) + r" \\"

"""`aacbench leaderboard`: boards built, checked and shown; rows added, verified and audited."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aacbench.cli import leaderboard_add, leaderboard_audit
from aacbench.cli.console import Json, note, print_json, progress, say, table, warn_of_faults

if TYPE_CHECKING:
    from aacbench.leaderboard.assembling import Leaderboard
    from aacbench.leaderboard.boards import Board

Folder = Annotated[Path, typer.Option("--folder", help="The leaderboard's folder.")]
HERE = Path("leaderboard")


class Form(StrEnum):
    """What a board may be printed as."""

    TEXT = "text"
    MARKDOWN = "markdown"
    LATEX = "latex"
    CSV = "csv"
    JSON = "json"


app = typer.Typer(
    help="Boards of published, measured and re-scored systems; rows come by add.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("build")
def build(folder: Folder = HERE, json: Json = False) -> None:
    """Write the tables, the front page and the site from results/ and published/."""
    from aacbench.leaderboard import building

    warn_of_faults()
    written = building.build(folder)
    if json:
        print_json([path.relative_to(folder).as_posix() for path in written])
        return
    say(f"{len(written)} files: {folder / building.README}, {folder / building.TABLES}")
    say(f"Open {folder / building.SITE / 'index.html'}")


@app.command("check")
def check(folder: Folder = HERE, json: Json = False) -> None:
    """Verify every row, then compare every generated file with what build would write."""
    from aacbench.leaderboard import building

    warn_of_faults()
    with progress("verifying", quiet=json, unit="row") as report:
        found = building.check(folder, report)
    if json:
        print_json([{"file": one.file, "what": one.what} for one in found])
    else:
        for one in found:
            say(str(one))
        say("Everything is as build writes it." if not found else "")
    if found:
        stale = all(one.file.startswith(building.GENERATED) for one in found)
        hint = (
            f"Type: {building.BUILD}" if stale else "Restore the rows from git, or add them anew."
        )
        note(f"aacbench: {len(found)} things are wrong.\n  {hint}")
        raise typer.Exit(1)


@app.command("show")
def show(
    board: Annotated[
        str | None, typer.Argument(help="A board; without one, all are listed.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="What to print it as.")] = Form.TEXT,
    columns: Annotated[
        str | None, typer.Option("--columns", "-c", help="Figures, comma-separated; or all.")
    ] = None,
    folder: Folder = HERE,
    json: Json = False,
) -> None:
    """List the boards, or print one."""
    from aacbench.leaderboard import building

    warn_of_faults()
    found = building.read(folder)
    as_json = json or form is Form.JSON
    if board is None:
        _list(found, as_json)
        return
    chosen = found.board(board)
    if as_json:
        print_json(found.of_board(chosen))
        return
    say(_drawn(found, chosen, form, _figures(chosen, columns)).rstrip("\n"))


def _list(found: Leaderboard, as_json: bool) -> None:
    if as_json:
        print_json([board.as_json() for board in found.boards])
        return
    rows = [
        [
            board.id,
            board.kind,
            board.title,
            str(sum(found.rows[row].unranked is None for row in board.rows)),
            str(len(board.rows)),
        ]
        for board in found.boards
    ]
    say(table(rows, ["board", "kind", "what it is", "ranked", "rows"]))


def _figures(board: Board, columns: str | None) -> list[str] | None:
    if columns is None:
        return None
    if columns == "all":
        return [*board.columns, *board.more]
    return [name.strip() for name in columns.split(",") if name.strip()]


def _drawn(found: Leaderboard, board: Board, form: Form, figures: list[str] | None) -> str:
    from aacbench.leaderboard.rendering import comma, latex, markdown, sheets

    if form is Form.TEXT:
        sheet = sheets.sheet(found, board, figures, brief=True)
        said = board.standings.said(board.columns if figures is None else figures)
        cells = [[_plainly(cell) for cell in row] for row in sheet.rows]
        return "\n".join([board.title, table(cells, sheet.headers), *said])
    by_form: dict[Form, Callable[..., str]] = {
        Form.MARKDOWN: markdown.board_table,
        Form.LATEX: latex.board_table,
        Form.CSV: comma.board_table,
    }
    return by_form[form](found, board, figures)


def _plainly(cell: Any) -> str:
    """A cell without links; what is significantly best has a star."""
    star = "*" if cell.bold else ""
    return " ".join([f"{cell.text}{star}", *(words for words, _ in cell.links)]).strip()


app.command("add")(leaderboard_add.add)
app.command("add-figures")(leaderboard_add.add_figures)
app.command("verify")(leaderboard_add.verify)
app.command("rescore")(leaderboard_add.rescore)
app.command("audit")(leaderboard_audit.audit)

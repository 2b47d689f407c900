"""Reading published tables: what each paper prints, cell by cell, and what its text says of it.

Nothing is guessed: a figure that does not read as a number needs a `value` with a note that says
why, or `unreadable`; an unknown key, a column without a cell and a claim about a table that is not
there are refused by file, row and key.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from aacbench.errors import BadData, nearest
from aacbench.leaderboard import written
from aacbench.leaderboard.paper_tables import Cell, Claim, Column, Paper, Published, Row, Table
from aacbench.leaderboard.printed import FACTORS, read_figure

__all__ = ["Cell", "Claim", "Column", "Paper", "Published", "Row", "Table", "read_published"]

PAPERS, CLAIMS, TABLES = "papers.toml", "claims.toml", "table_*.toml"
UNSCALED = frozenset({"parameters", "gflops", "flops", "latency_ms", "memory_mb", "hours"})
Shape = TypeVar("Shape", bound=BaseModel)


def read_published(folder: Path) -> Published:
    """Everything under `folder` (``leaderboard/published``), checked.

    Raises `BadData` that names file, row and key, and what to write instead.
    """
    listed = folder / PAPERS
    if not listed.is_file():
        raise BadData(
            f"{folder} holds no {PAPERS}.",
            "Name the folder that holds it: aacbench leaderboard audit --folder leaderboard",
        )
    papers = {
        name: Paper(id=name, **_shaped(written.Paper, entry, f"{PAPERS}, [{name}]").model_dump())
        for name, entry in _toml(listed).items()
    }
    tables: list[Table] = []
    claims: list[Claim] = []
    for name in papers:
        files = sorted((folder / name).glob(TABLES), key=lambda file: file.stem)
        own = [_read_table(file, folder, name) for file in files]
        _check_numbers(own)
        tables += own
        if (folder / name / CLAIMS).is_file():
            claims += _read_claims(folder / name / CLAIMS, folder, name, own)
    return Published(MappingProxyType(papers), tuple(tables), tuple(claims))


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadData(f"{file} is not TOML: {error}.", "Mend that line of it.") from error


def _shaped(shape: type[Shape], entry: Any, where: str) -> Shape:
    """`entry` as `shape`; what is unknown, missing or of a wrong kind is `BadData`."""
    try:
        return shape.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            hint = nearest(str(first["loc"][-1]), shape.model_fields)
            raise BadData(f"{where}: no key {at!r} is known here.", hint) from error
        if first["type"] == "missing":
            raise BadData(f"{where}: {at!r} is missing.", f"Add: {at} = ...") from error
        raise BadData(f"{where}, {at}: {first['msg']}.", "Mend that key.") from error


def _read_table(file: Path, folder: Path, paper: str) -> Table:
    name = file.relative_to(folder).as_posix()
    entry = _toml(file)
    raw = _shaped(
        written.Table, {k: v for k, v in entry.items() if k not in ("columns", "rows")}, name
    )
    if raw.paper != paper:
        raise BadData(f"{name}: paper is {raw.paper!r}.", f'Write: paper = "{paper}"')
    if file.stem != f"table_{raw.table}":
        raise BadData(f"{name} says that it is table {raw.table!r}.", "Rename one of the two.")
    columns = _columns(entry.get("columns"), raw, name)
    rows = _rows(entry.get("rows"), raw, columns, name)
    return Table(
        paper=paper,
        table=raw.table,
        about=raw.about,
        target=raw.target,
        split=raw.split,
        scale=raw.scale,
        domain=raw.domain,
        columns=columns,
        rows=rows,
        note=raw.note,
        file=name,
    )


def _columns(entries: Any, table: written.Table, name: str) -> tuple[Column, ...]:
    if not isinstance(entries, list) or not entries:
        raise BadData(f"{name}: there is no column.", "Add a [[columns]] with id and printed.")
    columns = []
    for number, entry in enumerate(entries, 1):
        raw = _shaped(written.Column, entry, f"{name}, column {number}")
        default = "number" if raw.id in UNSCALED else table.scale
        columns.append(
            Column(
                key=raw.key or raw.id,
                id=raw.id,
                printed=raw.printed,
                target=raw.target,
                split=raw.split,
                scale=raw.scale or default,
                unit=raw.unit,
                higher_is_better=raw.higher_is_better,
                condition=MappingProxyType(raw.condition),
                domain=raw.domain,
                trained_on=None if raw.trained_on is None else tuple(raw.trained_on),
            )
        )
    keys = [column.key for column in columns]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise BadData(
            f"{name}: {len(keys)} columns, but {twice[0]!r} stands twice.",
            'Give each a key of its own, such as key = "audiocaps.spider".',
        )
    return tuple(columns)


def _rows(
    entries: Any, table: written.Table, columns: tuple[Column, ...], name: str
) -> tuple[Row, ...]:
    if not isinstance(entries, list) or not entries:
        raise BadData(f"{name}: there is no row.", "Add a [[rows]] with system and cells.")
    rows = []
    for number, entry in enumerate(entries, 1):
        where = f"{name}, row {number}"
        raw = _shaped(written.Row, entry, where)
        where = f"{where} ({raw.system})"
        cells = _cells(raw, columns, where)
        for column in columns:
            if raw.target and column.target:
                raise BadData(
                    f"{where}: target is given by the row and by column {column.key!r}.",
                    "Leave one of the two out.",
                )
            known = raw.target or column.target or table.target
            if known is None and column.id not in UNSCALED:
                raise BadData(
                    f"{where}: no target for column {column.key!r}.",
                    'Give target = "..." at the top, to the column or to the row.',
                )
        rows.append(
            Row(
                paper=table.paper,
                table=table.table,
                index=number,
                cells=MappingProxyType(cells),
                domain=raw.domain or table.domain,
                marks=tuple(raw.marks),
                footnotes=tuple(raw.footnotes),
                trained_on=None if raw.trained_on is None else tuple(raw.trained_on),
                options=MappingProxyType(raw.options),
                known_as=(raw.known_as,) if isinstance(raw.known_as, str) else tuple(raw.known_as),
                reference=raw.reference,
                **raw.model_dump(
                    include={"system", "ours", "cited", "group", "training", "target", "split"}
                ),
                note=raw.note,
            )
        )
    return tuple(rows)


def _cells(row: written.Row, columns: tuple[Column, ...], where: str) -> dict[str, Cell]:
    """One cell a column, in the columns' order; each column must stand in each row."""
    keys = [column.key for column in columns]
    for key in row.cells:
        if key not in keys:
            raise BadData(f"{where}: cells has {key!r}, which no column has.", nearest(key, keys))
    cells = {}
    for column in columns:
        if column.key not in row.cells:
            raise BadData(
                f"{where}: cells has no {column.key!r}.",
                f'Add what is printed there, or: {column.key} = "-"',
            )
        cells[column.key] = _cell(row.cells[column.key], column, f"{where}, {column.key}")
    return cells


def _cell(entry: Any, column: Column, where: str) -> Cell:
    raw = _shaped(written.Cell, {"printed": entry} if isinstance(entry, str) else entry, where)
    figure = read_figure(raw.printed, raw.value, raw.unreadable, raw.note, where)
    if figure is None:
        return Cell(raw.printed, None, None, 0, None, raw.unreadable, raw.note, raw.emphasis)
    factor = FACTORS[column.scale]
    return Cell(
        printed=raw.printed,
        value=figure.read / factor,
        read=figure.read,
        digits=figure.digits,
        step=10.0**-figure.digits / factor,
        note=raw.note,
        emphasis=raw.emphasis,
    )


def _check_numbers(tables: list[Table]) -> None:
    seen: dict[str, str] = {}
    for table in tables:
        if table.table in seen:
            raise BadData(
                f"{seen[table.table]} and {table.file} are both table {table.table}.",
                "Rename one of the two.",
            )
        seen[table.table] = table.file


def _read_claims(file: Path, folder: Path, paper: str, tables: list[Table]) -> list[Claim]:
    name = file.relative_to(folder).as_posix()
    numbers = [table.table for table in tables]
    claims = []
    for number, entry in enumerate(_toml(file).get("claims", []), 1):
        where = f"{name}, claim {number}"
        raw = _shaped(written.Claim, entry, where)
        named = list(raw.tables) if raw.table is None else [raw.table, *raw.tables]
        for table in named:
            if table not in numbers:
                raise BadData(f"{where}: there is no table {table!r}.", nearest(table, numbers))
        details = raw.model_dump(
            exclude={"where", "says", "kind", "table", "tables"}, exclude_none=True
        )
        claims.append(
            Claim(
                paper=paper,
                index=number,
                where=raw.where,
                says=raw.says,
                kind=raw.kind,
                tables=tuple(named),
                details=MappingProxyType(details),
            )
        )
    return claims

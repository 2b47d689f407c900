"""Cells with all that a rule wants to know of them, and the words that findings use for them."""

from __future__ import annotations

import tomllib
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from aacbench.leaderboard.audit.findings import Finding, Severity
from aacbench.leaderboard.paper_tables import Cell, Column, Published, Row, Table
from aacbench.leaderboard.printed import FACTORS, parse

NEARLY = 1e-9


@dataclass(frozen=True)
class Metric:
    """`low` and `high` bound what is possible, in fractions; `alike` names metrics that may well
    print the same figure."""

    label: str
    low: float
    high: float
    alike: tuple[str, ...] = ()


@cache
def metrics() -> Mapping[str, Metric]:
    """The captioning and retrieval metrics of which the audit knows bounds, by id."""
    text = files("aacbench.leaderboard.audit").joinpath("metrics.toml").read_text(encoding="utf-8")
    return {
        name: Metric(entry["label"], entry["low"], entry["high"], tuple(entry.get("alike", ())))
        for name, entry in tomllib.loads(text).items()
    }


@dataclass(frozen=True)
class Entry:
    """A printed figure in its place; only cells with a figure become entries."""

    table: Table
    row: Row
    column: Column
    cell: Cell
    value: float
    step: float

    @property
    def metric(self) -> str:
        return self.column.id

    @property
    def target(self) -> str | None:
        return self.table.target_of(self.row, self.column)

    @property
    def split(self) -> str:
        return self.table.split_of(self.row, self.column)

    @property
    def low(self) -> float:
        return self.value - self.step / 2

    @property
    def high(self) -> float:
        return self.value + self.step / 2

    @property
    def factor(self) -> float:
        """From the project's scale to the printed one."""
        return FACTORS[self.column.scale]

    @property
    def measured(self) -> tuple[Hashable, ...]:
        """Where a figure belongs: figures of one row that share this come of the same captions."""
        condition = tuple(sorted((key, str(value)) for key, value in self.column.condition.items()))
        return (self.target, self.split, condition)

    @property
    def shown(self) -> str:
        """The figure as a reader finds it: as printed, or as read where the print is broken."""
        itself = parse(self.cell.printed)
        if self.cell.read is None or (itself is not None and itself.read == self.cell.read):
            return self.cell.printed
        return f"{self.cell.read:.{max(self.cell.digits, 0)}f}"

    @property
    def said(self) -> str:
        """``10.5 of RIVAL``."""
        return f"{self.shown} of {system(self.row, self.table)}"

    @property
    def named(self) -> str:
        """``SPIDEr 10.5 of RIVAL``."""
        return f"{self.figure} of {system(self.row, self.table)}"

    @property
    def figure(self) -> str:
        """``SPIDEr 0.314 at shots 4``, the condition where a metric has several columns."""
        return f"{self.label} {self.shown}{self.at}"

    @property
    def name(self) -> str:
        """``SPIDEr at shots 4``, the condition where a metric has several columns."""
        return f"{self.label}{self.at}"

    @property
    def label(self) -> str:
        """The metric's name, or the column's header where the audit does not know it."""
        known = metrics().get(self.metric)
        return known.label if known is not None else self.column.printed

    @property
    def at(self) -> str:
        """`` at shots 4``; nothing where a metric has one column."""
        twice = sum(column.id == self.metric for column in self.table.columns) > 1
        apart = ", ".join(_options(self.column.condition))
        return f" at {apart}" if twice and apart else ""


def entries(table: Table) -> Iterator[Entry]:
    """Every figure of a table, row by row."""
    for row in table.rows:
        yield from of_row(table, row)


def of_row(table: Table, row: Row) -> Iterator[Entry]:
    for column in table.columns:
        cell = row.cells[column.key]
        if cell.value is not None and cell.step is not None:
            yield Entry(table, row, column, cell, cell.value, cell.step)


def sets(table: Table, row: Row) -> Iterator[dict[str, Entry]]:
    """The figures of a row, by metric, one dict for each target, split and condition."""
    groups: dict[Hashable, dict[str, Entry]] = {}
    for entry in of_row(table, row):
        groups.setdefault(entry.measured, {}).setdefault(entry.metric, entry)
    yield from groups.values()


def all_entries(published: Published) -> Iterator[Entry]:
    for table in published.tables:
        yield from entries(table)


def tied(one: Entry, other: Entry) -> bool:
    """Whether rounding leaves open which of the two is greater."""
    return abs(one.value - other.value) < (one.step + other.step) / 2 - NEARLY


def better(one: Entry, other: Entry) -> bool:
    """Whether `one` is better than `other` at printed precision."""
    if tied(one, other):
        return False
    return (one.value > other.value) == one.column.higher_is_better


def system(row: Row, table: Table) -> str:
    """A row's name, with what tells it apart where the table has that name more than once."""
    same = [other for other in table.rows if other.system == row.system]
    if len(same) < 2:
        return row.system
    apart = {
        key: value
        for key, value in row.options.items()
        if any(other.options.get(key) != value for other in same)
    }
    words = _options(apart)
    if len({other.marks for other in same}) > 1:
        words += row.marks
    if len({other.group for other in same}) > 1 and row.group and not row.target:
        words.append(row.group)
    return f"{row.system} ({', '.join(words)})" if words else row.system


def _options(options: Mapping[str, Any]) -> list[str]:
    """``shots 4``, ``refined`` for true, ``not refined`` for false."""
    words = []
    for key, value in options.items():
        name = key.replace("_", " ")
        plain = name if value else f"not {name}"
        words.append(plain if isinstance(value, bool) else f"{name} {value}")
    return words


def place(entry: Entry) -> str:
    """`` on clotho`` where a table has several targets, else nothing."""
    targets = {found.target for found in entries(entry.table)} - {None}
    return f" on {entry.target}" if len(targets) > 1 and entry.target else ""


def number(value: float, digits: int) -> str:
    """Rounded to `digits` decimals at most, without zeros at its end."""
    text = f"{value:.{max(digits, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def finding(
    rule: str, severity: Severity, sentence: str, about: Iterable[Entry], *, claim: str = ""
) -> Finding:
    """A finding about some figures; its place is the first one's."""
    found = list(about)
    rows = tuple(dict.fromkeys(entry.row.id for entry in found))
    return Finding(
        id=f"{claim or rows[0]}.{rule}",
        rule=rule,
        severity=severity,
        sentence=sentence,
        paper=found[0].row.paper,
        table=found[0].row.table,
        rows=rows,
        figures=tuple(dict.fromkeys(entry.column.key for entry in found)),
    )


def listed(words: Iterable[Any]) -> str:
    """``a, b and c``."""
    said = [str(word) for word in words]
    return "".join(said) if len(said) < 2 else f"{', '.join(said[:-1])} and {said[-1]}"

"""What a published paper holds for the leaderboard: tables of cells, and claims about them.

A cell keeps the figure as printed; `value` is the same figure in the project's scale (fractions),
so that tables in percent and in fractions can stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Paper:
    """`authors` short, as one cites them, empty where none is named; `year` None and `venue` empty
    where none is known."""

    id: str
    title: str
    authors: str
    year: int | None
    venue: str


@dataclass(frozen=True)
class Column:
    """`id` names the metric, `key` the column; `target`, `split`, `domain`, `trained_on` are None
    where the table's or the row's holds; `scale` is how the figures are printed."""

    key: str
    id: str
    printed: str
    target: str | None
    split: str | None
    scale: str
    unit: str | None
    higher_is_better: bool
    condition: Mapping[str, Any]
    domain: str | None = None
    trained_on: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Cell:
    """One printed figure: `read` in the printed scale, `value` in the project's (fractions),
    `digits` decimals printed (negative for 124M), `step` one unit of the last printed place in the
    project's scale.  `read`, `value` and `step` are None where there is no figure or none can be
    read."""

    printed: str
    value: float | None
    read: float | None
    digits: int
    step: float | None
    unreadable: bool = False
    note: str | None = None
    emphasis: str | None = None

    @property
    def low(self) -> float | None:
        """The least value that rounds to the printed figure."""
        return None if self.value is None or self.step is None else self.value - self.step / 2

    @property
    def high(self) -> float | None:
        """The greatest value that rounds to the printed figure."""
        return None if self.value is None or self.step is None else self.value + self.step / 2


@dataclass(frozen=True)
class Row:
    """One row of a table; `index` counts from 1 in the order printed; `trained_on` is None where
    the paper does not say; `target` and `split` are None where the table's or column's holds;
    `known_as` are other names of the same system, and `reference` marks people and upper bounds,
    which compete with no system."""

    system: str
    paper: str
    table: str
    index: int
    ours: bool
    cited: str | None
    marks: tuple[str, ...]
    footnotes: tuple[str, ...]
    group: str | None
    trained_on: tuple[str, ...] | None
    training: str | None
    domain: str
    target: str | None
    split: str | None
    options: Mapping[str, Any]
    note: str | None
    cells: Mapping[str, Cell]
    known_as: tuple[str, ...] = ()
    reference: bool = False

    @property
    def id(self) -> str:
        """``p2p.3.7``: paper, table, row."""
        return f"{self.paper}.{self.table}.{self.index}"


@dataclass(frozen=True)
class Table:
    """A result table; `file` is where it was read from, relative to the folder given."""

    paper: str
    table: str
    about: str
    target: str | None
    split: str
    scale: str
    domain: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str | None
    file: str

    def column(self, key: str) -> Column:
        """The column of that key; raises `KeyError`."""
        for column in self.columns:
            if column.key == key:
                return column
        raise KeyError(key)

    def target_of(self, row: Row, column: Column) -> str | None:
        """On which data set the figure of this row and column was measured."""
        return row.target or column.target or self.target

    def split_of(self, row: Row, column: Column) -> str:
        return row.split or column.split or self.split

    def domain_of(self, row: Row, column: Column) -> str:
        return column.domain or row.domain

    def trained_on(self, row: Row, column: Column) -> tuple[str, ...] | None:
        """What the system saw for the figure of this column, None where the paper does not say."""
        return row.trained_on if row.trained_on is not None else column.trained_on


@dataclass(frozen=True)
class Claim:
    """What a paper's text says of its tables, in our words; `details` are the keys that the kind
    asks for (docs/audit.md lists them); `index` counts from 1 in the file."""

    paper: str
    index: int
    where: str
    says: str
    kind: str
    tables: tuple[str, ...]
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Published:
    """All papers by id, all tables in order of paper and number, all claims."""

    papers: Mapping[str, Paper]
    tables: tuple[Table, ...]
    claims: tuple[Claim, ...]

    def table(self, paper: str, number: str) -> Table:
        """The table of that paper and number; raises `KeyError`."""
        for table in self.tables:
            if (table.paper, table.table) == (paper, number):
                return table
        raise KeyError(f"{paper} {number}")

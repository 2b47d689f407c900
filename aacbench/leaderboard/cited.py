"""Rows from papers' tables: every printed figure, on the board of the target it was measured on.

A printed row may hold figures of several targets, or of several conditions (a knowledge base of
three sizes); on boards each of these is a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, log10
from typing import TYPE_CHECKING, Any

from aacbench.leaderboard.columns import column as shown_column
from aacbench.leaderboard.columns import is_retrieval
from aacbench.leaderboard.rows import Row, Value, slug

if TYPE_CHECKING:
    from aacbench.leaderboard.paper_tables import Cell, Column, Published, Table
    from aacbench.leaderboard.paper_tables import Row as Printed

UNRANKED = "as printed in a paper: no captions, hence no interval and no rank"
PARAMETERS = "parameters"


@dataclass(frozen=True)
class _Place:
    """What tells the figures of one printed row apart."""

    target: str
    split: str
    domain: str
    trained_on: tuple[str, ...] | None
    condition: tuple[tuple[str, Any], ...]
    retrieval: bool


def rows_of(published: Published) -> list[Row]:
    """All rows of all tables that name a target."""
    return [
        row
        for table in published.tables
        for printed in table.rows
        for row in _rows(published, table, printed)
    ]


def _rows(published: Published, table: Table, printed: Printed) -> Iterator[Row]:
    places: dict[_Place, dict[str, Value]] = {}
    everywhere: dict[str, Value] = {}
    keys: dict[_Place | None, set[str]] = {}
    for column in table.columns:
        value = _value(column, printed.cells[column.key])
        if value is None:
            continue
        target = table.target_of(printed, column)
        if target is None or (_is_cost(column) and column.target is None and not column.condition):
            everywhere[column.id] = value
            keys.setdefault(None, set()).add(column.key)
        else:
            place = _place(table, printed, column, target)
            places.setdefault(place, {})[column.id] = value
            keys.setdefault(place, set()).add(column.key)
    names = _suffixes(list(places))
    for place, figures in places.items():
        row = _row(published, printed, place, {**figures, **everywhere}, names[place])
        yield replace(row, keys=frozenset(keys[place] | keys.get(None, set())))


def _is_cost(column: Column) -> bool:
    from aacbench.leaderboard.papers import UNSCALED

    return column.id in UNSCALED


def _place(table: Table, printed: Printed, column: Column, target: str) -> _Place:
    return _Place(
        target,
        table.split_of(printed, column),
        table.domain_of(printed, column),
        table.trained_on(printed, column),
        tuple(sorted(column.condition.items())),
        is_retrieval(column.id),
    )


def _suffixes(places: list[_Place]) -> dict[_Place, str]:
    """What follows a row's id: nothing where the row is of one place, else what differs."""
    parts = {place: _parts(place) for place in places}
    common = set.intersection(*(set(each) for each in parts.values())) if places else set()
    return {
        place: "".join(f".{slug(part)}" for part in each if part not in common)
        for place, each in parts.items()
    }


def _parts(place: _Place) -> list[str]:
    learnt = [] if place.trained_on is None else ["from " + " ".join(place.trained_on)]
    kind = ["retrieval"] if place.retrieval else []
    return [place.target, place.split, place.domain, *_spoken(place.condition), *learnt, *kind]


def _spoken(options: Iterable[tuple[str, Any]]) -> list[str]:
    """``["shots 5", "refined", "no rag"]``."""
    words = []
    for name, value in options:
        name = name.replace("_", " ")
        if isinstance(value, bool):
            words.append(name if value else f"without {name}")
        else:
            words.append(f"{name} {value}")
    return words


def _value(column: Column, cell: Cell) -> Value | None:
    if cell.value is None:
        return None
    decimals = shown_column(column.id).decimals
    if cell.step is not None:
        decimals = max(0, ceil(-log10(cell.step) - 1e-9))
    return Value(cell.value, decimals, printed=cell.printed, scale=column.scale, note=cell.note)


def _row(
    published: Published, printed: Printed, place: _Place, figures: Mapping[str, Value], suffix: str
) -> Row:
    options = _spoken((*sorted(printed.options.items()), *place.condition))
    size = figures.get(PARAMETERS)
    return Row(
        id=f"{printed.id}{suffix}",
        kind="published",
        system=printed.system + (f" ({', '.join(options)})" if options else ""),
        target=place.target,
        split=place.split,
        domain=_domain(place.domain),
        trained_on=place.trained_on,
        figures=figures,
        provenance={
            "kind": "paper",
            "paper": printed.paper,
            "title": published.papers[printed.paper].title,
            "table": printed.table,
            "row": printed.index,
        },
        unranked=UNRANKED,
        parameters=None if size is None else round(size.value),
        training=printed.training,
        marks=printed.marks,
        footnotes=printed.footnotes,
        note=printed.note,
        retrieval=place.retrieval,
    )


def _domain(verdict: str) -> dict[str, str]:
    """A paper says nothing of encoders: strictly, a row is in-domain or nobody knows."""
    strict = "in" if verdict == "in" else "unknown"
    return {"caption": verdict, "strict": strict, "reason": "as the paper's tables or text say"}

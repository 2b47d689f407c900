"""Figures that stand in another scale than their neighbours: percent among fractions, CIDEr x10.

A figure is held against the same metric on the same target in all other rows of all papers.  It is
doubted only when it stands alone: about ten or a hundred times their median, outside all of them,
and no other row near it; rows of weak systems do not look like that, a slip of scale does.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from statistics import median

from aacbench.leaderboard.audit.entries import (
    Entry,
    all_entries,
    finding,
    metrics,
    number,
    place,
    system,
)
from aacbench.leaderboard.audit.findings import Check, Finding
from aacbench.leaderboard.paper_tables import Published

OTHERS = 4
NEAR = 0.15
ALONE = 3.0
READABLE = 3.0
RETRIEVAL = ("recall", "precision", "f1")


def scale(published: Published) -> Iterator[Check]:
    """No figure is ten or a hundred times what all others are on its target."""
    groups: dict[Hashable, list[Entry]] = {}
    for entry in all_entries(published):
        if entry.metric in metrics() and not entry.metric.startswith(RETRIEVAL):
            groups.setdefault((entry.metric, entry.target), []).append(entry)
    for group in groups.values():
        columns = {(e.row.paper, e.row.table, e.column.key) for e in group}
        shifted = set()
        for key in sorted(columns):
            inside = [e for e in group if (e.row.paper, e.row.table, e.column.key) == key]
            outside = [e for e in group if (e.row.paper, e.row.table, e.column.key) != key]
            found = _column(inside, outside)
            if found is not None:
                shifted.add(key)
                yield Check(found.rows, found)
        for entry in group:
            if (entry.row.paper, entry.row.table, entry.column.key) not in shifted:
                others = [other for other in group if other is not entry]
                yield Check((entry.row.id,), _figure(entry, others))


def _column(inside: Sequence[Entry], outside: Sequence[Entry]) -> Finding | None:
    """A whole column against the same metric and target elsewhere."""
    if len(inside) < 3 or len(outside) < OTHERS:
        return None
    own, usual = (median([e.value for e in group]) for group in (inside, outside))
    power = _power(own, usual)
    if power is None or _overlap(inside, outside):
        return None
    first = inside[0]
    sentence = (
        f"The {first.name} column of table {first.table.table}{place(first)} has the median "
        f"{number(own, 4)} (read as fractions), {len(outside)} figures for the same target "
        f"elsewhere {number(usual, 4)}: about {_times(power)}, as of another scale."
    )
    return finding("scale", "doubt", sentence, inside)


def _figure(entry: Entry, others: Sequence[Entry]) -> Finding | None:
    """One figure against all others of its metric and target."""
    if len(others) < OTHERS or entry.value < READABLE * entry.step:
        return None
    usual = median(e.value for e in others)
    power = _power(entry.value, usual)
    if power is None or _overlap([entry], others):
        return None
    sentence = (
        f"{system(entry.row, entry.table)}{place(entry)} prints {entry.name} {entry.shown}; the "
        f"median of {len(others)} other rows is {number(usual * entry.factor, entry.cell.digits)} "
        f"in that scale: about {_times(power)}, as of another scale."
    )
    return finding("scale", "doubt", sentence, [entry])


def _power(value: float, usual: float) -> int | None:
    """The power of ten, one or two either way, by which `value` is off; None where it is not."""
    if value <= 0 or usual <= 0:
        return None
    power = math.log10(value / usual)
    nearest = round(power)
    return nearest if nearest in (-2, -1, 1, 2) and abs(power - nearest) <= NEAR else None


def _overlap(inside: Sequence[Entry], outside: Sequence[Entry]) -> bool:
    """Whether any of the others is near any of these."""
    return any(
        other.value > 0 and 1 / ALONE <= entry.value / other.value <= ALONE
        for entry in inside
        for other in outside
    )


def _times(power: int) -> str:
    return f"{10**power} times that" if power > 0 else f"a {10**-power}th of that"

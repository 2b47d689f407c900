"""Bold and underlined figures against the order of their column.

A mark is held against the rows of the same target, in the whole table or in the mark's own group,
whichever it suits; people and upper bounds do not compete.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aacbench.leaderboard.audit.entries import (
    Entry,
    better,
    entries,
    finding,
    listed,
    metrics,
    place,
    system,
    tied,
)
from aacbench.leaderboard.audit.findings import Check, Finding
from aacbench.leaderboard.paper_tables import Published

MEANS = {"bold": ("the best", 0), "underlined": ("the second best", 1)}
SHOWN = 4


def emphasis(published: Published) -> Iterator[Check]:
    """What is bold is the best of its column, what is underlined the second best."""
    for table in published.tables:
        columns: dict[tuple[str, str | None], list[Entry]] = {}
        for entry in entries(table):
            if entry.metric in metrics():
                columns.setdefault((entry.column.key, entry.target), []).append(entry)
        for column in columns.values():
            for entry in column:
                if entry.cell.emphasis is not None:
                    yield Check((entry.row.id,), _judged(entry, column))


def _fields(entry: Entry, column: Sequence[Entry]) -> list[list[Entry]]:
    """What a mark may be meant among: the table, its group; without people, or with them."""
    fields = []
    for group in (column, [e for e in column if e.row.group == entry.row.group]):
        fields += [[e for e in group if not e.row.reference], list(group)]
    return fields


def _judged(entry: Entry, column: Sequence[Entry]) -> Finding | None:
    meaning, allowed = MEANS[str(entry.cell.emphasis)]
    fields = _fields(entry, column)
    for field in fields:
        # second best: behind one row, or behind several that share the best figure
        ahead = [other for other in field if better(other, entry)]
        if len({other.cell.read for other in ahead}) == allowed:
            return _tied(entry, field, meaning)
    return _misplaced(entry, [other for other in fields[0] if better(other, entry)], meaning)


def _tied(entry: Entry, field: Sequence[Entry], meaning: str) -> Finding | None:
    equal = [
        other
        for other in field
        if other is not entry and tied(other, entry) and other.cell.emphasis is None
    ]
    if not equal:
        return None
    sentence = (
        f"{entry.named}{place(entry)} is {entry.cell.emphasis} as {meaning}; "
        f"{listed(system(o.row, o.table) for o in equal)} "
        f"{'has' if len(equal) == 1 else 'have'} the same figure without the mark."
    )
    return finding("emphasis", "remark", sentence, [entry])


def _misplaced(entry: Entry, ahead: Sequence[Entry], meaning: str) -> Finding:
    who = f"{entry.named}{place(entry)} is {entry.cell.emphasis} as {meaning}, but"
    if not ahead:
        sentence = f"{who} no other row has a better one."
    else:
        more = f" and {len(ahead) - SHOWN} more" if len(ahead) > SHOWN else ""
        verb = "is" if len(ahead) == 1 else "are"
        sentence = f"{who} {listed(other.said for other in ahead[:SHOWN])}{more} {verb} better."
    return finding("emphasis", "doubt", sentence, [entry])

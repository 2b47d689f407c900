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


def emphasis(published: Published) -> Iterator[Check]:
    """What is bold is the best of its column, what is underlined the second best."""
    for table in published.tables:
        columns: dict[tuple[str, str | None], list[Entry]] = {}
        for entry in entries(table):
            if entry.metric in metrics() and not entry.row.reference:
                columns.setdefault((entry.column.key, entry.target), []).append(entry)
        for column in columns.values():
            for entry in column:
                if entry.cell.emphasis is not None:
                    yield Check((entry.row.id,), _judged(entry, column))


def _judged(entry: Entry, column: Sequence[Entry]) -> Finding | None:
    meaning, allowed = MEANS[str(entry.cell.emphasis)]
    groups = [column, [other for other in column if other.row.group == entry.row.group]]
    ahead = [[other for other in group if better(other, entry)] for group in groups]
    # second best: behind one row, or behind several that share the best figure
    levels = [len({other.cell.read for other in group}) for group in ahead]
    if not any(level == allowed for level in levels):
        return _misplaced(entry, ahead[0], meaning, levels[0])
    equal = [
        other
        for other in column
        if other is not entry and tied(other, entry) and other.cell.emphasis is None
    ]
    if not equal:
        return None
    sentence = (
        f"{system(entry.row, entry.table)}'s {entry.name} {entry.shown}{place(entry)} is "
        f"{entry.cell.emphasis} as {meaning}; {listed(system(o.row, o.table) for o in equal)} "
        f"{'has' if len(equal) == 1 else 'have'} the same figure without the mark."
    )
    return finding("emphasis", "remark", sentence, [entry, *equal])


def _misplaced(entry: Entry, ahead: Sequence[Entry], meaning: str, levels: int) -> Finding:
    who = f"{system(entry.row, entry.table)}'s {entry.name} {entry.shown}{place(entry)}"
    if not levels:
        sentence = (
            f"{who} is {entry.cell.emphasis} as {meaning}, but no other row has a better one."
        )
    else:
        named = listed(f"{system(o.row, o.table)} ({o.shown})" for o in ahead[:4])
        more = f" and {len(ahead) - 4} more" if len(ahead) > 4 else ""
        verb = "is" if len(ahead) == 1 else "are"
        sentence = f"{who} is {entry.cell.emphasis} as {meaning}, but {named}{more} {verb} better."
    return finding("emphasis", "doubt", sentence, [entry, *ahead])

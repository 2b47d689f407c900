"""Two figures of a row that look exchanged: their order is the reverse of every other row's."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import combinations

from aacbench.leaderboard.audit.entries import (
    Entry,
    finding,
    metrics,
    place,
    sets,
    system,
    tied,
)
from aacbench.leaderboard.audit.findings import Check, Finding
from aacbench.leaderboard.paper_tables import Published

OTHERS = 8
APART = 1.1
Pair = tuple[Entry, Entry]


def usual_order(published: Published) -> Iterator[Check]:
    """Where METEOR, say, is above SPICE in every other row of a target, it is in this one.

    Doubted only where eight other rows or more agree by a tenth and more, and where exchanging
    the two would put both among the others' figures, which they are not as printed.
    """
    pairs: dict[Hashable, list[Pair]] = {}
    for table in published.tables:
        for row in table.rows:
            for figures in sets(table, row):
                for one, other in _pairs(figures):
                    kind = (one.target, one.metric, other.metric)
                    pairs.setdefault(kind, []).append((one, other))
    for those in pairs.values():
        for pair in those:
            others = [other for other in those if other is not pair]
            if len(others) >= OTHERS:
                yield Check((pair[0].row.id,), _exchanged(pair, others))


def _pairs(figures: Mapping[str, Entry]) -> Iterator[Pair]:
    for one, other in combinations(sorted(figures), 2):
        known = metrics().get(one)
        if known is not None and other in metrics() and other not in known.alike:
            yield figures[one], figures[other]


def _exchanged(pair: Pair, others: Sequence[Pair]) -> Finding | None:
    upper, lower = pair if pair[0].value > pair[1].value else pair[::-1]
    first = pair.index(upper)
    ups = [other[first].value for other in others]
    lows = [other[1 - first].value for other in others]
    usual = all(up * APART <= low for up, low in zip(ups, lows, strict=True))
    if tied(lower, upper) or not usual:
        return None
    if not (_within(lower, ups) and _within(upper, lows)):
        return None
    if _within(upper, ups) and _within(lower, lows):
        return None
    sentence = (
        f"{system(upper.row, upper.table)}{place(upper)} prints {upper.name} {upper.shown} above "
        f"{lower.name} {lower.shown}; in all {len(others)} other rows on {upper.target} it is "
        f"below. The two look exchanged."
    )
    return finding("usual-order", "doubt", sentence, [upper, lower])


def _within(entry: Entry, values: Sequence[float]) -> bool:
    return min(values) <= entry.value <= max(values)

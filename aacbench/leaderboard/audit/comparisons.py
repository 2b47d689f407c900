"""Claims that set one row against another: better, fewer, by how much, no change, a rise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from aacbench.leaderboard.audit.entries import NEARLY, Entry, better, number, place, system, tied
from aacbench.leaderboard.audit.findings import Check
from aacbench.leaderboard.audit.selecting import Reading, phrases, some

CLEARLY_WORSE = 0.1


def order(reading: Reading) -> Iterator[Check]:
    """Every row of `system` is better than every row of `over` that it pairs with."""
    pairs = _pairs(reading)
    wrong = [(one, other) for one, other in pairs if better(other, one)]
    equal = [(one, other) for one, other in pairs if tied(one, other)]
    if reading.get("strict") is False:
        equal = []
    told = [_against(one, other) for one, other in (*wrong, *equal)]
    details = None
    if told:
        held = (
            f" ({len(pairs) - len(told)} of {len(pairs)} comparisons hold)"
            if len(pairs) > 1
            else ""
        )
        details = f"In the table: {phrases(told, 6)}{held}."
    about = [one for one, _ in ((*wrong, *equal) or pairs)]
    yield reading.check("contradiction" if wrong else "doubt", details, about)


def _against(one: Entry, other: Entry) -> str:
    equal = ", a tie" if tied(one, other) else ""
    who = f"{system(one.row, one.table)}{place(one)}"
    if one.row is other.row and one.table is other.table:
        return f"{who} has {one.figure} against {other.shown}{other.at}{equal}"
    elsewhere = "" if one.table is other.table else f" in table {other.table.table}"
    return f"{one.figure} of {who} against {other.said}{elsewhere}{equal}"


def _pairs(reading: Reading) -> list[tuple[Entry, Entry]]:
    columns, over_columns = reading.get("columns"), reading.get("over_columns")
    ones = reading.chosen(reading.get("system"), columns)
    if over_columns is not None:
        by_place = {
            (e.row.id, e.column.key): e for e in reading.chosen(reading.get("system"), over_columns)
        }
        match = dict(zip(columns, over_columns, strict=True))
        return [
            (one, by_place[one.row.id, match[one.column.key]])
            for one in ones
            if (one.row.id, match.get(one.column.key)) in by_place
        ]
    over = reading.get("over")
    others = reading.chosen(over if over is not None else {}, columns)
    others = [other for other in others if all(other.row is not one.row for one in ones)]
    fields = reading.get("pair_by") or ()
    named = isinstance(over, Mapping) and "target" in over
    return [
        (one, other)
        for one in ones
        for other in others
        if _same_column(one, other)
        and (named or one.target == other.target)
        and all(_field(one, field) == _field(other, field) for field in fields)
    ]


def _same_column(one: Entry, other: Entry) -> bool:
    if one.table is other.table:
        return one.column.key == other.column.key
    return one.metric == other.metric


def _field(entry: Entry, name: str) -> Any:
    if name.startswith("options."):
        return entry.row.options.get(name.removeprefix("options."))
    return entry.target if name == "target" else getattr(entry.row, name, None)


def fewer(reading: Reading) -> Iterator[Check]:
    """`system` has less of something than each of `over`: parameters, hours, milliseconds."""
    pairs = _pairs(reading)
    more = [
        (one, other) for one, other in pairs if one.value >= other.value and not tied(one, other)
    ]
    details = None
    if more:
        who = system(more[0][0].row, more[0][0].table)
        told = some([f"{other.shown} of {system(other.row, other.table)}" for _, other in more], 6)
        details = (
            f"{who} has {more[0][0].shown} ({more[0][0].name}); {len(more)} of {len(pairs)} others "
            f"have less: {told}."
        )
    yield reading.check("doubt", details, [one for one, _ in (more or pairs)])


def unchanged(reading: Reading) -> Iterator[Check]:
    """The two are equal as printed, or within `tolerance` per cent of the second."""
    room = reading.get("tolerance")
    pairs = _pairs(reading)
    told, about = [], []
    for one, other in pairs:
        low, high = _change(one, other)
        nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
        if not tied(one, other) if room is None else nearest > room + NEARLY:
            told.append(
                f"{_against(one, other)}, {number(100 * (one.value / other.value - 1), 1)} %"
                if other.value
                else _against(one, other)
            )
            about.append(one)
    details = f"In the table: {phrases(told, 6)}." if told else None
    yield reading.check("doubt", details, about or [one for one, _ in pairs])


def _change(one: Entry, other: Entry) -> tuple[float, float]:
    """Least and greatest relative change in per cent that rounding leaves possible."""
    low = one.low / other.high if other.high > 0 else float("inf")
    high = one.high / other.low if other.low > 0 else float("inf")
    return 100 * (low - 1), 100 * (high - 1)


def relative_improvement(reading: Reading) -> Iterator[Check]:
    """(a - b) / b of `system` over the best of `over` is the stated number of per cent."""
    for one, other in _best_pairs(reading):
        low, high = _change(one, other)
        if not one.column.higher_is_better:
            low, high = -high, -low
        yield _stated(reading, one, other, low, high, " %", "")


def absolute_improvement(reading: Reading) -> Iterator[Check]:
    """a - b of `system` over the best of `over` is the stated number, as printed."""
    for one, other in _best_pairs(reading):
        factor = 1.0 if reading.get("unit") == "fraction" else one.factor
        low, high = (one.low - other.high) * factor, (one.high - other.low) * factor
        if not one.column.higher_is_better:
            low, high = -high, -low
        yield _stated(reading, one, other, low, high, "", "a difference of ")


def ratio(reading: Reading) -> Iterator[Check]:
    """`system`'s figure is the stated share of `over`'s; per cent unless `unit` says fraction."""
    for one, other in _best_pairs(reading):
        low, high = _change(one, other)
        times, sign = (0.01, "") if reading.get("unit") == "fraction" else (1.0, " %")
        yield _stated(
            reading, one, other, (low + 100) * times, (high + 100) * times, sign, "a share of "
        )


def _stated(
    reading: Reading, one: Entry, other: Entry, low: float, high: float, unit: str, what: str
) -> Check:
    stated = reading.stated()
    room = reading.get("tolerance") or 0.5 * 10.0**-stated.digits
    details = None
    if stated.read < low - room - NEARLY or stated.read > high + room + NEARLY:
        digits = max(stated.digits + 1, 1)
        details = (
            f"The table gives {_against(one, other)}: "
            f"{what}{number((low + high) / 2, digits)}{unit}, not "
            f"{number(stated.read, stated.digits)}{unit} (rounding allows {number(low, digits)} "
            f"to {number(high, digits)})."
        )
    return reading.check("contradiction", details, [one])


def _best_pairs(reading: Reading) -> Iterator[tuple[Entry, Entry]]:
    """The best of `system` and the best of `over`, on each target and column."""
    groups: dict[tuple[Any, ...], list[tuple[Entry, Entry]]] = {}
    for one, other in _pairs(reading):
        groups.setdefault((one.target, one.table.table, one.column.key), []).append((one, other))
    for group in groups.values():
        yield _best([one for one, _ in group]), _best([other for _, other in group])


def _best(figures: Sequence[Entry]) -> Entry:
    higher = figures[0].column.higher_is_better
    return max(figures, key=lambda entry: entry.value if higher else -entry.value)


def comparable(reading: Reading) -> Iterator[Check]:
    """Words without a number: a remark where the best of one is clearly behind the other's."""
    told, about, seen = [], [], []
    for one, other in _best_pairs(reading):
        seen.append(one)
        if not better(other, one) or not other.value:
            continue
        behind = abs(other.value - one.value) / abs(other.value)
        if behind > CLEARLY_WORSE:
            told.append(f"{_against(one, other)}, {number(100 * behind, 0)} % behind")
            about.append(one)
    details = f"In the table: {phrases(told, 6)}." if told else None
    yield reading.check("remark", details, about or seen)


def monotone(reading: Reading) -> Iterator[Check]:
    """Figures rise (or fall, `direction`) over the columns listed, or down the rows (`along`)."""
    down = reading.get("direction") == "down"
    told, about, seen = [], [], []
    for figures in _series(reading):
        seen += figures
        for before, after in pairwise(figures):
            flat = tied(before, after)
            if (flat and reading.get("strict")) or (
                not flat and (after.value < before.value) != down
            ):
                told.append(_step(before, after))
                about += [before, after]
    details = f"In the table: {phrases(told, 8)}." if told else None
    wrong = any(not tied(a, b) for a, b in zip(about[::2], about[1::2], strict=True))
    yield reading.check("contradiction" if wrong else "doubt", details, about or seen)


def _step(before: Entry, after: Entry) -> str:
    if before.row is after.row:
        who = f"{system(before.row, before.table)}{place(before)}"
        return f"{who} has {before.figure}, then {after.shown}{after.at}"
    return f"{before.named}, then {after.said}"


def _series(reading: Reading) -> Iterator[list[Entry]]:
    along = reading.get("along") or "columns"
    columns = reading.get("columns")
    figures = reading.chosen(reading.get("system"), columns)
    groups: dict[Any, list[Entry]] = {}
    for entry in figures:
        key = entry.row.id if along == "columns" else entry.column.key
        groups.setdefault((key, entry.target), []).append(entry)
    for group in groups.values():
        if along == "columns":
            names = list(columns or ())
            group.sort(key=lambda e: names.index(e.column.key) if e.column.key in names else 0)
        elif along != "rows":
            group.sort(key=lambda e: e.row.options.get(along, 0))
        yield group

"""Claims that state a number: a figure of a table, a size, a sum; and which table is which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aacbench.errors import BadData
from aacbench.leaderboard.audit.entries import NEARLY, Entry, entries, listed, number, place, system
from aacbench.leaderboard.audit.findings import Check
from aacbench.leaderboard.audit.selecting import Reading, some
from aacbench.leaderboard.paper_tables import Published
from aacbench.leaderboard.printed import FACTORS


def value(reading: Reading) -> Iterator[Check]:
    """The text and the table print the same figure, each at its own precision."""
    stated = reading.stated()
    for entry in reading.chosen(reading.get("system"), reading.get("columns")):
        scale = FACTORS.get(str(reading.get("unit")), entry.factor)
        room = reading.get("tolerance") or 0.5 * 10.0**-stated.digits
        off = abs(stated.read / scale - entry.value)
        details = None
        if off >= room / scale + entry.step / 2 - NEARLY:
            details = (
                f"The text has {number(stated.read, stated.digits)}; table {entry.table.table} "
                f"prints {entry.name} {entry.shown} for {system(entry.row, entry.table)}"
                f"{place(entry)}.{_elsewhere(entry, stated.read / scale)}"
            )
        yield reading.check("contradiction", details, [entry])


def _elsewhere(entry: Entry, stated: float) -> str:
    """Which other row of that target has the figure that the text states."""
    found = [
        other
        for other in entries(entry.table)
        if other.column.key == entry.column.key
        and other.target == entry.target
        and other.row is not entry.row
        and abs(other.value - stated) < other.step / 2
    ]
    who = some([system(other.row, other.table) for other in found]) if found else ""
    return f" The text's figure is that of {who}." if who else ""


def parameters(reading: Reading) -> Iterator[Check]:
    """A stated size against the table's, where the claim names a column or another paper's."""
    if reading.get("other") is not None:
        yield from same(reading)
    elif reading.get("columns") is not None and reading.claim.tables:
        yield from value(reading)


def same(reading: Reading) -> Iterator[Check]:
    """Two places that print one run, or one stated number and the place that prints it."""
    other = reading.get("other")
    if not isinstance(other, Mapping):
        raise BadData(
            f"{reading.claim.paper}/claims.toml, claim {reading.claim.index}: no `other`.",
            'Add: other = { table = "2", system = "...", columns = ["spider"] }',
        )
    its = _others(reading, other)
    if reading.get("value") is not None:
        stated = reading.stated()
        room = reading.get("tolerance") or 0.5 * 10.0**-stated.digits
        wrong = [
            e
            for e in its
            if abs(e.value * e.factor - stated.read) >= room + e.step * e.factor / 2 - NEARLY
        ]
        text = f"{number(stated.read, stated.digits)}"
        told = some([f"{_place(entry)} prints {entry.said}" for entry in wrong])
        yield reading.check("doubt", f"The text has {text}; {told}." if wrong else None, its)
        return
    for one in reading.chosen(reading.get("system"), reading.get("columns")):
        for entry in its:
            apart = abs(one.value - entry.value) >= (one.step + entry.step) / 2 - NEARLY
            details = None
            if apart:
                details = (
                    f"{_place(one)} prints {one.name} {one.shown} for {system(one.row, one.table)}"
                    f"{place(one)}, {_place(entry)} {entry.shown} for "
                    f"{system(entry.row, entry.table)}."
                )
            yield reading.check("contradiction", details, [one, entry])


def _place(entry: Entry) -> str:
    return f"{entry.row.paper} table {entry.row.table}"


def _others(reading: Reading, other: Mapping[str, Any]) -> Sequence[Entry]:
    paper = other.get("paper", reading.claim.paper)
    tables = [
        table
        for table in reading.published.tables
        if table.paper == paper and table.table == other.get("table")
    ]
    selector = other.get("system")
    chosen = {"system": selector} if isinstance(selector, str) else dict(selector or {})
    chosen["target"] = other.get("target") or reading.get("target")
    if chosen["target"] is None:
        del chosen["target"]
    found = reading.entries(chosen, columns=other.get("columns"), tables=tables)
    if not found:
        raise BadData(
            f"{reading.claim.paper}/claims.toml, claim {reading.claim.index}: "
            f"other = {dict(other)!r} chooses no figure.",
            "Mend its table, target, system or columns.",
        )
    return found


def count(reading: Reading) -> Iterator[Check]:
    """A stated number is the sum, or the ratio, of other numbers that the text states."""
    of = reading.get("of")
    if of is None:
        return
    stated = reading.stated()
    room = reading.get("tolerance") or 0.5 * 10.0**-stated.digits
    for how, parts in of.items():
        if how == "sum":
            found, said = sum(parts), " + ".join(f"{part:,g}" for part in parts)
        elif how == "ratio" and len(parts) == 2 and parts[1]:
            found, said = parts[0] / parts[1], f"{parts[0]:,g} / {parts[1]:,g}"
        else:
            raise BadData(
                f"{reading.claim.paper}/claims.toml, claim {reading.claim.index}: of = {how}.",
                "Write: of = { sum = [1, 2] } or of = { ratio = [4, 2] }",
            )
        details = None
        if abs(found - stated.read) > room + NEARLY:
            details = f"{said} is {found:,.4g}, not {stated.read:,g}."
        yield reading.check("doubt", details, [])


def measured_on(reading: Reading) -> Iterator[Check]:
    """The table that the text names is on the target that the text says."""
    wanted = reading.get("target")
    for table in reading.tables():
        targets = {entry.target for entry in entries(table)} - {None}
        details = None
        if wanted not in targets:
            right = [
                other.table
                for other in reading.published.tables
                if other.paper == table.paper and wanted in {e.target for e in entries(other)}
            ]
            instead = f"; table {listed(right)} is on {wanted}" if right else ""
            there = listed(sorted(str(name) for name in targets))
            details = f"Table {table.table} is on {there}{instead}."
        yield reading.check("doubt", details, list(entries(table))[:1] if details is None else [])


def sizes_agree(published: Published) -> Iterator[Check]:
    """What several papers state of one data set's size is the same, as far as they round."""
    stated = [
        reading
        for claim in published.claims
        if (reading := Reading(published, claim)).get("dataset") and reading.get("what")
    ]
    for place_, one in enumerate(stated):
        for other in stated[place_ + 1 :]:
            subject = one.get("dataset"), one.get("what")
            if subject != (other.get("dataset"), other.get("what")):
                continue
            numbers = one.stated(), other.stated()
            rooms = [
                reading.get("tolerance") or 0.5 * 10.0**-figure.digits
                for reading, figure in zip((one, other), numbers, strict=True)
            ]
            details = None
            if abs(numbers[0].read - numbers[1].read) > sum(rooms) + NEARLY:
                details = (
                    f"{other.claim.paper} ({other.claim.where}) has {numbers[1].read:,g} "
                    f"{subject[1]} of {subject[0]} against {numbers[0].read:,g}."
                )
            yield one.check("doubt", details, [], "sizes-agree")

"""Claims that something is best: "state of the art", "highest", "in all metrics", "second best".

A claim is held against the rows of each target by itself.  Equal figures are ties and are said to
be; people and upper bounds are named where they are better, and refute nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aacbench.leaderboard.audit.entries import Entry, better, system, tied
from aacbench.leaderboard.audit.findings import Check
from aacbench.leaderboard.audit.selecting import Reading, some


@dataclass(frozen=True)
class Contest:
    """One column on one target: the figures claimed for, and all others that compete."""

    claimed: Sequence[Entry]
    others: Sequence[Entry]
    references: Sequence[Entry]

    @property
    def ahead(self) -> list[Entry]:
        """Others that beat every figure claimed for, the best first."""
        found = [o for o in self.others if all(better(o, c) for c in self.claimed)]
        return sorted(found, key=_order)

    @property
    def top(self) -> Entry:
        return min(self.claimed, key=_order)

    @property
    def beside(self) -> list[Entry]:
        """Others that the best figure claimed for only ties with; a paper's own system in another
        of its tables is the same system."""
        return [
            other
            for other in self.others
            if tied(other, self.top)
            and not (other.row.ours and self.top.row.ours and other.table is not self.top.table)
        ]

    def lost(self) -> str:
        """``SPIDEr 8.8 of OURS against 10.5 of RIVAL``."""
        return f"{self.top.named} against {some([other.said for other in self.ahead])}"


def _order(entry: Entry) -> float:
    return -entry.value if entry.column.higher_is_better else entry.value


def _who(entry: Entry) -> str:
    return system(entry.row, entry.table)


def contests(reading: Reading, rows: Sequence[Entry] | None = None) -> dict[str, list[Contest]]:
    """By place (table, and target where there are several) the contest of each column."""
    claimed = (
        reading.chosen(reading.get("system"), reading.get("columns")) if rows is None else rows
    )
    tables = reading.get("among_tables")
    several = len({(e.table.table, e.target) for e in claimed}) > 1
    found: dict[str, dict[str, Contest]] = {}
    for entry in claimed:
        where = f"table {entry.table.table}"
        if several or len({e.target for e in reading.entries(None)}) > 1:
            where += f" on {entry.target}"
        columns = found.setdefault(where, {})
        if entry.column.key in columns:
            continue
        own = [
            e
            for e in claimed
            if (e.table, e.target, e.column.key) == (entry.table, entry.target, entry.column.key)
        ]
        field = reading.entries(
            reading.get("among"),
            columns=[entry.metric] if tables else [entry.column.key],
            tables=reading.tables(tables) if tables else [entry.table],
        )
        rivals = [e for e in field if e.target == entry.target and e not in own]
        columns[entry.column.key] = Contest(
            own,
            [e for e in rivals if not e.row.reference],
            [e for e in rivals if e.row.reference],
        )
    return {where: list(columns.values()) for where, columns in found.items()}


def best(reading: Reading) -> Iterator[Check]:
    """Some row claimed for has the best figure of each column."""
    for where, columns in contests(reading).items():
        lost = [contest for contest in columns if contest.ahead]
        yield from _verdict(reading, where, columns, lost)


def best_all(reading: Reading) -> Iterator[Check]:
    """One and the same row is best in every column."""
    for where, columns in contests(reading).items():
        rows = {entry.row.id: entry.row for contest in columns for entry in contest.claimed}
        alone = []
        for name in rows:
            own = [
                Contest([e for e in c.claimed if e.row.id == name], c.others, c.references)
                for c in columns
                if any(e.row.id == name for e in c.claimed)
            ]
            among = [
                Contest(
                    o.claimed,
                    [*o.others, *(e for e in c.claimed if e.row.id != name)],
                    o.references,
                )
                for o, c in zip(own, columns, strict=False)
            ]
            alone.append(among if reading.get("among") is None else own)
        # of several rows claimed for, the one that comes nearest to being best in all
        nearest = min(alone, key=lambda those: sum(bool(c.ahead) for c in those))
        lost = [contest for contest in nearest if contest.ahead]
        yield from _verdict(reading, where, nearest, lost)


def _verdict(
    reading: Reading, where: str, columns: Sequence[Contest], lost: Sequence[Contest]
) -> Iterator[Check]:
    about = [contest.top for contest in columns]
    if lost:
        won = len(columns) - len(lost)
        rest = f" ({won} of {len(columns)} columns hold)" if len(columns) > 1 and won else ""
        details = f"In {where}: {'; '.join(c.lost() for c in lost)}{rest}."
        yield reading.check("contradiction", details, [contest.top for contest in lost])
        return
    equal = [contest for contest in columns if contest.beside]
    if equal and reading.get("strict") is not False:
        details = f"In {where} only by a tie: " + "; ".join(
            f"{c.top.named}, and of {some([_who(other) for other in c.beside])}" for c in equal
        )
        ties = [contest.top for contest in equal]
        yield reading.check("doubt" if reading.get("strict") else "remark", f"{details}.", ties)
        return
    above = [c for c in columns if any(better(r, c.top) for r in c.references)]
    if above and reading.get("among") is None:
        details = f"In {where}, leaving aside rows that are no systems: " + "; ".join(
            f"{c.top.named} against {some([r.said for r in c.references if better(r, c.top)])}"
            for c in above
        )
        yield reading.check("remark", f"{details}.", [c.top for c in above])
        return
    yield reading.check("remark", None, about)


def second_best(reading: Reading) -> Iterator[Check]:
    """Exactly one better figure, or one that several share, in each column."""
    for where, columns in contests(reading).items():
        wrong = []
        for contest in columns:
            ahead = [o for o in contest.others if better(o, contest.top)]
            if len({o.cell.read for o in ahead}) != 1:
                behind = some([o.said for o in sorted(ahead, key=_order)]) if ahead else "none"
                wrong.append(f"{contest.top.named} is behind {behind}")
        details = f"In {where}: {'; '.join(wrong)}." if wrong else None
        yield reading.check("contradiction", details, [c.top for c in columns])


def most_best(reading: Reading) -> Iterator[Check]:
    """Best in more than half of the columns."""
    for where, columns in contests(reading).items():
        lost = [contest for contest in columns if contest.ahead]
        won = len(columns) - len(lost)
        details = None
        if 2 * won <= len(columns):
            details = (
                f"In {where} it is best in {won} of {len(columns)} columns: "
                f"{'; '.join(c.lost() for c in lost)}."
            )
        yield reading.check("contradiction", details, [c.top for c in columns])


def not_best(reading: Reading) -> Iterator[Check]:
    """Others are better in each column."""
    for where, columns in contests(reading).items():
        won = [contest for contest in columns if not contest.ahead]
        details = None
        if won:
            ahead = "; ".join(contest.top.named for contest in won)
            details = f"In {where} none is better than {ahead}."
        yield reading.check("doubt", details, [c.top for c in (won or columns)])


def peak_at(reading: Reading) -> Iterator[Check]:
    """The best figure stands at the place named: a column of `columns`, or a row."""
    at = reading.get("at")
    if isinstance(at, str) and at in (reading.get("columns") or ()):
        yield from _peak_in_row(reading, at)
        return
    chosen = (
        at if not isinstance(at, dict) or "options" in at or "system" in at else {"options": at}
    )
    for where, columns in contests(reading, reading.chosen(chosen, reading.get("columns"))).items():
        lost = [contest for contest in columns if contest.ahead]
        details = f"In {where}: {'; '.join(c.lost() for c in lost)}." if lost else None
        about = [contest.top for contest in lost or columns]
        yield reading.check("contradiction", details, about)


def _peak_in_row(reading: Reading, at: str) -> Iterator[Check]:
    rows: dict[str, list[Entry]] = {}
    for entry in reading.chosen(reading.get("system"), reading.get("columns")):
        rows.setdefault(f"{entry.row.id} {entry.target}", []).append(entry)
    for figures in rows.values():
        peak = next((entry for entry in figures if entry.column.key == at), None)
        if peak is None:
            continue
        ahead = sorted((e for e in figures if better(e, peak)), key=_order)
        details = None
        if ahead:
            others = some([f"{entry.shown}{entry.at}" for entry in ahead])
            details = f"{_who(peak)} has {peak.figure}, but {others}."
        yield reading.check("contradiction", details, [peak, *ahead])

"""Who is first on a board, how surely, and who may be in bold.

Ranked is what can be compared: whole targets, the same references, the same judge in the same
version, no system judged by its own model. For figures that are means of clips, a rank's interval
is the percentile interval of the rank under a joint bootstrap over clips. Others (BLEU, METEOR,
event F1) cannot be resampled from what a board holds: their ranks go from the rows whose intervals
lie wholly above to those whose intervals lie wholly below, which is wider.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from aacbench import stats
from aacbench.leaderboard.clips import DIGITS, LEVEL, Together, is_mean
from aacbench.leaderboard.columns import Column
from aacbench.leaderboard.results import Result
from aacbench.leaderboard.rows import Row

ALPHA = 0.05
Label = TypeVar("Label", bound=Hashable)


@dataclass(frozen=True)
class Rank:
    """Place 1 is the best; equal rows share the better one. `low` and `high` are its interval."""

    rank: int
    low: int
    high: int


@dataclass(frozen=True)
class Note:
    """What there is to say of some columns."""

    columns: tuple[Column, ...]
    sentence: str

    def text(self, figures: Collection[str] | None = None) -> str | None:
        """``SPIDEr, FENSE: ...``, of these figures alone; None where it is about others."""
        labels = [one.label for one in self.columns if figures is None or one.id in figures]
        return f"{', '.join(labels)}: {self.sentence}" if labels else None


@dataclass(frozen=True)
class Standings:
    """By figure: ranks by row, the rows in bold, and why there are none."""

    ranks: Mapping[str, Mapping[str, Rank]] = field(default_factory=dict)
    best: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def said(self, figures: Collection[str] | None = None) -> list[str]:
        """The notes as sentences, of all figures or of these alone."""
        return [text for note in self.notes if (text := note.text(figures)) is not None]


def commonest(labels: Iterable[Label]) -> Label | None:
    """The label that most have, the first in order of those; None without labels."""
    counts = Counter(labels)
    return min(counts, key=lambda one: (-counts[one], repr(one)), default=None)


def standings(rows: Sequence[Row], columns: Sequence[Column]) -> Standings:
    """The ranks of a board's rows in each of the columns that has a better side."""
    notes = _Notes()
    fields: dict[str, tuple[Row, ...]] = {}
    for column in columns:
        if column.higher_is_better is None:
            continue
        field_of = _contenders(rows, column, notes)
        if field_of:
            fields[column.id] = field_of
    together = _resampled(fields)
    known = {column.id: column for column in columns}
    ranks, best = {}, {}
    for figure, contenders in fields.items():
        column = known[figure]
        ranks[figure] = _ranks(column, contenders, together.get(figure))
        winner = _best(column, contenders, together.get(figure), notes)
        if winner is not None:
            best[figure] = (winner,)
    return Standings(ranks, best, notes.all())


class _Notes:
    """Sentences about columns; those that say the same of several name them all."""

    def __init__(self) -> None:
        self._said: dict[str, list[Column]] = {}

    def add(self, column: Column, sentence: str) -> None:
        self._said.setdefault(sentence, []).append(column)

    def all(self) -> tuple[Note, ...]:
        return tuple(Note(tuple(columns), text) for text, columns in self._said.items())


def _contenders(rows: Sequence[Row], column: Column, notes: _Notes) -> tuple[Row, ...]:
    """The rows that are ranked in a column: by one judge, and not by themselves."""
    figure = column.id
    there = [row for row in rows if row.unranked is None and figure in row.figures]
    judge = commonest(row.judges[figure] for row in there if not row.figures[figure].self_scored)
    contenders = []
    for row in there:
        if row.figures[figure].self_scored:
            notes.add(column, f"{row.system} is judged by a model of its own and has no rank.")
        elif row.judges[figure] != judge:
            expression, version = row.judges[figure]
            notes.add(
                column, f"{row.system} has no rank: its judge is {expression}, version {version}."
            )
        else:
            contenders.append(row)
    return tuple(contenders)


def _result(row: Row) -> Result:
    assert row.behind is not None, row.id
    return row.behind


def _resampled(fields: Mapping[str, tuple[Row, ...]]) -> dict[str, Together]:
    """By figure, the resamples of its rows; figures that the same rows have are drawn together."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for figure, rows in fields.items():
        if len(rows) > 1 and all(is_mean(_result(row), figure) for row in rows):
            groups.setdefault(tuple(row.id for row in rows), []).append(figure)
    found = {}
    for figures in groups.values():
        drawn = Together([_result(row) for row in fields[figures[0]]], figures)
        found.update({figure: drawn for figure in figures if drawn.known(figure)})
    return found


def _ranks(column: Column, rows: Sequence[Row], together: Together | None) -> dict[str, Rank]:
    values = [_height(row, column) for row in rows]
    ranks = [1 + sum(other > value for other in values) for value in values]
    if together is None:
        spans = [_apart(column, row, rows) for row in rows]
    else:
        better = bool(column.higher_is_better)
        found = stats.rank_intervals(
            together.samples(column.id), level=LEVEL, higher_is_better=better
        )
        spans = [(int(low), int(high)) for low, high in found]
    return {
        row.id: Rank(rank, min(rank, low), max(rank, high))
        for row, rank, (low, high) in zip(rows, ranks, spans, strict=True)
    }


def _height(row: Row, column: Column) -> float:
    """The figure, the better the higher, rounded so that equal ones are equal anywhere."""
    value = round(row.figures[column.id].value, DIGITS)
    return value if column.higher_is_better else -value


def _apart(column: Column, row: Row, rows: Sequence[Row]) -> tuple[int, int]:
    """The best and worst rank that no interval rules out."""
    own = row.figures[column.id]
    above = below = 0
    for other in rows:
        theirs = other.figures[column.id]
        if own.low is None or own.high is None or theirs.low is None or theirs.high is None:
            continue
        higher, lower = theirs.low > own.high, theirs.high < own.low
        above += higher if column.higher_is_better else lower
        below += lower if column.higher_is_better else higher
    return 1 + above, len(rows) - below


def _best(
    column: Column, rows: Sequence[Row], together: Together | None, notes: _Notes
) -> str | None:
    """The row that is significantly better than every other one, and a note where none is."""
    if len(rows) < 2:
        notes.add(column, "one row alone is ranked, so nothing is bold.")
        return None
    if together is None:
        notes.add(
            column,
            "no mean of clips, hence no test and nothing bold; a rank's bounds count the rows "
            "whose 95 % intervals lie wholly above or below.",
        )
        return None
    order = sorted(range(len(rows)), key=lambda at: (-_height(rows[at], column), rows[at].id))
    first, others = order[0], order[1:]
    found = [together.difference(column.id, first, other).p for other in others]
    adjusted = stats.holm([1.0 if p is None else p for p in found])
    near = [(rows[other], p) for other, p in zip(others, adjusted, strict=True) if p >= ALPHA]
    if not near:
        return rows[first].id
    second, p = max(near, key=lambda one: one[1])
    more = f" and {len(near) - 1} more" if len(near) > 1 else ""
    notes.add(
        column,
        f"nothing is bold, for {rows[first].system}, the best, is not significantly better than "
        f"{second.system}{more} (p = {p:.2g}, Holm for {len(others)}).",
    )
    return None

"""Rows put on boards, one a target, split and caption domain: only like stands with like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aacbench.leaderboard import columns as known
from aacbench.leaderboard.columns import Column
from aacbench.leaderboard.ranking import Standings, commonest, standings
from aacbench.leaderboard.rows import DOMAINS, Row

DOMAIN_WORDS = {"in": "in-domain", "out": "out-of-domain", "unknown": "domain unknown"}
Place = tuple[known.Kind, str, str, str]
"""Kind, target, split and caption domain: what makes a board."""

FEW = 5
"""Columns of a board that has none of the main figures."""

PLACES = {"measured": 0, "re-scored": 0, "published": 1}


@dataclass(frozen=True)
class Board:
    """`columns` are shown, `more` on demand; `rows` are ids, the ranked ones first, in order of
    the figure `order_by`."""

    id: str
    kind: known.Kind
    target: str
    split: str
    domain: str
    columns: tuple[str, ...]
    more: tuple[str, ...]
    rows: tuple[str, ...]
    order_by: str | None
    standings: Standings

    @property
    def title(self) -> str:
        """``Clotho evaluation, in-domain``."""
        what = f"{known.title(self.target)} {self.split}"
        if self.split == "unknown":
            what = f"{known.title(self.target)}, split unknown"
        retrieval = ", retrieval" if self.kind == "retrieval" else ""
        return f"{what}{retrieval}, {DOMAIN_WORDS[self.domain]}"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "target": self.target,
            "split": self.split,
            "domain": self.domain,
            "title": self.title,
            "columns": list(self.columns),
            "more": list(self.more),
            "rows": list(self.rows),
            "order_by": self.order_by,
            "ranks": {
                figure: {
                    row: {"rank": rank.rank, "low": rank.low, "high": rank.high}
                    for row, rank in ranks.items()
                }
                for figure, ranks in self.standings.ranks.items()
            },
            "best": {figure: list(rows) for figure, rows in self.standings.best.items()},
            "notes": self.standings.said(),
        }


def all_columns(rows: Iterable[Row]) -> dict[str, Column]:
    """Every figure that any row has; what a metric says of its own goes before the table."""
    measured: dict[str, Mapping[str, Any]] = {}
    figures: set[str] = set()
    for row in rows:
        figures.update(row.figures)
        if row.behind is not None:
            measured.update(row.behind.result["figures"])
    return {figure: known.column(figure, measured.get(figure)) for figure in known.ordered(figures)}


def make_boards(
    rows: Sequence[Row], columns: Mapping[str, Column]
) -> tuple[list[Board], dict[str, Row]]:
    """All boards in order, and all rows by id, those that their board cannot rank marked so."""
    groups: dict[Place, list[Row]] = {}
    for row in rows:
        kind = known.kind(row.target, row.retrieval)
        groups.setdefault((kind, row.target, row.split, row.caption_domain), []).append(row)
    boards, marked = [], {}
    for place in sorted(groups, key=_place):
        members = _on_one_footing(sorted(groups[place], key=lambda row: row.id))
        marked.update({row.id: row for row in members})
        boards.append(_board(place, members, columns))
    return boards, dict(sorted(marked.items()))


def _place(group: Place) -> tuple[int, str, str, int]:
    kind, target, split, domain = group
    return known.KINDS.index(kind), target, split, DOMAINS.index(domain)


def _on_one_footing(rows: Sequence[Row]) -> list[Row]:
    """The same rows; those scored against other references than most are not ranked."""
    judged = [row for row in rows if row.behind is not None and row.unranked is None]
    digest = commonest(_references(row) for row in judged)
    return [
        replace(row, unranked="it was scored against other references than most rows here")
        if row in judged and _references(row) != digest
        else row
        for row in rows
    ]


def _references(row: Row) -> str:
    assert row.behind is not None, row.id
    return str(row.behind.result["references"])


def _board(place: Place, rows: Sequence[Row], columns: Mapping[str, Column]) -> Board:
    kind, target, split, domain = place
    figures = known.ordered(figure for row in rows for figure in row.figures)
    found = standings(rows, [columns[figure] for figure in figures])
    retrieval = kind == "retrieval"
    main = [one for one in figures if (known.is_retrieval if retrieval else known.is_main)(one)]
    shown = main or figures[:FEW]
    more = [one for one in figures if one not in shown]
    order_by = _order_by(shown, rows, found)
    ending = ".retrieval" if retrieval else ""
    return Board(
        id=f"{target}.{split}.{domain}{ending}",
        kind=kind,
        target=target,
        split=split,
        domain=domain,
        columns=tuple(shown),
        more=tuple(more),
        rows=tuple(row.id for row in _sorted(rows, order_by, columns, found)),
        order_by=order_by,
        standings=found,
    )


def _order_by(figures: Sequence[str], rows: Sequence[Row], found: Standings) -> str | None:
    """The figure in which most rows are ranked; without ranks, the one that most rows have."""
    return max(
        figures,
        key=lambda one: (
            len(found.ranks.get(one, {})),
            sum(one in row.figures for row in rows),
            -figures.index(one),
        ),
        default=None,
    )


def _sorted(
    rows: Sequence[Row], order_by: str | None, columns: Mapping[str, Column], found: Standings
) -> list[Row]:
    """Ranked rows by rank, then the others that were scored here, then published ones, each by
    the same figure; rows that lack it last."""
    ranks = found.ranks.get(order_by or "", {})
    down = -1 if order_by is None or columns[order_by].higher_is_better is not False else 1

    def place(row: Row) -> tuple[Any, ...]:
        value = row.figures.get(order_by or "")
        rank = ranks.get(row.id)
        return (
            PLACES[row.kind],
            row.unranked is not None,
            rank.rank if rank else len(rows) + 1,
            value is None,
            down * value.value if value else 0.0,
            row.id,
        )

    return sorted(rows, key=place)

"""Which clips to look at first: the worst, the best, and those on which opinions differ most."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, Literal, get_args

import numpy as np

from aacbench.errors import BadOption, nearest
from aacbench.report.reading import Run, Runs, Values

Sort = Literal["worst", "best", "disagreement", "target"]
SORTS: tuple[str, ...] = get_args(Sort)
PREFERRED = ("spider", "spider_fl", "cider_d", "fense", "sbert", "meteor", "rouge_l")


@dataclass(frozen=True)
class Figure:
    """A figure that single clips have; `mixed` where two runs' come of different judges."""

    id: str
    higher_is_better: bool | None
    decimals: int
    mixed: bool = False


def figures_of(runs: Runs) -> list[Figure]:
    """Every figure that any clip has, in the order of the results."""
    told: dict[str, list[Mapping[str, Any]]] = {}
    for run in runs.runs:
        held = {name for values in run.scores.values() for name in values}
        known: Mapping[str, Any] = (run.result or {}).get("figures", {})
        for name in [*(n for n in known if n in held), *sorted(held - set(known))]:
            told.setdefault(name, []).append(known.get(name, {}))
    return [_figure(name, entries) for name, entries in told.items()]


def _figure(name: str, entries: Sequence[Mapping[str, Any]]) -> Figure:
    first = entries[0]
    judges = {(entry.get("expression"), entry.get("version")) for entry in entries if entry}
    return Figure(
        name, first.get("higher_is_better"), int(first.get("decimals", 3)), len(judges) > 1
    )


def choose_figure(figures: Sequence[Figure], asked: str | None) -> Figure | None:
    """The figure to sort by: the one asked for, else the first preferred one; None of none."""
    by_name = {figure.id: figure for figure in figures}
    if asked is not None:
        found = by_name.get(asked) or _variant(figures, asked)
        if found is None:
            raise BadOption(f"No clip has the figure '{asked}'.", nearest(asked, by_name))
        return found
    preferred = (_variant(figures, name) for name in PREFERRED)
    return next(filter(None, preferred), next(iter(figures), None))


def _variant(figures: Sequence[Figure], name: str) -> Figure | None:
    """``fense`` stands for ``fense:mini`` where that is what there is."""
    return next((one for one in figures if one.id.partition(":")[0] == name), None)


# --- how far figures are apart --------------------------------------------------------------------


def spreads(run: Run, ids: Sequence[str], figures: Sequence[Figure]) -> list[float | None]:
    """How much a run's figures contradict each other on each clip, from 0 to 0.5.

    Each figure that has a better side ranks the clips, as a share from 0 (worst) to 1; a clip's
    spread is the standard deviation of its shares. None where fewer than two figures rank it.
    """
    ranked = [one for one in figures if one.higher_is_better is not None]
    table = np.array([shares(_column(run, ids, one)) for one in ranked])  # (figures, clips)
    if len(table) < 2:
        return [None] * len(ids)
    known = np.isfinite(table)
    counts = known.sum(axis=0)
    filled = np.where(known, table, 0.0)
    mean = filled.sum(axis=0) / np.maximum(counts, 1)
    square = (np.where(known, table - mean, 0.0) ** 2).sum(axis=0) / np.maximum(counts, 1)
    return [
        float(round(value, 4)) if count > 1 else None
        for value, count in zip(np.sqrt(square), counts, strict=True)
    ]


def _column(run: Run, ids: Sequence[str], figure: Figure) -> list[float]:
    """Values of one figure, turned so that higher is better; NaN where a clip has none."""
    sign = -1.0 if figure.higher_is_better is False else 1.0
    return [sign * run.scores.get(name, {}).get(figure.id, np.nan) for name in ids]


def shares(values: Sequence[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Mid-ranks as shares: 0 for the lowest, 1 for the highest, NaN for NaN; 0.5 where all tie."""
    column = np.asarray(values, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(column))
    found = np.full(len(column), np.nan)
    if not len(known):
        return found
    _, inverse, counts = np.unique(column[known], return_inverse=True, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)[:-1]])
    middle = below + (counts - 1) / 2
    found[known] = middle[inverse] / (len(known) - 1) if len(known) > 1 else 0.5
    return found


# --- orders ---------------------------------------------------------------------------------------


def order(
    runs: Runs, figure: Figure | None, sort: str, spread: Sequence[Sequence[float | None]]
) -> list[int]:
    """Positions of clips in `runs.ids`: by the mean of the runs' values of `figure`, or by how far
    they are apart; equal ones keep the target's order, those without a value come last."""
    everything = list(range(len(runs.ids)))
    if figure is None or sort == "target":
        return everything
    keys = [_key(runs, name, figure, sort, at, spread) for at, name in enumerate(runs.ids)]
    return sorted(everything, key=lambda at: (keys[at] is None, keys[at] or 0.0))


def _key(
    runs: Runs,
    name: str,
    figure: Figure,
    sort: str,
    at: int,
    spread: Sequence[Sequence[float | None]],
) -> float | None:
    """What a clip is sorted by, ascending."""
    if sort == "disagreement" and len(runs.runs) == 1:
        alone = spread[0][at]
        return None if alone is None else -alone
    values = [v for run in runs.runs if (v := _value(run.scores, name, figure)) is not None]
    if sort == "disagreement":
        apart = len(values) > 1 and not figure.mixed
        return min(values) - max(values) if apart else None
    if not values:
        return None
    mean = sum(values) / len(values)
    upwards = (sort == "worst") == (figure.higher_is_better is not False)
    return mean if upwards else -mean


def _value(scores: Mapping[str, Values], name: str, figure: Figure) -> float | None:
    return scores.get(name, {}).get(figure.id)


def heard(orders: Sequence[Sequence[int]], wanted: Sequence[bool], most: int | None) -> list[int]:
    """The clips that get sound, at most so many: from each order in turn, wanted ones first."""
    taken = dict.fromkeys(_in_turn(orders))
    ranked = sorted(taken, key=lambda at: not wanted[at])
    return sorted(ranked[:most])


def _in_turn(orders: Sequence[Sequence[int]]) -> Iterator[int]:
    for turn in chain.from_iterable(zip_longest(*orders)):
        if turn is not None:
            yield turn


_WORD = re.compile(r'(-?)(?:"([^"]+)"|([^\s"]+))')


def says(texts: Sequence[str], asked: str) -> bool:
    """Whether texts hold what a reader asks for, as the page itself understands it.

    Every word of `asked` must begin a word of one of `texts`, whatever its case; ``"rain"`` must be
    a whole word, and what follows a minus must be in none of them.
    """
    for minus, quoted, word in _WORD.findall(asked):
        whole = r"(?!\w)" if quoted else ""
        pattern = re.compile(rf"(?<!\w){re.escape(quoted or word)}{whole}", re.IGNORECASE)
        if bool(minus) == any(pattern.search(text) for text in texts):
            return False
    return True

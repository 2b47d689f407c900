"""What changes when one thing does: the training data, the target, the guide."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isnan
from typing import Any

from aacbench import stats
from aacbench.leaderboard import columns as known
from aacbench.leaderboard.clips import Difference, Together, is_mean, of_intervals
from aacbench.leaderboard.columns import Column
from aacbench.leaderboard.results import Result
from aacbench.leaderboard.rows import Row, rounded
from aacbench.store import maker_of

# --- what was learnt from against what was described ----------------------------------------------


def matrices(rows: Sequence[Row], columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """A train-by-target matrix for each main figure, in-domain cells on the diagonal.

    A cell holds the best ranked row of those whose captions were learnt from the one and that
    describe the other; `others` is how many more there are. Papers' rows stand in none, for
    nobody can score them again.
    """
    usable = [row for row in rows if row.unranked is None and row.trained_on and row.behind]
    found = []
    for figure, column in columns.items():
        if not known.is_main(figure) or column.higher_is_better is None:
            continue
        scored = [r for r in usable if figure in r.figures and not r.figures[figure].self_scored]
        if scored:
            found.append(_matrix(column, scored))
    return found


def _matrix(column: Column, rows: Sequence[Row]) -> dict[str, Any]:
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((_learnt(row), _target(row)), []).append(row)
    train, targets = _along_the_diagonal(cells)
    return {
        "figure": column.id,
        "targets": targets,
        "train": train,
        "cells": [
            _cell(column, (learnt, target), cells[learnt, target])
            for learnt in train
            for target in targets
            if (learnt, target) in cells
        ],
    }


def _learnt(row: Row) -> str:
    """The data sets, without their splits: ``audiocaps + clotho``."""
    return " + ".join(sorted({name.partition("/")[0] for name in row.trained_on or ()}))


def _target(row: Row) -> str:
    return f"{row.target}@{row.split}"


def _along_the_diagonal(cells: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Rows and columns in an order that puts a data set's own target on the diagonal."""
    train = sorted({learnt for learnt, _ in cells})
    targets = sorted({target for _, target in cells})
    own = [(one, target) for one in train for target in targets if target.startswith(f"{one}@")]
    first, across = (list(dict.fromkeys(pair[side] for pair in own)) for side in (0, 1))
    return (
        [*first, *(one for one in train if one not in first)],
        [*across, *(one for one in targets if one not in across)],
    )


def _cell(column: Column, place: tuple[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    sign = -1 if column.higher_is_better else 1
    best = min(rows, key=lambda row: (sign * row.figures[column.id].value, row.id))
    value = best.figures[column.id]
    return {
        "train": place[0],
        "target": place[1],
        "row": best.id,
        "value": rounded(value.value),
        "low": rounded(value.low),
        "high": rounded(value.high),
        "domain": best.caption_domain,
        "others": len(rows) - 1,
    }


# --- with and without a guide ---------------------------------------------------------------------


def pairs(rows: Sequence[Row], columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """Each guided run beside the run that differs from it in the guide alone.

    A guide may also say how many hypotheses the search keeps. Then the run without it that keeps
    as many comes first, and the one that searches as it does by itself after it; `same_search` is
    false of the latter. Differences are with minus without, on the clips of both; `p` is of that
    figure alone, `adjusted` for all figures of the pair (Holm). Figures that are no means of clips
    have bounds and no p; see `clips.of_intervals`.
    """
    runs = [row for row in rows if row.behind and row.behind.manifest and not row.retrieval]
    plain = {_settings(row): row for row in runs if not _guides(row)}
    found = []
    for row in runs:
        for beams in _searches(row) if _guides(row) else ():
            other = plain.get(_settings(row, beams))
            if other is not None and _same_references(row, other):
                pair = _pair(other, row, columns)
                found.append({**pair, "same_search": beams == _searches(row)[0]})
    return found


def _manifest(row: Row) -> Mapping[str, Any]:
    manifest = _result(row).manifest
    assert manifest is not None, row.id
    return manifest


def _guides(row: Row) -> list[Mapping[str, Any]]:
    return list(_manifest(row)["decides"]["captioner"]["guides"])


def _searches(row: Row) -> list[int | None]:
    """How many hypotheses a guided run keeps, by its captioner's word or else by its guide's; then
    what its captioner says, where that is something else."""
    own = (_manifest(row)["decides"]["captioner"].get("options") or {}).get("beams")
    said = [(guide.get("options") or {}).get("beams") for guide in _guides(row)]
    kept = own if own is not None else max((one for one in said if one is not None), default=None)
    return [kept] if kept == own else [kept, own]


def _settings(row: Row, beams: int | None = None) -> str:
    """Everything that decides a run's captions but its guides and their weights; of a guided run,
    with so many `beams`."""
    decides = _manifest(row)["decides"]
    captioner = {**decides["captioner"], "guides": []}
    if _guides(row) and "beams" in (captioner.get("options") or {}):
        captioner["options"] = {**captioner["options"], "beams": beams}
    weights = {name: sha for name, sha in decides["weights"].items() if not name.startswith("+")}
    return json.dumps({**decides, "captioner": captioner, "weights": weights}, sort_keys=True)


def _same_references(a: Row, b: Row) -> bool:
    return bool(_result(a).result["references"] == _result(b).result["references"])


def _result(row: Row) -> Result:
    assert row.behind is not None, row.id
    return row.behind


def _pair(without: Row, guided: Row, columns: Mapping[str, Column]) -> dict[str, Any]:
    shared = [
        figure
        for figure in columns
        if figure in without.figures
        and figure in guided.figures
        and without.judges[figure] == guided.judges[figure]
    ]
    results = [_result(guided), _result(without)]
    means = [figure for figure in shared if all(is_mean(one, figure) for one in results)]
    together = Together(results, means)
    found = {
        figure: together.difference(figure, 0, 1)
        if figure in means and together.known(figure)
        else of_intervals(guided.figures[figure], without.figures[figure])
        for figure in shared
    }
    tested = [figure for figure, one in found.items() if one.p is not None]
    adjusted = dict(zip(tested, stats.holm([found[name].p or 0.0 for name in tested]), strict=True))
    return {
        "target": guided.target,
        "split": guided.split,
        "without": without.id,
        "with": guided.id,
        "clips": together.clips,
        "figures": {
            figure: {
                **_difference(one, adjusted.get(figure)),
                "self_scored": guided.figures[figure].self_scored,
            }
            for figure, one in found.items()
        },
    }


def _difference(one: Difference, adjusted: float | None) -> dict[str, float | None]:
    bounded = not isnan(one.low)
    return {
        "difference": rounded(one.difference),
        "low": rounded(one.low) if bounded else None,
        "high": rounded(one.high) if bounded else None,
        "p": one.p,
        "adjusted": adjusted,
    }


# --- at home and abroad ---------------------------------------------------------------------------


def slopes(rows: Sequence[Row]) -> list[dict[str, str]]:
    """Each captioner's in-domain rows beside its out-of-domain rows."""
    several: dict[str, list[Row]] = {}
    for row in rows:
        several.setdefault(_captioner(row), []).append(row)
    return [slope for same in several.values() for slope in _slopes(same)]


def _slopes(rows: Sequence[Row]) -> Iterator[dict[str, str]]:
    inside = [row for row in rows if row.caption_domain == "in"]
    outside = [row for row in rows if row.caption_domain == "out"]
    for home in inside:
        for abroad in outside:
            if (home.target, home.split) != (abroad.target, abroad.split):
                yield {"system": home.system, "in": home.id, "out": abroad.id}


def _captioner(row: Row) -> str:
    """What makes two rows the same captioner: settings and weights, or name, paper and data."""
    if row.behind is not None and row.behind.manifest is not None:
        decides = row.behind.manifest["decides"]
        deciding = (maker_of(decides), "weights", "seed", "dtype")
        settings = {name: decides[name] for name in deciding}
        return json.dumps([row.kind, settings], sort_keys=True)
    place = row.provenance.get("paper"), row.provenance.get("table")
    return json.dumps([row.kind, row.system, place, row.trained_on, row.retrieval], sort_keys=True)

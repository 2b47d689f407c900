"""Stored captions scored again: rows keep up with the metrics, without their captioners.

A row is checked first, its old figures apart, so that no edited caption gets new figures and a new
seal. Only rows with something to change are written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aacbench import metric_sets, provenance
from aacbench.errors import AacbenchError, BadData
from aacbench.leaderboard import places, qualifying, reproducing, sealing
from aacbench.leaderboard.results import (
    MEASURED,
    PerClip,
    Result,
    read_result,
    row_folders,
    write_lines,
)
from aacbench.leaderboard.truths import Truths
from aacbench.leaderboard.verifying import check, row_captions
from aacbench.scoring import Scored
from aacbench.store import RESULT, SCORES

LIGHT = "light"


@dataclass(frozen=True)
class Rescored:
    """What became of the row in `folder`: the figures that are new or changed, and those that it
    has no longer, with the reason. Neither: the row was current."""

    folder: str
    changed: tuple[str, ...] = ()
    lost: Mapping[str, str] | None = None

    @property
    def current(self) -> bool:
        return not self.changed and not self.lost


def rescore(
    leaderboard: Path,
    metrics: Sequence[str] = (LIGHT,),
    tell: Callable[[int, int], None] | None = None,
) -> list[Rescored]:
    """Bring every row's figures up to the metrics' versions.

    ``"light"`` stands for the light metrics that a row has; others, by name or by the name of a
    set, are computed for every row whose captions are kept. `BadData` names the rows that do not
    hold what was sealed; the others are done all the same.
    """
    folders, truths, done, refused = row_folders(leaderboard), Truths(), [], []
    for number, path in enumerate(folders, 1):
        try:
            done.append(rescore_row(read_result(path, leaderboard), metrics, truths))
        except AacbenchError as error:
            refused.append(error.message)
        if tell:
            tell(number, len(folders))
    if refused:
        raise BadData("\n".join(refused), "Take these rows away, or restore them from git.")
    return done


def rescore_row(
    row: Result, metrics: Sequence[str] = (LIGHT,), truths: Truths | None = None
) -> Rescored:
    """Bring one row up to date; writes it only where a figure changed."""
    truths = truths or Truths()
    problems = [*sealing.broken(row), *check(row, truths, "light", [], current=False)]
    if problems:
        lines = [f"{row.folder} is not scored again:", *(f"  - {one}" for one in problems)]
        raise BadData("\n".join(lines))
    stored = row.result["figures"]
    stale = _stale(stored)
    again = _again(row, metrics, truths, set(stale))
    figures = again.figures if again else {}
    lost = {name: why for name, why in stale.items() if name not in figures}
    changed = [name for name, entry in figures.items() if _differs(stored.get(name), entry)]
    if changed or lost:
        _write(row, again, changed, lost)
    return Rescored(row.folder, tuple(changed), lost)


def _stale(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Why a figure is not current: its metric's version, or that of a metric that it is made of."""
    found = {name: why for name, entry in figures.items() if (why := qualifying.stale(entry))}
    old = {figures[name]["metric"] for name in found}
    for name, entry in figures.items():
        spec = qualifying.metric_of(entry)
        if name not in found and spec and (parts := old.intersection(spec.metric_parts)):
            found[name] = f"made of {', '.join(sorted(parts))}, whose version is another now"
    return found


def _again(row: Result, metrics: Sequence[str], truths: Truths, stale: set[str]) -> Scored | None:
    """The figures that are asked for, of the captions; None where no captions are kept."""
    if row.kind != MEASURED or row.manifest is None:
        return None
    if row.retrieval:
        target = str(row.manifest["target"]["expression"])
        return places.again(row, truths.of(target)) if stale else None
    figures = row.result["figures"]
    asked = [name for name in metrics if name != LIGHT]
    if LIGHT in metrics and stale:
        # With the metrics that are made of them, and those that they are made of.
        asked += [choice.expression for choice in reproducing.chosen(figures)]
    if not asked:
        return None
    truth = truths.of(str(row.manifest["target"]["expression"]))
    return reproducing.score_again(
        row_captions(row),
        truth.annotations,
        metric_sets.choose_metrics(list(dict.fromkeys(asked))),
        int(row.manifest["seed"]),
        list(row.manifest.get("models") or ()),
    )


def _differs(entry: Mapping[str, Any] | None, due: Mapping[str, Any]) -> bool:
    if entry is None or entry.get("version") != due["version"]:
        return True
    ends = ("estimate", "low", "high")
    return any(not reproducing.same(entry.get(part), due[part]) for part in ends)


def _write(
    row: Result, again: Scored | None, changed: Sequence[str], lost: Mapping[str, str]
) -> None:
    figures = {name: entry for name, entry in row.result["figures"].items() if name not in lost}
    lines = {name: values for name, values in row.lines.values.items() if name not in lost}
    absent = dict(row.result["absent"])
    for name, reason in lost.items():
        absent[name] = reason
    if again is not None:
        ids = {item.clip_id: at for at, item in enumerate(again.items)}
        order = [ids[name] for name in row.lines.ids]
        for name in changed:
            figures[name] = dict(again.figures[name])
            absent.pop(name, None)
            if name in again.per_clip:
                lines[name] = again.per_clip[name][order]
    result = {
        **row.result,
        "figures": figures,
        "absent": absent,
        "scored_again_with": provenance.environment(),
    }
    texts = {name: (row.path / name).read_text(encoding="utf-8") for name in row.seal["files"]}
    texts[RESULT] = sealing.as_json(result)
    texts[SCORES] = write_lines(_as_mappings(PerClip(row.lines.ids, lines)))
    sealed = sealing.seal(row.kind, texts, row.seal["said"], row.seal["left_out"])
    sealing.write_row(row.path, texts, sealed)


def _as_mappings(lines: PerClip) -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            **{f: values[at] for f, values in lines.values.items() if values[at] == values[at]},
        }
        for at, name in enumerate(lines.ids)
    ]

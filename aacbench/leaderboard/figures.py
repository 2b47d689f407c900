"""Captions that came in a file -> a row of figures: scored here, and not kept.

Nobody knows more of such a system than whoever brings its captions says: where they came from,
and what it learnt from. What is not said is unknown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aacbench import api, scoring
from aacbench.errors import BadData
from aacbench.leaderboard import qualifying, sealing
from aacbench.leaderboard.adding import Added, put, refused, said
from aacbench.leaderboard.results import RESCORED, write_lines
from aacbench.leaderboard.truths import Truths
from aacbench.leaderboard.verifying import row_place
from aacbench.specs import UNKNOWN, TrainedOn
from aacbench.store import RESULT, SCORES
from aacbench.tables import read_captions

LOOKS = frozenset({"audio", "image"})
DROPPED = ("the captions", f"{SCORES}: decimals after the sixth")


def add_figures(
    path: Path,
    leaderboard: Path,
    target: str,
    system: str,
    source: str,
    *,
    trained_on: Sequence[str] | None = None,
    partial: bool = False,
    published: Path | None = None,
    metrics: Sequence[str] | None = None,
    replace: bool = False,
    tell: scoring.Tell | None = None,
) -> Added:
    """Score a CSV or JSONL of captions and keep the figures.

    `trained_on` names the data whose captions the system learnt from, if that is known. Captions
    of a part of the target are refused, or with `partial` kept and never ranked. `published` is a
    JSON of figures that others computed on the same captions, to stand beside: an object with
    ``"scores"``.
    """
    truths = Truths()
    truth = truths.of(target)
    result, scored = api.score_table(path, target, metrics, tell)
    counts = result["coverage"]
    if counts["captioned"] < counts["official"] and not partial:
        told = f"not complete: {counts['captioned']:,} of {counts['official']:,} clips"
        raise refused(path, [f"{told} have a caption; --partial keeps it, unranked"])
    learnt = UNKNOWN
    if trained_on is not None:
        learnt = TrainedOn(tuple(trained_on), None, None, None, None, ())
    row = {
        "schema": result["schema"],
        "kind": RESCORED,
        "captioner": system,
        "target": result["target"],
        "source": source,
        "trained_on": asdict(learnt),
        "domain": asdict(truths.judge(learnt, truth)[0]),
        "self_scored": [],
        **({"published": _published(published)} if published else {}),
        **(_unranked(counts) if not result["complete"] else {}),
        **{name: value for name, value in result.items() if name not in ("captioner", "domain")},
    }
    _leave_out_looks(row)
    names = [name for name in scored.per_clip if name in row["figures"]]
    kept = [
        {"id": line["id"], **{n: line[n] for n in names if n in line}} for line in scored.lines()
    ]
    files = {RESULT: sealing.as_json(row), SCORES: write_lines(kept)}
    sealed = sealing.seal(RESCORED, files, said(read_captions(path)), DROPPED)
    place = row_place(row, None)
    return put(path, leaderboard, place, files, sealed, replace=replace, truths=truths)


def _unranked(counts: Mapping[str, int]) -> dict[str, str]:
    captioned, official = counts["captioned"], counts["official"]
    return {"unranked": f"{captioned:,} of {official:,} clips have a caption"}


def _leave_out_looks(row: dict[str, Any]) -> None:
    """Take out figures that listen to sounds, where not all of these are at hand: they would be
    figures of another target."""
    counts = row["coverage"]
    short = counts["at_hand"] < counts["captioned"]
    told = f"the sound of {counts['at_hand']:,} of {counts['captioned']:,} clips is at hand"
    absent, figures = {}, {}
    for name, entry in row["figures"].items():
        spec = qualifying.metric_of(entry)
        if short and spec and LOOKS.intersection(spec.needs):
            absent[entry["metric"]] = told
        else:
            figures[name] = entry
    row["figures"] = figures
    row["absent"] = {
        name: qualifying.without_places(str(reason)) for name, reason in row["absent"].items()
    } | absent


def _published(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        scores = {str(name): float(value) for name, value in found["scores"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadData(
            f"{path} is no JSON of published scores: {error}.",
            'Write {"source": "where they stand", "scores": {"spider": 0.31}}',
        ) from None
    return {"source": str(found.get("source", "")), "scores": scores}

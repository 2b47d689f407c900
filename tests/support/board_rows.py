"""Rows for leaderboards in tests: sealed folders whose figures the test chooses, clip by clip."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aacbench.config import file_name
from aacbench.leaderboard import sealing
from aacbench.leaderboard.results import RESULTS, write_lines
from aacbench.store import CAPTIONS, MANIFEST, RESULT, SCORES

REPOSITORY = Path(__file__).resolve().parents[2]
COMMIT = {"id": "0" * 40, "dirty": False}
MACHINE = {"processor": "a processor", "cores": 2}


def per_clip(seed: int, mean: float, clips: int = 200, spread: float = 0.2) -> list[float]:
    """Values of so many clips about a mean."""
    drawn = np.random.default_rng(seed).normal(mean, spread, clips)
    return [round(float(one), 6) for one in drawn]


def entry(values: Sequence[float | None], **given: Any) -> dict[str, Any]:
    """A figure as ``result.json`` has it, the mean of its clips unless something else is given."""
    known = [value for value in values if value is not None]
    estimate = float(np.mean(known))
    half = 1.96 * float(np.std(known)) / len(known) ** 0.5
    return {
        "metric": "m",
        "version": "1",
        "plugin": "builtin",
        "expression": "m",
        "estimate": estimate,
        "low": estimate - half,
        "high": estimate + half,
        "higher_is_better": True,
        "decimals": 3,
        **given,
    }


def put_row(
    board: Path,
    system: str,
    figures: Mapping[str, Sequence[float | None]],
    *,
    target: str = "soundbox-events@test",
    domain: str = "in",
    learnt: Iterable[str] | None = ("soundbox-events/train",),
    guides: Sequence[str] = (),
    base: str | None = None,
    measured: bool = True,
    entries: Mapping[str, Mapping[str, Any]] | None = None,
    profile: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    beams: int | None = None,
    **given: Any,
) -> Path:
    """Write a sealed row below ``board/results``; its folder.

    `entries` overrides what figures say of themselves, `given` what the result says; `base` is
    what the captioner is called without its guides, and `settings` what else it is told; `beams`
    is how many hypotheses its guides keep.
    """
    clips = len(next(iter(figures.values())))
    result = {**_result(system, target, domain, figures, entries or {}), **given}
    lines = [
        {"id": f"clip-{at:04d}", **{name: values[at] for name, values in figures.items()}}
        for at in range(clips)
    ]
    trained = {"captions": None if learnt is None else list(learnt), "knowledge_base": []}
    files = {SCORES: write_lines(lines)}
    last = "figures"
    if measured:
        given_guides = [{"name": name, "options": {"beams": beams}} for name in guides]
        captioner = {"name": base or system, "guides": given_guides, **(settings or {})}
        last = sealing.digest(f"{system} {target} {given}".encode())[:16]
        files[CAPTIONS] = "".join(f'{{"id": "{line["id"]}", "text": "a dog"}}\n' for line in lines)
        files[MANIFEST] = sealing.as_json(_manifest(captioner, system, target, trained))
        result["key"] = last
        result["time_per_clip"] = {"caption": {"mean": 0.2, "median": 0.1, "n": clips}}
    else:
        result["trained_on"] = trained
    files[RESULT] = sealing.as_json(result)
    if profile is not None:
        files["profile.json"] = sealing.as_json(profile)
    kind = "measured" if measured else "re-scored"
    place = board / RESULTS / file_name(target) / file_name(system) / last
    place.parent.mkdir(parents=True, exist_ok=True)
    sealing.write_row(place, files, sealing.seal(kind, files, "said"))
    return place


def _result(
    system: str,
    target: str,
    domain: str,
    figures: Mapping[str, Sequence[float | None]],
    entries: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    clips = len(next(iter(figures.values())))
    return {
        "schema": 1,
        "captioner": system,
        "target": target,
        "domain": {"caption": domain, "strict": domain, "reason": "said by the test"},
        "self_scored": [],
        "complete": True,
        "coverage": {"official": clips, "captioned": clips, "at_hand": clips, "failed": 0},
        "figures": {
            name: entry(values, expression=name.replace(":", "/"), **entries.get(name, {}))
            for name, values in figures.items()
        },
        "absent": {},
        "references": "r" * 64,
        "scored_with": {"time": "2026-01-01T00:00:00+00:00", "commit": COMMIT},
    }


def _manifest(
    captioner: Mapping[str, Any], system: str, target: str, trained: Mapping[str, Any]
) -> dict[str, Any]:
    guides = [guide["name"] for guide in captioner["guides"]]
    return {
        "schema": 1,
        "decides": {
            "captioner": captioner,
            "weights": {"own": "1", **{f"+{name}.own": "2" for name in guides}},
            "target": target,
            "seed": 0,
            "dtype": "float32",
        },
        "captioner": {"expression": system},
        "trained_on": trained,
        "seed": 0,
        "starts": [{"time": "2026-01-01T00:00:00+00:00", "commit": COMMIT, "machine": MACHINE}],
    }


def publish(board: Path, *papers: str) -> None:
    """Copy all that the repository's own leaderboard has of papers, or the tables of some."""
    source = REPOSITORY / "leaderboard" / "published"
    if not papers:
        shutil.copytree(source, board / "published")
    for paper in papers:
        (board / "published" / paper).mkdir(parents=True)
        shutil.copy(source / "papers.toml", board / "published")
        for table in (source / paper).glob("table_*.toml"):
            shutil.copy(table, board / "published" / paper)

"""A run's folder -> a row: what the repository keeps of it, checked before it is put there.

The row is written beside its place, verified as every row is, and moved there only then; all that
stands against it is told at once.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from aacbench import provenance
from aacbench.errors import BadData
from aacbench.leaderboard import places, qualifying, sealing
from aacbench.leaderboard.results import (
    MEASURED,
    PROFILE,
    RESULTS,
    SEAL,
    read_json,
    read_result,
    write_lines,
)
from aacbench.leaderboard.truths import Truths
from aacbench.leaderboard.verifying import row_place, verify
from aacbench.store import (
    CAPTIONS,
    MANIFEST,
    RANKINGS,
    RESULT,
    RETRIEVAL,
    SCORES,
    RunFolder,
    task_of,
    write_record,
)

DIGITS = 6
KEPT = ("id", "text", "score", "alternatives", "error")
DROPPED = (
    f"{CAPTIONS}: tokens, times and what a guide changed",
    f"{SCORES}: decimals after the sixth",
    f"{RESULT}: folders of this machine",
)
MEND = "docs/leaderboard.md says what each means, and what to do."


@dataclass(frozen=True)
class Added:
    """What became of a row: its folder below the leaderboard's, "added", "replaced" or
    "unchanged", its size in bytes, and what could not be checked."""

    folder: str
    status: str
    size: int
    remarks: tuple[str, ...] = ()


def add_run(
    run: Path, leaderboard: Path, *, replace: bool = False, truths: Truths | None = None
) -> Added:
    """Put a run on the leaderboard. `BadData` names everything that keeps it from there."""
    if not run.is_dir():
        raise BadData(
            f"{run} is no run's folder, so who said this, and of which clips, is nobody's word.",
            "Give the folder that aacbench run printed. Figures of captions that came in a file: "
            f"aacbench leaderboard add-figures '{run}' --target ... --system ... --source ...",
        )
    folder = RunFolder(run)
    manifest, result = folder.manifest(None), folder.result()
    name, given, digest, dropped = _given(folder, manifest)
    files = {
        MANIFEST: sealing.as_json(manifest),
        name: given,
        SCORES: write_lines(_scores(run)),
        RESULT: sealing.as_json(_without_places(result)),
    }
    if (run / PROFILE).is_file():
        files[PROFILE] = sealing.as_json(read_json(run / PROFILE))
    sealed = sealing.seal(MEASURED, files, digest, dropped)
    place = _place(run, result, manifest)
    return put(run, leaderboard, place, files, sealed, replace=replace, truths=truths)


def _given(folder: RunFolder, manifest: Mapping[str, Any]) -> tuple[str, str, str, tuple[str, ...]]:
    """What a run gave: the name and text of its file, its digest, and what is left out."""
    if task_of(manifest) != RETRIEVAL:
        return CAPTIONS, "".join(_kept_captions(folder)), said(_texts(folder)), DROPPED
    text = places.kept(folder.path)
    return RANKINGS, text, sealing.digest(text.encode()), places.DROPPED + DROPPED[1:]


def _place(run: Path, result: Mapping[str, Any], manifest: Mapping[str, Any] | None) -> Path:
    try:
        return row_place(result, manifest)
    except KeyError as error:
        raise BadData(
            f"{run} was written by an older aacbench: no {error}.", "Run again."
        ) from None


def put(
    source: Path,
    leaderboard: Path,
    place: Path,
    files: Mapping[str, str],
    sealed: Mapping[str, Any],
    *,
    replace: bool = False,
    truths: Truths | None = None,
) -> Added:
    """Verify a row and move it to its place; `source` is what the reader knows it by."""
    row = leaderboard / place
    before = read_json(row / SEAL) if (row / SEAL).is_file() else None
    (leaderboard / RESULTS).mkdir(parents=True, exist_ok=True)
    staged = Path(mkdtemp(prefix=".staged-", dir=leaderboard / RESULTS))
    try:
        sealing.write_row(staged / place, files, sealed)
        found = read_result(staged / place, staged)
        verified = verify(found, truths)
        problems = [*verified.problems, *qualifying.places(found.profile or {}, PROFILE)]
        problems += qualifying.unknown_commits(found.manifest, found.result)
        if before and before.get("said") != sealed["said"] and not replace:
            problems.append(
                f"{place.as_posix()} is there already, with other {_what(files)}; --replace puts "
                "these in their place"
            )
        if problems:
            raise refused(source, problems)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    unchanged = before == sealed and not [*sealing.broken(read_result(row, leaderboard))]
    if not unchanged:
        sealing.write_row(row, files, sealed)
    status = "unchanged" if unchanged else "replaced" if before else "added"
    size = sum(path.stat().st_size for path in row.iterdir())
    return Added(place.as_posix(), status, size, verified.remarks)


def _what(files: Mapping[str, str]) -> str:
    return "rankings" if RANKINGS in files else "captions"


def refused(source: Path, problems: Sequence[str]) -> BadData:
    """All that stands against a row, a line each."""
    once = list(dict.fromkeys(problems))
    count = "one reason" if len(once) == 1 else f"{len(once)} reasons"
    lines = [f"{source} is not added, for {count}:", *(f"  - {problem}" for problem in once)]
    return BadData("\n".join(lines), MEND)


# --- what the repository keeps of a run -----------------------------------------------------------


def said(captions: Mapping[str, Sequence[str]]) -> str:
    """A digest of what was said of which clip, by which the same captions are known again."""
    return provenance.digest({name: list(texts) for name, texts in captions.items()})


def _kept_captions(folder: RunFolder) -> Iterator[str]:
    for record in folder.records().values():
        line = write_record(record, 0)
        kept = {name: line[name] for name in KEPT if name in line}
        if "alternatives" in kept:
            kept["alternatives"] = [_short(one) for one in kept["alternatives"]]
        yield json.dumps(_short(kept), ensure_ascii=True) + "\n"


def _texts(folder: RunFolder) -> dict[str, list[str]]:
    return {
        name: [one.text for one in (record.caption, *record.caption.alternatives)]
        for name, record in folder.records().items()
        if record.caption is not None
    }


def _short(caption: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in caption.items() if name in KEPT}
    if kept.get("score") is not None:
        kept["score"] = round(float(kept["score"]), DIGITS)
    return kept


def _scores(run: Path) -> list[dict[str, Any]]:
    """A run's own lines of per-clip figures."""
    path = run / SCORES
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    except (OSError, ValueError) as error:
        raise BadData(f"{path} cannot be read: {error}.", f"Type: aacbench score '{run}'") from None
    for number, line in enumerate(lines, 1):
        if not isinstance(line, dict) or "id" not in line:
            raise BadData(f"{path}, line {number} names no clip.", f"aacbench score '{run}'")
    return lines


def _without_places(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result whose remarks name no folders of this machine: why a figure is absent often does."""
    absent = result.get("absent") or {}
    told = {name: qualifying.without_places(str(reason)) for name, reason in absent.items()}
    return {**result, "absent": told}

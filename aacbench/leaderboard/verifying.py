"""Whether a row may be believed: its seal, its settings, its captions and its figures.

Nothing that a row says is taken on trust where it can be computed again; every problem is a
sentence that names the file, the clip, the figure and both values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from aacbench import catalog, config, judging, provenance, retrieving
from aacbench.errors import AacbenchError
from aacbench.leaderboard import places, qualifying, reproducing, sealing
from aacbench.leaderboard.reproducing import SHOWN, Which
from aacbench.leaderboard.results import (
    FIGURES,
    MEASURED,
    RESULTS,
    Result,
    read_result,
    row_folders,
)
from aacbench.leaderboard.truths import Truth, Truths, as_trained_on, laxer
from aacbench.store import (
    CAPTIONS,
    MANIFEST,
    RESULT,
    RETRIEVAL,
    SCORES,
    RunFolder,
    system_of,
    task_of,
)
from aacbench.types import Caption


@dataclass(frozen=True)
class Verified:
    """What is wrong with the row in `folder`, and what could not be checked here."""

    folder: str
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()


@dataclass
class _Findings:
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def verified(self, folder: str) -> Verified:
        # One cause may be met on several ways.
        once = dict.fromkeys(self.problems)
        return Verified(folder, tuple(once), tuple(dict.fromkeys(self.remarks)))


def verify_all(
    leaderboard: Path, which: Which = "light", tell: Callable[[int, int], None] | None = None
) -> list[Verified]:
    """Every row below ``leaderboard/results``, `tell` being told how far that has come."""
    folders, truths, found = row_folders(leaderboard), Truths(), []
    for done, path in enumerate(folders, 1):
        try:
            found.append(verify(read_result(path, leaderboard), truths, which))
        except AacbenchError as error:
            found.append(Verified(path.relative_to(leaderboard).as_posix(), (error.message,)))
        if tell:
            tell(done, len(folders))
    return found


def verify(row: Result, truths: Truths | None = None, which: Which = "light") -> Verified:
    """Check one row. With `which` "all", heavy metrics are computed again as well, which takes
    their models; sound is not at hand, so what looks at sound is checked by its lines alone."""
    findings = _Findings()
    findings.problems += sealing.broken(row)
    shapes = [*_misshapen(row)]
    findings.problems += shapes
    if not shapes:
        findings.problems += _misplaced(row)
        try:
            for problem in check(row, truths or Truths(), which, findings.remarks):
                findings.problems.append(problem)
        except AacbenchError as error:
            findings.problems.append(error.message)
        findings.remarks += qualifying.unknown_commits(row.manifest, row.result)
    return findings.verified(row.folder)


def _misshapen(row: Result) -> Iterator[str]:
    yield from qualifying.misshapen(row.result, RESULT)
    if row.manifest is not None:
        yield from qualifying.misshapen(row.manifest, MANIFEST)
    elif row.result.get("kind") != row.kind:
        yield f"{MANIFEST}: missing, and {RESULT} is of captions that are kept"


def check(
    row: Result, truths: Truths, which: Which, remarks: list[str], *, current: bool = True
) -> Iterator[str]:
    """A sentence for each thing that is wrong with a row's content; `remarks` is added to.

    Without `current`, figures of metrics that have another version here are left alone.
    """
    problems = qualifying.unfit_figures(row.result)
    if row.manifest is not None:
        problems = qualifying.unfit_run(row.manifest, row.result)
        yield from _other_training(row.manifest)
        remarks += qualifying.remarks_on(row.trained_on)
    dated = set(qualifying.outdated(row.result))
    yield from (problem for problem in problems if current or problem not in dated)
    yield from _other_judges(row)
    try:
        truth = truths.of(_target(row))
    except AacbenchError as error:
        reason = qualifying.without_places(error.message)
        remarks.append(f"its captions were not scored again: {reason}")
        yield from _by_lines(row, remarks, frozenset())
        return
    yield from _of_target(row, truth, truths)
    yield from _figures(row, truth, which, remarks)


def _target(row: Result) -> str:
    if row.manifest is None:
        return str(row.result["target"])
    return str(row.manifest["target"]["expression"])


def _misplaced(row: Result) -> Iterator[str]:
    """A row lies where its own files say: one that was moved would stand on another board."""
    due = row_place(row.result, row.manifest)
    if row.folder != due.as_posix():
        yield f"{row.folder}: by its files its place is {due.as_posix()}"


def row_place(result: Mapping[str, object], manifest: Mapping[str, object] | None) -> Path:
    """Where a row lies below the leaderboard's folder."""
    last = FIGURES if manifest is None else str(manifest["key"])
    names = (str(result["target"]), system_of(result), last)
    return Path(RESULTS, *map(config.file_name, names))


# --- what a row says of its captioner -------------------------------------------------------------


def _other_training(manifest: qualifying.Object) -> Iterator[str]:
    """What a run says that its captioner learnt from, against what the captioner says."""
    retrieval = task_of(manifest) == RETRIEVAL
    try:
        if retrieval:
            choice = catalog.choose("retrievers", str(manifest["retriever"]["expression"]))
        else:
            choice = catalog.choose("captioners", str(manifest["captioner"]["expression"]))
    except (AacbenchError, KeyError):
        return
    said = manifest.get("trained_on") or {}
    learnt = retrieving.trained_on(choice) if retrieval else catalog.trained_on(choice)
    for part, names in asdict(learnt).items():
        found = said.get(part)
        if (found if found is None else list(found)) != (names if names is None else list(names)):
            yield (
                f"{MANIFEST}: trained_on.{part} is {_listed(found)}; {choice.expression} says "
                f"{_listed(names)}"
            )


def _listed(names: Sequence[str] | None) -> str:
    return "unknown" if names is None else ", ".join(names) or "nothing"


def _other_judges(row: Result) -> Iterator[str]:
    """Figures whose model also made the captions, and that do not say so."""
    if row.manifest is None:
        return
    made_by = frozenset(map(str, row.manifest.get("models") or ()))
    said = set(row.result.get("self_scored") or ())
    for judge in reproducing.chosen(row.result.get("figures") or {}, "all"):
        if judge.expression not in said and judging.shares(judge, made_by):
            yield f"{RESULT}: self_scored does not name {judge.expression}, which judges its own"


# --- what a row says of its target ----------------------------------------------------------------


def _of_target(row: Result, truth: Truth, truths: Truths) -> Iterator[str]:
    if row.result.get("target") != truth.target.name:
        yield f"{RESULT}: target {row.result.get('target')}, and {truth.target.name} was run on"
    digest = provenance.references_digest(truth.annotations)
    if row.result.get("references") != digest:
        stored = str(row.result.get("references"))
        yield (
            f"{RESULT}: scored against other references (sha256 {stored[:12]}) than "
            f"{truth.target.name} has here ({digest[:12]})"
        )
    judged, all_known = truths.judge(as_trained_on(row.trained_on), truth)
    holder = RESULT if row.manifest is None else MANIFEST
    for problem in laxer(row.result.get("domain") or {}, judged, all_known):
        yield f"{holder}: {problem}"
    official = (row.result.get("coverage") or {}).get("official")
    if official != len(truth.annotations):
        yield (
            f"{RESULT}: coverage says {official} official clips; {truth.target.name} has "
            f"{len(truth.annotations)}"
        )


# --- its captions and its figures -----------------------------------------------------------------


def _figures(row: Result, truth: Truth, which: Which, remarks: list[str]) -> Iterator[str]:
    if row.retrieval:
        yield from places.problems(row, truth, remarks)
        yield from _by_lines(row, remarks, frozenset(row.result.get("figures") or ()))
        return
    if row.kind != MEASURED:
        yield from _strangers(row.lines.ids, truth.annotations, SCORES, truth.target.name)
        yield from _by_lines(row, remarks, frozenset())
        return
    captions = row_captions(row)
    yield from _strangers(captions, truth.annotations, CAPTIONS, truth.target.name)
    missing = [name for name in truth.annotations if name not in captions]
    yield from _some(f"{CAPTIONS}: no caption of clip {{}}", missing)
    figures, manifest = row.result.get("figures") or {}, row.manifest or {}
    current = {name: entry for name, entry in figures.items() if not qualifying.stale(entry)}
    metrics = reproducing.chosen(current, which)
    made_by = list(map(str, manifest.get("models") or ()))
    seed = int(manifest.get("seed") or 0)
    again = reproducing.score_again(captions, truth.annotations, metrics, seed, made_by)
    for metric, reason in again.absent.items():
        told = qualifying.without_places(reason)
        remarks.append(f"{metric} was not scored again: {told}")
    yield from reproducing.against_captions(current, row.lines, again)
    yield from _by_lines(row, remarks, frozenset(again.figures))


def row_captions(row: Result) -> dict[str, tuple[Caption, ...]]:
    records = RunFolder(row.path).records()
    return {
        name: (record.caption, *record.caption.alternatives)
        for name, record in records.items()
        if record.caption is not None
    }


def _by_lines(row: Result, remarks: list[str], known: frozenset[str]) -> Iterator[str]:
    figures, lines = row.result.get("figures") or {}, row.lines
    ids = _answered(row)
    yield from _some(f"{SCORES}: no line of clip {{}}", [n for n in ids if n not in set(lines.ids)])
    yield from _some(
        f"{SCORES}: a line of clip {{}}, which has no {'place' if row.retrieval else 'caption'}",
        [name for name in lines.ids if name not in set(ids)],
    )
    if len(set(lines.ids)) < len(lines.ids):
        twice = [name for at, name in enumerate(lines.ids) if name in lines.ids[:at]]
        yield from _some(f"{SCORES}: clip {{}} a second time", twice)
    word = "ranked" if row.retrieval else "captioned"
    counted = (row.result.get("coverage") or {}).get(word)
    if counted != len(ids):
        yield f"{RESULT}: coverage says {counted} {word} clips; there are {len(ids)}"
    seed = int((row.manifest or {}).get("seed") or 0)
    yield from reproducing.against_lines(figures, lines, seed, known)
    if left := reproducing.unchecked(figures, known):
        remarks.append(f"{', '.join(left)}: no mean of clips, so the seal alone vouches for it")


def _answered(row: Result) -> list[str]:
    """The clips that a row holds a caption or places of; of figures alone, those with figures."""
    if row.retrieval:
        return list(places.read(row))
    return list(row_captions(row)) if row.kind == MEASURED else list(row.lines.ids)


def _strangers(
    found: Mapping[str, object] | Sequence[str], official: Mapping[str, object], file: str, of: str
) -> Iterator[str]:
    strangers = [name for name in found if name not in official]
    yield from _some(f"{file}: clip {{}}, which {of} does not have", strangers)


def _some(sentence: str, clips: Sequence[str]) -> Iterator[str]:
    """The first few clips by name, and how many more there are."""
    for name in clips[:SHOWN]:
        yield sentence.format(name)
    if len(clips) > SHOWN:
        yield sentence.format(f"... and of {len(clips) - SHOWN:,} more")

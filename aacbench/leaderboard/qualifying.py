"""What a run must be to stand on a board: complete, current, traceable, of known training.

Each check reads what the run's own files say and gives a sentence for each thing that is amiss.
Whether what they say is true is `reproducing`'s to find out.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aacbench
from aacbench import catalog, expressions, provenance, store
from aacbench.domains import CAPTION_PARTS, SPOKEN
from aacbench.errors import AacbenchError
from aacbench.leaderboard.results import PROFILE, done
from aacbench.specs import Kind, MetricSpec
from aacbench.store import MANIFEST, RESULT

Object = Mapping[str, Any]
SCORERS = ("scored_with", "scored_again_with")
HOLDERS = (MANIFEST, RESULT, PROFILE)

PLACE = re.compile(r"(?<![\w.:/\\@-])(?:~?/|[A-Za-z]:[\\/])[^\s'\",;()\[\]]+")
"""A place on one machine: an absolute path, of either kind, that is no part of an address."""


SHAPES: Mapping[str, Mapping[str, type]] = {
    MANIFEST: {
        "key": str,
        "decides": dict,
        "captioner": dict,
        "target": dict,
        "trained_on": dict,
        "domain": dict,
        "models": list,
        "seed": int,
        "starts": list,
    },
    RESULT: {
        "captioner": str,
        "target": str,
        "domain": dict,
        "self_scored": list,
        "coverage": dict,
        "figures": dict,
        "absent": dict,
        "references": str,
        "scored_with": dict,
    },
}


def misshapen(found: Object, name: str) -> Iterator[str]:
    """What a file of a row lacks, or has in another form than runs write."""
    for part, shape in _shapes(found, name).items():
        if part not in found:
            yield f"{name}: no {part}; an older aacbench wrote it, or none"
        elif not isinstance(found[part], shape):
            yield f"{name}: {part} is a {type(found[part]).__name__}, no {shape.__name__}"
    inner = found.get("starts") if name == MANIFEST else found.get("figures")
    each = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
    if not all(isinstance(one, dict) for one in each):
        yield f"{name}: {'starts' if name == MANIFEST else 'figures'} holds what is no object"


def _shapes(found: Object, name: str) -> dict[str, type]:
    """`SHAPES` of one file; in a retriever's run, a retriever stands where a captioner would."""
    maker = store.maker_of(found)
    return {maker if part == "captioner" else part: one for part, one in SHAPES[name].items()}


def unfit_run(manifest: Object, result: Object) -> Iterator[str]:
    """All that keeps a run from being a row, as its files say it."""
    yield from _schemas(manifest, result)
    yield from _incomplete(result)
    yield from _keys(manifest, result)
    yield from outdated(result)
    starts = manifest.get("starts") or [{}]
    for number, start in enumerate(starts, 1):
        yield from untraceable(start.get("commit"), f"{MANIFEST}: start {number}")
    yield from _scored_by(result)
    yield from _unknown_training(manifest)
    yield from places(manifest, MANIFEST)
    yield from places(result, RESULT)


def unfit_figures(result: Object) -> Iterator[str]:
    """All that keeps figures without captions from being a row."""
    if result.get("schema") != store.SCHEMA:
        yield _schema(RESULT, result)
    if not str(result.get("source") or "").strip():
        yield f"{RESULT}: it does not say where the captions came from"
    if not result.get("unranked"):
        yield from _incomplete(result)
    yield from outdated(result)
    yield from _scored_by(result)
    yield from places(result, RESULT)


def remarks_on(trained_on: Object) -> Iterator[str]:
    """What is unknown and yet no reason to refuse."""
    for part, learnt in trained_on.items():
        if learnt is None and part not in CAPTION_PARTS:
            yield f"nobody knows what its {SPOKEN.get(part, part)} learnt from"


def _schemas(manifest: Object, result: Object) -> Iterator[str]:
    for name, found in ((MANIFEST, manifest), (RESULT, result)):
        if found.get("schema") != store.SCHEMA:
            yield _schema(name, found)


def _schema(name: str, found: Object) -> str:
    return f"{name}: schema {found.get('schema')} is not the current one, {store.SCHEMA}"


def _incomplete(result: Object) -> Iterator[str]:
    counts = result.get("coverage") or {}
    official, captioned = counts.get("official") or 0, done(counts)
    verb = "have a caption" if store.maker_of(result) == "captioner" else "were ranked"
    if captioned != official or not result.get("complete"):
        told = "" if captioned != official else ", and the official list is longer"
        yield f"not complete: {captioned:,} of {official:,} clips {verb}{told}"
    if failed := counts.get("failed"):
        yield f"{failed:,} clips failed: the run says why; try again with --retry-failed"


def _keys(manifest: Object, result: Object) -> Iterator[str]:
    """The run key is the digest of what decided the captions: one that is not was edited."""
    key, decides = manifest.get("key"), manifest.get("decides") or {}
    if result.get("key") != key:
        yield f"{RESULT}: of the run {result.get('key')}, but {MANIFEST} is of {key}"
    if (due := provenance.digest(decides)[:16]) != key:
        yield f"{MANIFEST}: key {key} is not that of its settings, {due}"
    maker = store.maker_of(manifest)
    named = (manifest.get(maker) or {}).get("expression")
    if result.get(maker) != named:
        yield f"{RESULT}: {maker} {result.get(maker)}, but {MANIFEST} names {named}"
    if store.task_of(result) != store.task_of(manifest):
        yield f"{RESULT}: of {store.task_of(result)}, but {MANIFEST} is of another task"
    if result.get("domain") != manifest.get("domain"):
        yield f"{RESULT}: its domain is not the one in {MANIFEST}"
    for part in (maker, "target"):
        said, decided = manifest.get(part) or {}, decides.get(part) or {}
        for name in ("name", "version", "preset", "source"):
            if said.get(name) != decided.get(name):
                yield (
                    f"{MANIFEST}: {part}.{name} is {said.get(name)}, and {decided.get(name)} "
                    f"decided the {'captions' if maker == 'captioner' else 'rankings'}"
                )
        yield from _spelt(said, part)


def _spelt(said: Object, part: str) -> Iterator[str]:
    """What an expression says, and what the settings beside it say, must be one."""
    try:
        terms = expressions.parse(str(said.get("expression")))
    except AacbenchError as error:
        yield f"{MANIFEST}: {part}.expression: {error.message}"
        return
    if terms[0].is_file:
        return
    guides = [guide.get("name") for guide in said.get("guides") or ()]
    written = [said.get("name"), *guides]
    if [term.name.rpartition("/")[2] for term in terms] != written:
        yield f"{MANIFEST}: {part}.expression {said.get('expression')} is not of {written}"
    preset, source = terms[0].preset, terms[0].source
    if (preset and preset != said.get("preset")) or (source and source != said.get("source")):
        yield (
            f"{MANIFEST}: {part}.expression {said.get('expression')}, but the settings are "
            f":{said.get('preset')} and @{said.get('source')}"
        )


def outdated(result: Object) -> Iterator[str]:
    """Figures of a metric that is another version here, or is not here, or cannot be told."""
    told: dict[str, list[str]] = {}
    for figure, entry in (result.get("figures") or {}).items():
        if reason := stale(entry):
            told.setdefault(reason, []).append(figure)
    for reason, figures in told.items():
        yield f"{RESULT}: {', '.join(figures)}: {reason}"


def stale(entry: Object) -> str | None:
    """Why a figure is not what this aacbench would compute; None where it is."""
    missing = [part for part in ("metric", "version", "plugin", "expression") if part not in entry]
    if missing:
        return f"no {' and no '.join(missing)}; score the run again"
    spec = metric_of(entry)
    if spec is None:
        return f"metric {entry['plugin']}/{entry['metric']} is not here to be checked against"
    if spec.version != entry["version"]:
        named = f"{entry['plugin']}/{entry['metric']}"
        return (
            f"of version {entry['version']} of {named}, which is now version {spec.version}; "
            "score the run again"
        )
    return None


def metric_of(entry: Object) -> MetricSpec | None:
    """The metric that gave a figure, as it is registered here."""
    kind: Kind = "metrics"
    try:
        spec = catalog.find(kind, f"{entry['plugin']}/{entry['metric']}").spec
    except AacbenchError:
        return None
    return spec if isinstance(spec, MetricSpec) else None


def _scored_by(result: Object) -> Iterator[str]:
    for name in SCORERS:
        if name == "scored_with" or name in result:
            yield from untraceable((result.get(name) or {}).get("commit"), f"{RESULT}: {name}")


def untraceable(commit: Object | None, where: str) -> Iterator[str]:
    """A commit that is not told, or not all of it."""
    if not commit or not commit.get("id"):
        yield f"{where}: no commit of aacbench, so nobody can do the same again"
    elif commit.get("dirty") is not False:
        yield (
            f"{where}: commit {str(commit['id'])[:12]} with changes of its own (dirty), which "
            "nobody else has"
        )


def unknown_commits(
    manifest: Object | None, result: Object, repository: Path | None = None
) -> Iterator[str]:
    """Commits that aacbench's history does not hold; nothing where there is no history to ask."""
    folder = repository or Path(aacbench.__file__).resolve().parent
    named = [start.get("commit") for start in (manifest or {}).get("starts") or ()]
    named += [(result.get(name) or {}).get("commit") for name in SCORERS]
    ids = dict.fromkeys(str(commit["id"]) for commit in named if commit and commit.get("id"))
    if not ids or _git(folder, "rev-parse", "--is-shallow-repository") != "false":
        return
    for commit in ids:
        if _git(folder, "cat-file", "-t", commit) != "commit":
            yield f"commit {commit[:12]} is not in aacbench's history"


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _unknown_training(manifest: Object) -> Iterator[str]:
    trained_on = manifest.get("trained_on") or dict.fromkeys(CAPTION_PARTS)
    for part in CAPTION_PARTS:
        if trained_on.get(part) is None:
            told = f"nobody knows what its {SPOKEN[part]} learnt from"
            yield f"{MANIFEST}: trained_on.{part}: {told}"


def places(value: Any, where: str) -> Iterator[str]:
    """Settings that name a place on one machine, which nobody else has."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from places(inner, f"{where}{': ' if where in HOLDERS else '.'}{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, f"{where}[{number}]")
    elif isinstance(value, str) and (found := PLACE.search(value)):
        yield f"{where} names a place on one machine, {found[0]}"


def without_places(text: str) -> str:
    """A sentence in which places on one machine are cut to the last of their names."""
    return PLACE.sub(lambda found: ".../" + re.split(r"[\\/]", found[0].rstrip("/\\"))[-1], text)

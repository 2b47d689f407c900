"""What aacbench does, as functions: the command line and a notebook call the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from aacbench import catalog, metric_sets, rankings, retrieval_figures, retrieving, running, scoring
from aacbench.audio import read
from aacbench.config import RunSettings, plan, resolve_device
from aacbench.errors import BadData, BadOption, nearest
from aacbench.provenance import environment, references_digest
from aacbench.sounds import PICTURES
from aacbench.specs import Choice
from aacbench.store import RANKINGS, RESULT, RETRIEVAL, SCHEMA, Record, RunFolder, task_of
from aacbench.tables import read_captions, read_rankings
from aacbench.types import Annotation, Caption, Captioner, Clip, Dataset
from aacbench.workshop import Workshop

BATCH = 16


def load_captioner(expression: str, device: str = "cpu", seed: int = 0) -> Captioner:
    """The captioner that an expression names, ready to caption."""
    workshop = Workshop(resolve_device(device), seed)
    return cast(Captioner, workshop.build("captioners", expression))


def load_dataset(expression: str) -> Dataset:
    """The data set that an expression names."""
    workshop = Workshop()
    return cast(Dataset, workshop.make(catalog.choose_target(expression).choice))


def caption(
    paths: Sequence[str | Path], captioner: str = "nac", device: str = "cpu", seed: int = 0
) -> list[Caption]:
    """Caption sound files, or pictures where the captioner sees; a sound that cannot be decoded
    raises `BadAudio` with its name."""
    loaded = load_captioner(captioner, device, seed)
    captions: list[Caption] = []
    for start in range(0, len(paths), BATCH):
        clips = [_clip(Path(path)) for path in paths[start : start + BATCH]]
        captions.extend(loaded.caption(clips))
    return captions


def _clip(path: Path) -> Clip:
    if path.suffix.lower() in PICTURES:
        return Clip(str(path), None, image=path)
    return Clip(str(path), read(path))


def run(captioner: str, target: str, report: running.Report | None = None, **settings: Any) -> Path:
    """Caption a target, or go on where an earlier run stopped; gives the run's folder.

    `settings` are those of `RunSettings`.
    """
    values = {"captioner": captioner, "target": target, **settings}
    checked = catalog.validate(RunSettings, values, "run")
    return running.run(plan(checked), report).folder.path


def retrieve(
    retriever: str, target: str, report: running.Report | None = None, **settings: Any
) -> Path:
    """Rank a target's clips for its captions and its captions for its clips, or go on where an
    earlier run stopped; gives the run's folder. `settings` are those of `RetrievalSettings`."""
    values = {"retriever": retriever, "target": target, **settings}
    checked = catalog.validate(retrieving.RetrievalSettings, values, "run")
    return retrieving.run(retrieving.plan(checked), report).folder.path


def score(
    folder: str | Path, metrics: Sequence[str] | None = None, tell: scoring.Tell | None = None
) -> dict[str, Any]:
    """Score a run's folder; writes ``scores.jsonl`` and ``result.json`` and gives the latter."""
    return score_run(RunFolder(Path(folder)), metrics, tell)[0]


def score_run(
    folder: RunFolder, metrics: Sequence[str] | None = None, tell: scoring.Tell | None = None
) -> tuple[dict[str, Any], scoring.Scored]:
    """As `score`, and what a comparison needs besides."""
    manifest = folder.manifest(None)
    target = catalog.choose_target(_target_expression(manifest))
    workshop = Workshop(seed=manifest["seed"])
    dataset = cast(Dataset, workshop.make(target.choice))
    annotations = dataset.annotations(target.split)
    if task_of(manifest) == RETRIEVAL:
        _refuse_other_metrics(folder, metrics)
        return _score_rankings(folder, manifest, target, dataset, annotations)
    records = folder.records()
    captions = {n: _ranked(r.caption) for n, r in records.items() if r.caption is not None}
    clips = {clip.id: clip for clip in dataset.clips(target.split)}
    chosen = metric_sets.choose_metrics(metrics)
    items = scoring.gather(annotations, captions, clips)
    made_by = manifest.get("models", ())
    scored = scoring.score(annotations, items, chosen, workshop, manifest["seed"], tell, made_by)
    result = {
        "schema": SCHEMA,
        "key": manifest["key"],
        "captioner": manifest["captioner"]["expression"],
        "target": target.name,
        "domain": manifest["domain"],
        "self_scored": scoring.self_scored(made_by, chosen, scored),
        "time_per_clip": _time_per_clip(records, items),
        **_shared(
            target,
            annotations,
            scored,
            len(clips),
            sum(r.caption is None for r in records.values()),
        ),
    }
    with folder.locked():
        folder.write_scores(scored.lines())
        folder.write_json(RESULT, result)
    return result, scored


def _refuse_other_metrics(folder: RunFolder, metrics: Sequence[str] | None) -> None:
    if metrics is not None and set(metrics) - {"retrieval"}:
        raise BadOption(
            f"{folder.path} is a run of a retriever, which has rankings and no captions: "
            "the metric 'retrieval' alone scores it.",
            f"Type: aacbench score '{folder.path}'",
        )


def _score_rankings(
    folder: RunFolder,
    manifest: Mapping[str, Any],
    target: catalog.Target,
    dataset: Dataset,
    annotations: Mapping[str, Annotation],
) -> tuple[dict[str, Any], scoring.Scored]:
    """As `score_run`, of a retriever's rankings."""
    found, seed = rankings.read(folder.path / RANKINGS), manifest["seed"]
    scored = retrieval_figures.score(annotations, found.places, Workshop(seed=seed), seed)
    at_hand = len(dataset.clips(target.split))
    shared = _shared(target, annotations, scored, at_hand, len(found.failed), "ranked")
    result = {
        "schema": SCHEMA,
        "task": RETRIEVAL,
        "key": manifest["key"],
        "retriever": manifest["retriever"]["expression"],
        "target": target.name,
        "domain": manifest["domain"],
        "self_scored": [],
        "queries": retrieval_figures.queries(annotations, found.places),
        "time_per_clip": _summed_up(found.stages),
        **shared,
    }
    with folder.locked():
        folder.write_scores(scored.lines())
        folder.write_json(RESULT, result)
    return result, scored


def _target_expression(manifest: Mapping[str, Any]) -> str:
    return str(manifest["target"]["expression"])


def _ranked(best: Caption) -> tuple[Caption, ...]:
    return (best, *best.alternatives)


def _is_complete(
    target: catalog.Target, annotations: Mapping[str, Annotation], scored: scoring.Scored
) -> bool:
    """Whether these are the figures of the whole target, as published: those of a part of it mean
    something else, and stand in no table beside them."""
    spec: Any = target.choice.spec
    contents = spec.contents.get(target.split)
    official = max(len(annotations), contents.clips if contents else 0)
    return len(scored.items) == official > 0


def _shared(
    target: catalog.Target,
    annotations: Mapping[str, Annotation],
    scored: scoring.Scored,
    at_hand: int,
    failed: int,
    done: str = "captioned",
) -> dict[str, Any]:
    return {
        "complete": _is_complete(target, annotations, scored),
        "coverage": {
            "official": len(annotations),
            "at_hand": at_hand,
            done: len(scored.items),
            "failed": failed,
        },
        "figures": scored.figures,
        "intervals": scoring.about_intervals(len(scored.items)),
        "absent": scored.absent,
        "references": references_digest(annotations),
        "scored_with": environment(),
    }


def _time_per_clip(
    records: Mapping[str, Record], items: Sequence[Any]
) -> dict[str, dict[str, float]]:
    """Mean seconds a clip in each stage, on the machine of the run."""
    stages: dict[str, list[float]] = {}
    for item in items:
        for name, seconds in records[item.clip_id].stages.items():
            stages.setdefault(name, []).append(seconds)
    return _summed_up(stages)


def _summed_up(stages: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    return {
        name: {"mean": float(np.mean(times)), "median": float(np.median(times)), "n": len(times)}
        for name, times in stages.items()
    }


def score_table(
    path: Path,
    target_expression: str,
    metrics: Sequence[str] | None = None,
    tell: scoring.Tell | None = None,
) -> tuple[dict[str, Any], scoring.Scored]:
    """Score anybody's captions, in a CSV or JSONL, against a target."""
    target = catalog.choose_target(target_expression)
    workshop = Workshop()
    dataset = cast(Dataset, workshop.make(target.choice))
    annotations = dataset.annotations(target.split)
    found = read_captions(path)
    _refuse_strangers(path, found, annotations, target.name)
    # A blank line is a caption too, an empty one, and scores nothing.
    captions = {n: tuple(Caption(text) for text in texts or [""]) for n, texts in found.items()}
    clips = {clip.id: clip for clip in dataset.clips(target.split)}
    items = scoring.gather(annotations, captions, clips, read_rankings(path))
    scored = scoring.score(
        annotations, items, metric_sets.choose_metrics(metrics), workshop, 0, tell
    )
    result = {
        "schema": SCHEMA,
        "captioner": path.name,
        "target": target.name,
        "domain": {"caption": "unknown", "strict": "unknown", "reason": "captions from a file"},
        "self_scored": [],
        **_shared(target, annotations, scored, len(clips), 0),
    }
    return result, scored


def _refuse_strangers(
    path: Path, found: Mapping[str, Any], annotations: Mapping[str, Annotation], target: str
) -> None:
    strangers = [name for name in found if name not in annotations]
    if strangers:
        raise BadData(
            f"{path} names {len(strangers)} clips that {target} does not have, the first is "
            f"'{strangers[0]}'.",
            nearest(strangers[0], list(annotations)[:5000]),
        )


def describe(choice: Choice) -> dict[str, Any]:
    """A choice's settings, what it learnt from, and its weights where they are at hand."""
    from dataclasses import asdict

    return {
        "settings": catalog.settings_of(choice),
        "trained_on": asdict(catalog.trained_on(choice)),
        "weights": catalog.fingerprint(choice),
    }

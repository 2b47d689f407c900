"""Captions + references -> scores. No captioner is loaded here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import numpy as np

from aacbench import judging, stats
from aacbench.errors import AacbenchError
from aacbench.metric_sets import labels, parts_of
from aacbench.specs import Choice, Figure, MetricSpec
from aacbench.types import Annotation, Caption, Clip, Item, Metric, Ranking, Scores
from aacbench.workshop import Workshop

RESAMPLES = 1000
LEVEL = 0.95
FEW = 50
"""Below this many clips, tables say that intervals hold the truth less often than they should."""

Tell = Callable[[str], Callable[[int, int], None] | None]
"""Told of each metric by name as it begins; what it gives is told how far the metric has come."""


@dataclass(frozen=True)
class Scored:
    """What scoring gives: corpus figures with intervals, per-clip figures, what is absent.

    `absent` and `kept` are by `metric_sets.labels`.
    """

    items: tuple[Item, ...]
    figures: Mapping[str, Mapping[str, Any]]
    per_clip: Mapping[str, Any]
    absent: Mapping[str, str]
    kept: Mapping[str, tuple[Metric, Scores]] = field(repr=False)

    def lines(self) -> list[dict[str, Any]]:
        """One line a clip: every per-clip figure that it has."""
        return [
            {
                "id": item.clip_id,
                **{
                    name: float(values[row])
                    for name, values in self.per_clip.items()
                    if np.isfinite(values[row])
                },
            }
            for row, item in enumerate(self.items)
        ]


def gather(
    annotations: Mapping[str, Annotation],
    captions: Mapping[str, Sequence[Caption]],
    clips: Mapping[str, Clip] | None = None,
    rankings: Mapping[str, Ranking] | None = None,
) -> tuple[Item, ...]:
    """The clips that have captions, in the target's order."""
    clips, rankings = clips or {}, rankings or {}
    return tuple(
        Item(name, tuple(captions[name]), annotation, clips.get(name), rankings.get(name))
        for name, annotation in annotations.items()
        if captions.get(name)
    )


class _Absent(Exception):
    """Why a metric has no figures."""


def score(
    annotations: Mapping[str, Annotation],
    items: tuple[Item, ...],
    metrics: Sequence[Choice],
    workshop: Workshop,
    seed: int = 0,
    report: Tell | None = None,
    made_by: Collection[str] = (),
) -> Scored:
    """Score `items`, with whatever depends on the whole target taken from `annotations`.

    A metric that cannot be computed is absent with its reason; the others go on. `made_by` is the
    captioner's ``catalog.models``: a metric that may pick its judge picks a stranger.
    """
    figures: dict[str, dict[str, Any]] = {}
    per_clip: dict[str, Any] = {}
    absent: dict[str, str] = {}
    kept: dict[str, tuple[Metric, Scores]] = {}
    named = labels(metrics)
    for choice in metrics:
        name = named[choice.expression]
        told = report(name) if report else None
        settled = judging.Settled(choice)
        try:
            _demand(cast(MetricSpec, choice.spec), items)
            parts = _parts(choice, named, kept)
            settled = judging.settle(choice, made_by)
            metric, scores = _scores(settled.choice, annotations, items, workshop, parts, told)
            found = figures_of(settled.choice, metric, scores, items, seed)
            _refuse_taken([*found, *scores.per_clip], {**figures, **per_clip})
        except (_Absent, AacbenchError) as error:
            absent[name] = settled.explain(str(error))
            continue
        kept[name] = (metric, scores)
        per_clip.update(scores.per_clip)
        figures.update(found)
        lost = [figure for figure in scores.per_clip if figure not in found]
        notes = _optional(metric, "notes") or {}
        absent.update({f: notes.get(f, "no clip that has a caption gives it") for f in lost})
    return Scored(items, figures, per_clip, absent, kept)


def _refuse_taken(names: Sequence[str], given: Mapping[str, Any]) -> None:
    """Figures never shadow: one that another metric has given stays that metric's."""
    for name in names:
        if name in given:
            raise _Absent(f"another metric gives '{name}' already")


def _parts(
    choice: Choice, named: Mapping[str, str], kept: Mapping[str, tuple[Metric, Scores]]
) -> dict[str, Scores]:
    """The scores of what a metric is made of, which come before it."""
    found = {}
    for part, chosen in parts_of(choice).items():
        label = named.get(chosen.expression)
        if label is None or label not in kept:
            raise _Absent(f"it is made of {chosen.expression}, which is absent")
        found[part] = kept[label][1]
    return found


def _demand(spec: MetricSpec, items: Sequence[Item]) -> None:
    """Raise `_Absent` where a metric cannot be computed on these items."""
    if not items:
        raise _Absent("no clip of the target has a caption")
    carried = {
        "references": lambda item: any(text.strip() for text in item.annotation.references),
        "events": lambda item: bool(item.annotation.events),
        "audio": lambda item: item.clip is not None and item.clip.audio is not None,
        "image": lambda item: item.clip is not None and item.clip.image is not None,
        "ranking": lambda item: item.ranking is not None,
        "attention": lambda item: item.attention is not None,
    }
    for need in (*(() if spec.reference_free else ("references",)), *spec.needs):
        carries = carried.get(need)
        if carries is None:
            raise _Absent(f"it needs '{need}', which this version does not know")
        if not any(carries(item) for item in items):
            raise _Absent(f"the target has no {need}")


def _scores(
    choice: Choice,
    annotations: Mapping[str, Annotation],
    items: Sequence[Item],
    workshop: Workshop,
    parts: Mapping[str, Scores],
    told: Callable[[int, int], None] | None,
) -> tuple[Metric, Scores]:
    try:
        metric = cast(Metric, workshop.make(choice))
        if hasattr(metric, "report"):
            metric.report = told
        metric.prepare(annotations)
        scores = metric.score(items, parts)
    except AacbenchError:
        raise
    except Exception as error:
        raise _Absent(f"{type(error).__name__}: {error}") from error
    _check(scores, "score()", len(items))
    return metric, scores


def _check(scores: Any, call: str, n: int) -> None:
    if not isinstance(scores, Scores):
        raise _Absent(f"its {call} gave a {type(scores).__name__}, not aacbench.Scores")
    for name, values in scores.per_clip.items():
        if len(values) != n:
            raise _Absent(f"its {call} gave {len(values)} values of {name} for {n} clips")


def figures_of(
    choice: Choice,
    metric: Metric,
    scores: Scores,
    items: Sequence[Item],
    seed: int,
    figures: Sequence[Figure] = (),
) -> dict[str, dict[str, Any]]:
    """The corpus figures as ``result.json`` holds them; `figures` are some that the metric's spec
    does not name."""
    spec = cast(MetricSpec, choice.spec)
    known = {figure.id: figure for figure in (*spec.figures, *figures)}
    people = _optional(metric, "score_references", items)
    if people is not None:
        _check(people, "score_references()", len(items))
    notes = _optional(metric, "notes")
    theirs = _intervals(metric, people, known, len(items), seed) if people else {}
    entries = {}
    for name, interval in _intervals(metric, scores, known, len(items), seed).items():
        figure = known.get(name, Figure(name))
        entries[name] = {
            "metric": spec.name,
            "version": spec.version,
            "plugin": spec.plugin,
            "expression": choice.expression,
            **interval,
            "higher_is_better": figure.higher_is_better,
            "decimals": figure.decimals,
        }
        if name in theirs:
            entries[name]["references"] = {
                part: theirs[name][part] for part in ("estimate", "low", "high")
            }
        if notes and name in notes:
            entries[name]["note"] = notes[name]
    return entries


def _optional(metric: Metric, method: str, *given: Any) -> Any:
    """What a method gives that a metric need not have; None where it has none."""
    found = getattr(metric, method, None)
    if found is None:
        return None
    try:
        return found(*given)
    except AacbenchError:
        raise
    except Exception as error:
        raise _Absent(f"its {method}() failed: {type(error).__name__}: {error}") from error


def _intervals(
    metric: Metric, scores: Scores, known: Mapping[str, Figure], n: int, seed: int
) -> dict[str, dict[str, Any]]:
    """Finite corpus figures with their intervals, where a bootstrap says something about them."""
    try:
        found = stats.bootstrap(
            metric.corpus, scores.statistics, n, resamples=RESAMPLES, seed=seed, level=LEVEL
        )
    except Exception as error:
        raise _Absent(f"its corpus() failed: {type(error).__name__}: {error}") from error
    entries = {}
    for name, interval in found.items():
        if not np.isfinite(interval.estimate):
            continue
        figure, values = known.get(name), scores.per_clip.get(name)
        if figure and (figure.low, figure.high) == (0.0, 1.0) and values is not None:
            interval = stats.share(values, interval.estimate, LEVEL) or interval
        entries[name] = asdict(interval)
        resamples = figure is None or figure.resamples
        if not resamples or not np.isfinite([interval.low, interval.high]).all():
            entries[name]["low"] = entries[name]["high"] = None
    return entries


def about_intervals(clips: int) -> dict[str, Any]:
    """How the intervals of a result were made, and what to think of them where clips are few."""
    about: dict[str, Any] = {
        "level": LEVEL,
        "method": "bootstrap over clips (BCa, widened for few); Wilson for shares of clips",
        "resamples": RESAMPLES,
    }
    note = caution(clips)
    return about if note is None else {**about, "note": note}


def caution(clips: int) -> str | None:
    """What to tell whoever reads intervals of so few clips; None where there are enough."""
    if clips >= FEW:
        return None
    return (
        f"{clips} clips are few: intervals meant to hold the truth 95 times of 100 hold it "
        "92 to 96 times with 27 clips, and less often with fewer"
    )


def self_scored(made_by: Collection[str], metrics: Sequence[Choice], scored: Scored) -> list[str]:
    """The metrics, as `figures` names their expressions, whose model also made the captions: they
    judge their own work.

    `made_by` is the captioner's ``catalog.models``, as the manifest records it, so that neither
    its plugin nor its weights have to be here.
    """
    named = labels(metrics)
    computed = [choice for choice in metrics if named[choice.expression] in scored.kept]
    judges = [judging.settle(choice, made_by).choice for choice in computed]
    return [judge.expression for judge in judges if judging.shares(judge, made_by)]

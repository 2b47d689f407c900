"""The card beside a weights file: what it learnt from, how, and how well it tells kinds apart."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from aacbench.builtin.classifiers import groups, measure
from aacbench.builtin.classifiers.options import ClassifierTrainOptions
from aacbench.builtin.classifiers.sentences import Sentences, line_count

if TYPE_CHECKING:
    from aacbench.builtin.classifiers.train import Lesson
    from aacbench.types import Classifier

CONTROL = "- A control: the labels that it learnt from were dealt out at random."
UNTOLD = {"positives", "negatives", "base"}  # paths
GENERATING = {
    "generate",
    "language_model",
    "count",
    "temperature",
    "positive_kind",
    "negative_kind",
}
FINE_TUNING = {"epochs", "longest"}
MAKING = {"beginning", "composition", "phrase", "graft", "smoothing"}


@dataclass(frozen=True)
class Report:
    """Figures on held-out sentences; empty where there were none."""

    told_apart: dict[str, Any] | None
    calibration_error: float | None
    table: list[measure.Bin]
    beginnings: dict[str, float]
    worst: list[measure.Mistake]

    @classmethod
    def of(cls, classifier: Classifier, positive_label: str, held_out: Sentences) -> Report:
        """Measure `classifier` on sentences that it has not seen."""
        if not len(held_out):
            return cls(None, None, [], {}, [])
        positive = held_out.positive
        found = measure.probability(classifier, positive_label, held_out.texts)
        beginnings = {}
        for share in measure.CUTS:
            cut = [measure.cut(text, share) for text in held_out.texts]
            said = measure.probability(classifier, positive_label, cut)
            beginnings[f"{share:.0%}"] = float(((said >= 0.5) == positive).mean())
        return cls(
            measure.told_apart(found, positive),
            measure.calibration_error(found, positive),
            measure.reliability(found, positive),
            beginnings,
            measure.worst(found, held_out),
        )

    def figures(self) -> dict[str, Any]:
        """The few that a training prints."""
        if self.told_apart is None:
            return {"held_out": "no sentence was left to hold out"}
        return {**self.told_apart, "calibration_error": round(self.calibration_error or 0.0, 4)}


def write(
    path: Path, digest: str, options: ClassifierTrainOptions, lesson: Lesson, report: Report
) -> None:
    """Write ``NAME.md`` beside the weights `path`."""
    told = _settings(options)
    learning = lesson.learning
    lines = [
        f"# {path.stem}",
        "",
        f"A classifier of sentences: `{options.labels[0]}` or `{options.labels[1]}`.",
        "",
        f"- sha256 of `{path.name}`: `{digest}`.",
        f"- Trained on: {len(learning):,} sentences ({int(learning.positive.sum()):,} "
        f"{options.labels[0]}) of {line_count(lesson.files)}; dropped: "
        + ", ".join(f"{count} {why}" for why, count in learning.dropped.items())
        + ".",
        f"- Groups of near-duplicates: {lesson.groups:,} (Jaccard of stems "
        f"{groups.THRESHOLD:g} or more, and friends of friends); half '{options.half}'; "
        f"{len(lesson.checking):,} sentences weighed the readers; "
        f"{len(lesson.held_out):,} held out.",
        f"- Trained with: `{_command()}`, torch {torch.__version__}.",
        f"- Settings: `{told}`",
        *([CONTROL] if options.shuffle_labels else []),
        "",
        *_measured(report, options.labels[0]),
    ]
    path.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _settings(options: ClassifierTrainOptions) -> dict[str, Any]:
    """The options that had a say in these weights."""
    silent = UNTOLD | (MAKING if options.preset == "paper" else FINE_TUNING)
    if options.generate is None:
        silent |= GENERATING
    return options.model_dump(mode="json", exclude=silent, exclude_none=True)


def _command() -> str:
    if Path(sys.argv[0]).name not in {"aacbench", "__main__.py"}:
        return "aacbench train classifier"
    return shlex.join(["aacbench", *sys.argv[1:]])


def _measured(report: Report, label: str) -> list[str]:
    found = report.told_apart
    if found is None:
        return ["Nothing was measured: no sentence was left to hold out."]
    rows = [f"| {b.count} | {b.said:.3f} | {b.true:.3f} |" for b in report.table]
    begun = ", ".join(f"{share} {value:.3f}" for share, value in report.beginnings.items())
    return [
        "## Measured on held-out groups",
        "",
        f"- Accuracy {found['accuracy']:.4f} [{found['low']:.4f}, {found['high']:.4f}] (Wilson, "
        f"95 %) of {found['n']:,}; wrongly called {label}: {_percent(found['false_audible'])} of "
        f"the others; wrongly not: {_percent(found['false_inaudible'])}.",
        f"- Accuracy on beginnings, by the share of words that is read: {begun}.",
        f"- Expected calibration error, ten bins: {report.calibration_error:.4f}.",
        "",
        f"| sentences | said: P({label}) | true share |",
        "|---|---|---|",
        *rows,
        "",
        "Worst mistakes, by line of the file it stands in:",
        "",
        f"| file | line | P({label}) |",
        "|---|---|---|",
        *(f"| {_file(one)} | {one.line} | {one.probability:.3f} |" for one in report.worst),
    ]


def _file(mistake: measure.Mistake) -> str:
    return "positives" if mistake.positive else "negatives"


def _percent(share: Any) -> str:
    return "none there" if share is None else f"{100 * np.float64(share):.1f} %"

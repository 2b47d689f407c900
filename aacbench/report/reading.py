"""Runs to be laid side by side: read from their folders, and refused where they do not belong."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from aacbench import catalog, expressions
from aacbench.errors import BadData, BadOption
from aacbench.store import CAPTIONS, SCORES, Record, RunFolder
from aacbench.types import Annotation, Clip, Dataset
from aacbench.workshop import Workshop

Values = Mapping[str, float]
"""A clip's figures by their ids."""


@dataclass(frozen=True)
class Run:
    """One system's captions of a target, with figures where the run is scored."""

    folder: Path
    manifest: Mapping[str, Any]
    records: Mapping[str, Record]
    result: Mapping[str, Any] | None
    scores: Mapping[str, Values]

    @property
    def expression(self) -> str:
        return str(self.manifest["captioner"]["expression"])

    @property
    def name(self) -> str:
        """The expression without folders, which say nothing on another machine."""
        return "+".join(map(_named, expressions.parse(self.expression)))

    @property
    def key(self) -> str:
        return str(self.manifest["key"])

    @property
    def guided(self) -> bool:
        return bool(self.manifest["captioner"].get("guides"))

    def unguided(self) -> dict[str, Any]:
        """The captioner's settings without its guides."""
        left_out = ("expression", "guides")
        captioner = self.manifest["captioner"]
        return {name: value for name, value in captioner.items() if name not in left_out}

    def twins(self) -> list[dict[str, Any]]:
        """What a run without the guides is set to, best first.

        Where the captioner leaves open what its guides decide (how many beams), the twin that
        decides it likewise differs by the guides alone.
        """
        plain = self.unguided()
        options = plain.get("options") or {}
        decided: dict[str, Any] = {}
        for guide in self.manifest["captioner"].get("guides", ()):
            decided |= {n: v for n, v in (guide.get("options") or {}).items() if v is not None}
        filled = {n: decided.get(n) if v is None else v for n, v in options.items()}
        return [{**plain, "options": filled}, plain] if options else [plain]

    def unscored(self) -> int:
        """How many captions have no figures."""
        captioned = (n for n, record in self.records.items() if record.caption is not None)
        return sum(name not in self.scores for name in captioned)


@dataclass(frozen=True)
class Runs:
    """Runs of one target, and what is known of its clips; `clips` holds those with sound."""

    target: str
    runs: tuple[Run, ...]
    annotations: Mapping[str, Annotation]
    clips: Mapping[str, Clip]
    ids: tuple[str, ...] = field(default=())

    def names(self) -> list[str]:
        """What readers tell the runs by: their captioners, with the key where two are alike."""
        found = [run.name for run in self.runs]
        return [
            f"{name} [{run.key[:8]}]" if found.count(name) > 1 else name
            for name, run in zip(found, self.runs, strict=True)
        ]

    def twin(self, run: Run) -> int | None:
        """Which run is the captioner of a guided one without its guides, if any is."""
        if not run.guided:
            return None
        for settings in run.twins():
            for index, other in enumerate(self.runs):
                alike = not other.guided and other.unguided() == settings
                if alike and other.manifest["seed"] == run.manifest["seed"]:
                    return index
        return None


def _named(term: expressions.Term) -> str:
    options = {
        name: Path(value).name if isinstance(value, str) and os.path.isabs(value) else value
        for name, value in term.options.items()
    }
    name = Path(term.name).name if term.is_file else term.name
    return expressions.write(name, term.preset, term.source, options)


def read_runs(folders: Sequence[Path]) -> Runs:
    """The runs of some folders; raises BadOption where they are of different targets.

    BadData where a folder is no run's, has no captions, or is given twice.
    """
    if not folders:
        raise BadOption("There is no run to report.", "Give the folder that aacbench run printed.")
    runs = tuple(_read(folder) for folder in folders)
    _refuse_twice(runs)
    target = catalog.choose_target(str(runs[0].manifest["target"]["expression"]))
    _refuse_strangers(runs)
    dataset = cast(Dataset, Workshop().make(target.choice))
    annotations = dataset.annotations(target.split)
    clips = {clip.id: clip for clip in dataset.clips(target.split)}
    return Runs(target.name, runs, annotations, clips, _ids(runs, annotations))


def _read(path: Path) -> Run:
    folder = RunFolder(path)
    manifest, records = folder.manifest(), folder.records()
    if not records:
        raise BadData(f"{path} has no captions in {CAPTIONS}.", "Type the same aacbench run again.")
    result = folder.result() if folder.has_result() else None
    scores = _read_scores(path / SCORES) if result is not None else {}
    return Run(path, manifest, records, result, scores)


def _read_scores(path: Path) -> dict[str, Values]:
    if not path.is_file():
        return {}
    found: dict[str, Values] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            values = json.loads(line)
            name = str(values.pop("id"))
            found[name] = {str(figure): float(value) for figure, value in values.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadData(
                f"{path}, line {number} is not a clip's figures: {error}.",
                f"Type: aacbench score '{path.parent}'",
            ) from None
    return found


def _refuse_twice(runs: Sequence[Run]) -> None:
    seen: dict[str, Path] = {}
    for run in runs:
        before = seen.setdefault(run.key, run.folder)
        if before is not run.folder:
            raise BadOption(
                f"{run.folder} is the same run as {before} ({run.expression}).", "Give each once."
            )


def _refuse_strangers(runs: Sequence[Run]) -> None:
    """Clips are compared one by one, so all runs must be of one target, split and references."""
    first = runs[0]
    for run in runs[1:]:
        ours, theirs = (str(r.manifest["target"]["expression"]) for r in (first, run))
        if _target(run) != _target(first):
            raise BadOption(
                f"{first.expression} ({first.folder}) captions {ours}, "
                f"{run.expression} ({run.folder}) captions {theirs}.",
                "Report runs of one target and split together, the others in pages of their own.",
            )
        if first.result and run.result and first.result["references"] != run.result["references"]:
            raise BadOption(
                f"{first.expression} ({first.folder}) and {run.expression} ({run.folder}) were "
                f"scored against different references of {ours}.",
                f"Score both again: aacbench score '{first.folder}' '{run.folder}'",
            )


def _target(run: Run) -> tuple[Any, ...]:
    target = run.manifest["target"]
    return tuple(target.get(name) for name in ("plugin", "name", "split", "options"))


def _ids(runs: Sequence[Run], annotations: Mapping[str, Annotation]) -> tuple[str, ...]:
    """The clips that any run tried: in the target's order, those it does not list last."""
    tried = dict.fromkeys(name for run in runs for name in run.records)
    listed = [name for name in annotations if name in tried]
    return (*listed, *(name for name in tried if name not in annotations))

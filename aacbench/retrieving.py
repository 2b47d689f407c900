"""Settings -> rankings both ways: each caption looks for its clip, each clip for its captions.

The gallery is the target itself: all clips that are asked for, and all of their captions. Another
gallery gives other ranks, so clips, captions and `limit` are part of the run's key.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from aacbench import catalog, config, domains, provenance, rankings
from aacbench.audio import RESAMPLER
from aacbench.crossing import Crossing, Report, Said
from aacbench.errors import BadData, BadOption
from aacbench.rankings import DEPTH
from aacbench.specs import Choice, TrainedOn
from aacbench.store import MANIFEST, RANKINGS, RETRIEVAL, SCHEMA, RunFolder
from aacbench.types import Annotation, Clip
from aacbench.workshop import Workshop

PARTIAL = "partial"


class RetrievalSettings(BaseModel):
    """What a user asks of ``aacbench run --retriever``."""

    model_config = ConfigDict(extra="forbid")

    retriever: str
    target: str
    limit: int | None = Field(None, ge=1, description="the first so many clips are the gallery")
    seed: int = 0
    device: str = "cpu"
    out: Path = Path("runs")
    retry_failed: bool = False


@dataclass(frozen=True)
class Plan:
    """A retriever's run resolved; `clips` are the gallery, `at_hand` all that could be in it."""

    settings: RetrievalSettings
    retriever: Choice
    target: catalog.Target
    clips: Sequence[Clip]
    at_hand: int
    annotations: Mapping[str, Annotation]
    decides: Mapping[str, Any]
    workshop: Workshop

    @property
    def key(self) -> str:
        """The run key: a digest of all that decides the rankings."""
        return provenance.digest(self.decides)[:16]

    @property
    def folder(self) -> RunFolder:
        """``out/target/retriever/key``."""
        names = (self.target.name, config.label(self.retriever))
        return RunFolder(self.settings.out.joinpath(*map(config.file_name, names), self.key))

    @cached_property
    def captions(self) -> list[Said]:
        """All captions of the clips, in the target's order."""
        return [
            Said(rankings.caption_id(clip.id, number), clip.id, text)
            for clip in self.clips
            if clip.id in self.annotations
            for number, text in rankings.numbered(self.annotations[clip.id])
        ]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: clips ranked and failed, and whether all had been done before."""

    folder: RunFolder
    ranked: int
    failed: int
    done_before: bool


def plan(settings: RetrievalSettings) -> Plan:
    """Resolve settings; builds the data set, and nothing else that is heavy."""
    retriever = catalog.choose("retrievers", settings.retriever)
    target = catalog.choose_target(settings.target)
    workshop = Workshop(config.resolve_device(settings.device), settings.seed)
    dataset, at_hand = config.at_hand(target, settings.target, workshop, retriever)
    annotations = dataset.annotations(target.split)
    clips = [clip for clip in at_hand if clip.audio is not None][: settings.limit]
    decides = {
        "schema": SCHEMA,
        "task": RETRIEVAL,
        "retriever": config.portable(retriever),
        "weights": catalog.fingerprint(retriever),
        "knowledge": config.knowledge(retriever, workshop),
        "target": config.portable(target.choice),
        # The gallery decides every rank: clips and captions, and how many there are.
        "clips": provenance.clips_digest(clips),
        "references": _references(clips, annotations),
        "depth": DEPTH,
        "seed": settings.seed,
        "dtype": "float32",
        "resampler": RESAMPLER,
    }
    found = Plan(settings, retriever, target, clips, len(at_hand), annotations, decides, workshop)
    if not found.captions:
        raise BadData(f"No clip of {target.name} has a caption to look for.", "Name another.")
    return found


def _references(clips: Sequence[Clip], annotations: Mapping[str, Annotation]) -> str:
    return provenance.references_digest(
        {clip.id: annotations[clip.id] for clip in clips if clip.id in annotations}
    )


def trained_on(retriever: Choice) -> TrainedOn:
    """What a retriever learnt from. The encoder is what ranks captions, so that what it learnt
    from counts as captions, which decide the board, and not as an encoder's training alone."""
    learnt = catalog.trained_on(retriever)
    return replace(learnt, captions=catalog.union([learnt.captions, learnt.encoder]))


def domain(plan: Plan) -> domains.Domain:
    """The verdicts on a plan's retriever and target."""
    learnt = trained_on(plan.retriever)
    return config.verdict(learnt, plan.target, plan.annotations, plan.workshop)


def run(plan: Plan, report: Report | None = None) -> Outcome:
    """Rank both ways what is not ranked yet; `report(done, of)` after each block of clips.

    Raises `BadOption` for a retriever that never looks at text, and `PluginFault` for one that
    breaks its contract.
    """
    folder = plan.folder
    with folder.locked():
        path, partial = folder.path / RANKINGS, folder.path / PARTIAL
        before = rankings.read(path) if path.is_file() else None
        if before and before.failed and plan.settings.retry_failed:
            before = None
        if before is None:
            retriever = plan.workshop.make(plan.retriever)
            _refuse_deaf(plan.retriever, retriever)
            _write_manifest(plan, folder)
            name = plan.retriever.expression
            crossing = Crossing(retriever, name, plan.clips, plan.captions, partial)
            crossing.run(report)
            folder.write_rankings(crossing.lines())
        shutil.rmtree(partial, ignore_errors=True)
        found = before or rankings.read(path)
    return Outcome(folder, len(found.places), len(found.failed), before is not None)


def _refuse_deaf(choice: Choice, retriever: Any) -> None:
    if not callable(getattr(retriever, "similarities", None)):
        raise BadOption(
            f"'{choice.spec.name}' compares no sound with text (it has no similarities(clips, "
            "texts)), so it cannot rank captions for clips, nor clips for captions.",
            "Name one that does: aacbench run --retriever audio-to-text --target ...",
        )


def _write_manifest(plan: Plan, folder: RunFolder) -> None:
    known = (folder.path / MANIFEST).is_file()
    start = {
        **provenance.environment(),
        "device": plan.workshop.device,
        "limit": plan.settings.limit,
    }
    manifest = {
        "schema": SCHEMA,
        "task": RETRIEVAL,
        "key": plan.key,
        "decides": plan.decides,
        "retriever": catalog.settings_of(plan.retriever),
        "target": {**catalog.settings_of(plan.target.choice), "split": plan.target.split},
        "trained_on": asdict(trained_on(plan.retriever)),
        "domain": asdict(domain(plan)),
        "models": sorted(catalog.models(plan.retriever)),
        "clips": {"official": len(plan.annotations), "at_hand": plan.at_hand},
        "captions": len(plan.captions),
        "seed": plan.settings.seed,
        "starts": [*(folder.manifest(RETRIEVAL)["starts"] if known else []), start],
    }
    folder.write_json(MANIFEST, manifest)

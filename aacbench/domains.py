"""Does what a captioner's parts were trained on overlap the target? in, out or unknown.

Two verdicts. The caption domain, the papers' sense, looks at caption supervision and knowledge
base alone, and decides the board. The strict one looks at every part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Literal

from aacbench.specs import DatasetSpec, TrainedOn
from aacbench.types import Annotation

Verdict = Literal["in", "out", "unknown"]
CAPTION_PARTS = ("captions", "knowledge_base")
SPOKEN = {name: name.replace("_", " ") for name in (f.name for f in fields(TrainedOn))}


@dataclass(frozen=True)
class Domain:
    """Both verdicts on a captioner and a target, and the reason in words."""

    caption: Verdict
    strict: Verdict
    reason: str


def judge(
    trained_on: TrainedOn,
    target: DatasetSpec,
    split: str,
    annotations: Mapping[str, Annotation],
    known: Callable[[str], Mapping[str, Annotation] | None],
) -> Domain:
    """Judge a captioner's training data against a target.

    A part is in-domain if it learnt from any split of the target's data set, from a collection
    that the target was taken from, or from recordings that the target holds too (by source id).
    `known(name)` gives the annotations of ``"dataset/split"`` where they are at hand, else None.
    """
    target_sources = {a.source_id for a in annotations.values() if a.source_id}
    found: dict[str, tuple[Verdict, str]] = {}
    for field in fields(TrainedOn):
        names = getattr(trained_on, field.name)
        found[field.name] = _judge_part(field.name, names, target, split, target_sources, known)
    caption = _worst(found[name][0] for name in CAPTION_PARTS)
    strict = _worst(verdict for verdict, _ in found.values())
    reasons = [reason for verdict, reason in found.values() if verdict != "out"]
    if not reasons:
        unseen = [reason for _, reason in found.values() if reason]
        nothing = f"nothing that it learnt from is known to overlap {target.name}"
        reasons = list(dict.fromkeys([nothing, *unseen]))
    return Domain(caption, strict, "; ".join(reasons))


def _judge_part(
    part: str,
    names: Iterable[str] | None,
    target: DatasetSpec,
    split: str,
    target_sources: set[str],
    known: Callable[[str], Mapping[str, Annotation] | None],
) -> tuple[Verdict, str]:
    spoken = SPOKEN[part]
    if names is None:
        return "unknown", f"{spoken}: nobody knows what it learnt from"
    unseen = []
    for name in names:
        collection = name.partition("/")[0]
        if collection == target.name:
            return "in", f"{spoken}: learnt from {name}"
        if collection in target.derived_from:
            return "in", f"{spoken}: learnt from {name}, which {target.name} was taken from"
        learnt = known(name)
        if learnt is None:
            unseen.append(name)
            continue
        shared = target_sources & {a.source_id for a in learnt.values()}
        if shared:
            return (
                "in",
                f"{spoken}: {name} shares {len(shared)} recordings with {target.name}/{split}",
            )
    if not unseen:
        return "out", ""
    return "out", f"by name alone: the recordings of {', '.join(unseen)} are not at hand to compare"


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    """In-domain if any part is, else unknown if any is."""
    listed = list(verdicts)
    if "in" in listed:
        return "in"
    return "unknown" if "unknown" in listed else "out"

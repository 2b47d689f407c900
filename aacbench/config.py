"""A run's settings: validated, defaults filled in, in canonical form -> its run key.

The key covers what decides the captions and nothing else: device, workers, batch size, paths and
the number of clips stay out of it, so that a second run goes on where the first one stopped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator

from aacbench import bases, catalog, domains, expressions, provenance, sharding
from aacbench.audio import RESAMPLER
from aacbench.errors import AacbenchError, BadData, BadOption
from aacbench.perceiving import ImageEncoderSpec
from aacbench.specs import Choice, DatasetSpec, TrainedOn
from aacbench.store import SCHEMA, RunFolder
from aacbench.types import Annotation, Clip, Dataset
from aacbench.workshop import Workshop


class RunSettings(BaseModel):
    """What a user asks of `aacbench run`."""

    model_config = ConfigDict(extra="forbid")

    captioner: str
    target: str
    limit: int | None = Field(None, ge=1, description="caption the first so many clips only")
    batch_size: int = Field(16, ge=1)
    seed: int = 0
    device: str = "cpu"
    workers: int = Field(2, ge=1, description="threads that decode, or processes that caption")
    executor: Literal["local", "ray"] = "local"
    shard: str | None = Field(None, description="caption one part of several: 1/4 to 4/4")
    out: Path = Path("runs")
    retry_failed: bool = False

    @field_validator("shard")
    @classmethod
    def _shard(cls, text: str | None) -> str | None:
        return None if text is None else str(sharding.shard(text))


@dataclass(frozen=True)
class Plan:
    """A run resolved: everything that `--dry-run` prints and `run` needs."""

    settings: RunSettings
    captioner: Choice
    target: catalog.Target
    dataset: Dataset
    clips: Sequence[Clip]
    annotations: Mapping[str, Annotation]
    decides: Mapping[str, Any]
    workshop: Workshop

    @property
    def key(self) -> str:
        """The run key: a digest of all that decides the captions."""
        return provenance.digest(self.decides)[:16]

    @property
    def folder(self) -> RunFolder:
        """``out/target/captioner/key``, which shards share."""
        names = (file_name(self.target.name), file_name(label(self.captioner)), self.key)
        path = self.settings.out.joinpath(*names)
        return RunFolder(path, self.shard.part if self.shard else None)

    @property
    def shard(self) -> sharding.Shard | None:
        """The part of the target that is asked for, where it is not the whole."""
        return sharding.shard(self.settings.shard) if self.settings.shard else None

    def asked(self) -> Sequence[Clip]:
        """The clips to caption: `limit` applied, and of those the shard's."""
        clips = self.clips[: self.settings.limit]
        return self.shard.take(clips) if self.shard else clips


def file_name(text: str) -> str:
    """A name as part of a path, in the way of run folders."""
    return re.sub(r"[^A-Za-z0-9._@+=-]+", "-", text).strip("-.")[:100] or "unnamed"


def label(choice: Choice) -> str:
    """A choice's expression without paths, so that moved files lead to the same run folder."""
    terms = []
    for one, term in zip(
        (choice, *choice.guides), expressions.parse(choice.expression), strict=True
    ):
        name = Path(term.name).name if term.is_file else term.name
        options = {n: v for n, v in term.options.items() if n not in _paths(one)}
        terms.append(expressions.write(name, term.preset, term.source, options))
    return "+".join(terms)


def plan(settings: RunSettings) -> Plan:
    """Resolve settings; builds the data set, and nothing else that is heavy."""
    captioner = catalog.choose("captioners", settings.captioner)
    target = catalog.choose_target(settings.target)
    workshop = Workshop(resolve_device(settings.device), settings.seed)
    dataset, clips = at_hand(target, settings.target, workshop, captioner)
    decides = {
        "schema": SCHEMA,
        "captioner": portable(captioner),
        "weights": catalog.fingerprint(captioner),
        "knowledge": knowledge(captioner, workshop),
        "target": portable(target.choice),
        "clips": provenance.clips_digest(clips),
        "seed": settings.seed,
        "dtype": "float32",
        "resampler": RESAMPLER,
    }
    annotations = dataset.annotations(target.split)
    return Plan(settings, captioner, target, dataset, clips, annotations, decides, workshop)


def senses(choice: Choice) -> set[str]:
    """What the encoders in a choice perceive: ``"sound"``, ``"picture"``, both or nothing."""
    own = set()
    if choice.kind == "encoders":
        own = {"picture" if isinstance(choice.spec, ImageEncoderSpec) else "sound"}
    return own.union(*map(senses, (*catalog.parts_of(choice).values(), *choice.guides)))


def at_hand(
    target: catalog.Target, expression: str, workshop: Workshop, system: Choice
) -> tuple[Dataset, Sequence[Clip]]:
    """A target's data set, and its clips whose sound is at hand; refused where there are none.

    Where all that `system` perceives is pictures, it is the clips whose picture is at hand, and
    they come without their sound: so they are known by their pictures.
    """
    looking = senses(system) == {"picture"}
    wanted = "picture" if looking else "sound"
    dataset = cast(Dataset, workshop.make(target.choice))
    clips = dataset.clips(target.split)
    if not clips:
        raise BadData(
            f"No {wanted} of {target.name} is at hand.",
            f"See what is missing: aacbench data show '{expression}'",
        )
    if looking:
        found = [replace(clip, audio=None) for clip in clips if clip.image is not None]
    else:
        found = [clip for clip in clips if clip.audio is not None]
    if not found:
        told = "sounds and no picture" if looking else "pictures and no sound"
        raise BadOption(
            f"{target.name} holds {told}, which is what is {'seen' if looking else 'listened to'}.",
            f"Choose a data set of {wanted}s as the target.",
        )
    return dataset, found


def resolve_device(name: str) -> str:
    """The device as torch calls it; ``auto`` is a GPU where there is one."""
    if name == "cpu":
        return name
    import torch

    there = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if there else "cpu"
    try:
        kind = torch.device(name).type
    except RuntimeError:
        raise BadOption(f"There is no device '{name}'.", "Write cpu, cuda or auto.") from None
    if kind == "cuda" and not there:
        raise BadOption("There is no GPU that torch can use.", "Write --device cpu.")
    return name


def portable(choice: Choice) -> dict[str, Any]:
    """A choice's settings without paths, which mean nothing on another machine."""
    found = catalog.settings_of(choice)
    parts = catalog.parts_of(choice)
    told = _paths(choice) | set(parts)  # a part counts as resolved, not as it was spelt
    found["options"] = {n: v for n, v in found["options"].items() if n not in told}
    found["parts"] = {name: portable(inner) for name, inner in parts.items()}
    found["guides"] = [portable(guide) for guide in choice.guides]
    del found["expression"]
    if choice.options.__class__ is dict:  # a class in a file, whose plugin is the file's path
        del found["plugin"]
    return found


def _paths(choice: Choice) -> set[str]:
    options = choice.options.model_dump() if hasattr(choice.options, "model_dump") else {}
    return {name for name, value in options.items() if isinstance(value, Path)}


def knowledge(choice: Choice, workshop: Workshop) -> str | None:
    """A digest of the captions or pairs that a captioner, its parts and its guides are built from
    or look things up in, where there are any."""
    found = [one for inner in _all_parts(choice) if (one := _behind(inner, workshop))]
    return provenance.digest({"all": found}) if len(found) > 1 else next(iter(found), None)


def _all_parts(choice: Choice) -> Iterator[Choice]:
    yield choice
    for inner in (*catalog.parts_of(choice).values(), *choice.guides):
        yield from _all_parts(inner)


def _behind(choice: Choice, workshop: Workshop) -> str | None:
    """What one part looks things up in, as a digest of what of it is at hand."""
    if choice.source is None:
        return None
    if choice.spec.source_is_knowledge:
        splits = bases.recipe(choice.source).splits()
        return provenance.digest({name: _at_hand(name, workshop) for name in splits})
    if not choice.spec.source_is_dataset:
        return None
    spec = cast(DatasetSpec, catalog.find("datasets", choice.source).spec)
    known = annotations_of(workshop, f"{spec.plugin}/{spec.name}", spec.train_split or "")
    return provenance.references_digest(known) if known else None


def _at_hand(expression: str, workshop: Workshop) -> str | None:
    """A digest of the clips of a split that are here; None where its data set is not."""
    try:
        target = catalog.choose_target(expression)
        return provenance.clips_digest(
            cast(Dataset, workshop.make(target.choice)).clips(target.split)
        )
    except AacbenchError:
        return None


def annotations_of(workshop: Workshop, dataset: str, split: str) -> Mapping[str, Annotation] | None:
    """The annotations of a data set's split, or None where they are not at hand."""
    try:
        built = cast(Dataset, workshop.build("datasets", dataset))
        return built.annotations(split)
    except AacbenchError:
        return None


def domain(plan: Plan) -> domains.Domain:
    """The verdicts on a plan's captioner and target."""
    learnt = catalog.trained_on(plan.captioner)
    return verdict(learnt, plan.target, plan.annotations, plan.workshop)


def verdict(
    learnt: TrainedOn,
    target: catalog.Target,
    annotations: Mapping[str, Annotation],
    workshop: Workshop,
) -> domains.Domain:
    """The verdicts on what learnt from these data, and a target."""
    return domains.judge(
        learnt,
        cast(DatasetSpec, target.choice.spec),
        target.split,
        annotations,
        lambda name: annotations_of(workshop, *name.partition("/")[::2]),
        origins_of,
    )


def origins_of(name: str) -> tuple[str, ...]:
    """The collections that a split (``"clotho/development"``) was taken from; of what is no known
    data set, none are known."""
    dataset, _, split = name.partition("/")
    try:
        spec = cast(DatasetSpec, catalog.find("datasets", dataset).spec)
    except AacbenchError:
        return ()
    return spec.origins(split)

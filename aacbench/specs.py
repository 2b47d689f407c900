"""What parts say about themselves: plain data, so that reading a spec imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Kind = Literal[
    "datasets", "encoders", "classifiers", "captioners", "guides", "retrievers", "metrics"
]
KINDS: tuple[Kind, ...] = (
    "datasets",
    "encoders",
    "classifiers",
    "captioners",
    "guides",
    "retrievers",
    "metrics",
)


@dataclass(frozen=True)
class TrainedOn:
    """What each part of a model has learnt from, as data set splits (``"clotho/development"``).

    An empty tuple says that the part saw nothing; None says that nobody knows.
    """

    captions: tuple[str, ...] | None = ()
    audio: tuple[str, ...] | None = ()
    encoder: tuple[str, ...] | None = ()
    language_model: tuple[str, ...] | None = ()
    classifier: tuple[str, ...] | None = ()
    knowledge_base: tuple[str, ...] | None = ()


UNKNOWN = TrainedOn(None, None, None, None, None, None)


@dataclass(frozen=True)
class Source:
    """One set of weights of a preset: the `@source` of an expression.

    `weights` names files as ``"package:path/in/package"`` or ``"asset:name"``; `options` are laid
    over the preset's. `built_on` names public models that these weights stand on or write into
    the space of (``"all-MiniLM-L6-v2"``): two parts that name the same one are no strangers.
    """

    trained_on: TrainedOn | None = None
    weights: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    built_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preset:
    """Option values under a name; `weights`, `built_on` and `trained_on` hold for every source.

    Where neither a preset nor its source says what it learnt from, nobody knows: a model that
    learnt from nothing says ``TrainedOn()``.
    """

    summary: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
    trained_on: TrainedOn | None = None
    sources: Mapping[str, Source] = field(default_factory=dict)
    default_source: str | None = None
    built_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Requirement:
    """A module that a part imports, and the command that brings it."""

    module: str
    install: str


@dataclass(frozen=True)
class Trainer:
    """`options` is a pydantic model; `run` is ``"module:function"``, called as
    ``function(options, context, out)`` and writing weights and a card into the folder `out`.

    `positional` names the options that the command line may give without their names, in order.
    """

    options: str
    run: str
    positional: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What every registered part says about itself.

    `options` is a pydantic model class or None. `parts` maps an option's name to the kind of part
    that its value names (``{"encoder": "encoders"}``), so that training data, weights and
    self-scoring can be traced through it. `weight_options` names options that hold a path to
    weights, which then replace those that ship (never an asset). With `source_is_dataset`,
    `@source` names a data set whose training captions the part is built from; with
    `source_is_knowledge` it names a knowledge base, in whose place an option `knowledge` may give
    a base's folder. `plugin` is filled in by the loader.
    """

    name: str
    summary: str
    version: str = "1"
    paper: str | None = None
    licence: str | None = None
    options: type[Any] | None = None
    presets: Mapping[str, Preset] = field(default_factory=dict)
    default_preset: str | None = None
    requires: tuple[Requirement, ...] = ()
    parts: Mapping[str, Kind] = field(default_factory=dict)
    weight_options: tuple[str, ...] = ()
    source_is_dataset: bool = False
    source_is_knowledge: bool = False
    trainer: Trainer | None = None
    plugin: str = ""


@dataclass(frozen=True)
class Contents:
    """What a split officially holds: numbers of clips and captions, words a caption (as blanks
    part them) as mean and standard deviation, and the sha256 of its list, by `aacbench.manifest`.

    `derived_from` is there where the split comes from elsewhere than the rest of its data set.
    """

    clips: int
    captions: int
    words: tuple[float, float] | None = None
    sha256: str | None = None
    derived_from: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetSpec(Spec):
    """`derived_from` names larger collections that the clips were taken from (``"audioset"``).

    `contents` is by split; `layout` shows which files lie where below the data set's folder, a
    line each, where ``{split}`` is a split's name; `tags` say what kind of sound and caption it is.
    """

    splits: tuple[str, ...]
    default_split: str
    train_split: str | None = None
    domain: str = "sound"
    derived_from: tuple[str, ...] = ()
    homepage: str | None = None
    citation: str | None = None
    tags: tuple[str, ...] = ()
    contents: Mapping[str, Contents] = field(default_factory=dict)
    layout: tuple[str, ...] = ()

    def origins(self, split: str) -> tuple[str, ...]:
        """The collections that a split's clips were taken from."""
        own = self.contents[split].derived_from if split in self.contents else None
        return self.derived_from if own is None else own


@dataclass(frozen=True, kw_only=True)
class EncoderSpec(Spec):
    """An encoder of sound and text."""


@dataclass(frozen=True, kw_only=True)
class ClassifierSpec(Spec):
    """A classifier of text."""


@dataclass(frozen=True, kw_only=True)
class CaptionerSpec(Spec):
    """A captioner."""


@dataclass(frozen=True, kw_only=True)
class GuideSpec(Spec):
    """Something that may follow a ``+`` in a captioner's expression.

    Written without a preset it takes the one that `suits` names for the captioner's preset, else
    its default: what is right for a language model of a million weights is too slow for a large
    one.
    """

    suits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RetrieverSpec(Spec):
    """A retriever."""


@dataclass(frozen=True)
class Figure:
    """One number that a metric gives: its id, range, and which way is better (None: neither).

    With `resamples` false a bootstrap says nothing about the figure (the vocabulary of a resample
    is always smaller), so it is printed without an interval.
    """

    id: str
    low: float = 0.0
    high: float = 1.0
    higher_is_better: bool | None = True
    decimals: int = 3
    resamples: bool = True


@dataclass(frozen=True, kw_only=True)
class MetricSpec(Spec):
    """`needs` names what an item must carry beyond references (``"events"``, ``"audio"``);
    a metric that looks at the caption alone, or at the caption and the sound, is
    `reference_free`. One that takes minutes for a target, or a model that has to be fetched, or
    that says how captions are worded rather than how good they are, is for those who ask: with
    `on_request` it is computed where it, or a set that names it, is asked for.

    Where there are presets and no `default_preset`, the bare name takes the first preset, in
    order, that shares no model with the captioner: nobody judges himself.
    """

    figures: tuple[Figure, ...]
    needs: tuple[str, ...] = ()
    reference_free: bool = False
    on_request: bool = False
    metric_parts: tuple[str, ...] = ()
    reference: str | None = None


@dataclass(frozen=True)
class Choice:
    """A spec with one preset, source and set of options chosen: what a factory is given.

    `options` is an instance of the spec's pydantic model, or None where the spec has none.
    `expression` is the canonical way to write this choice.
    """

    kind: Kind
    spec: Spec
    expression: str
    options: Any = None
    preset: str | None = None
    source: str | None = None
    guides: tuple[Choice, ...] = ()


class Context(Protocol):
    """What a factory or a trainer may ask of the harness.

    `report(step, steps, loss)` tells how far a training has come; None where nobody listens.
    """

    device: str
    seed: int
    report: Callable[[int, int, float], None] | None

    def build(self, kind: Kind, expression: str) -> Any:
        """Another part, by its expression; the same expression gives the same object."""
        ...

    def weights(self, choice: Choice) -> Mapping[str, Path]:
        """The files of a choice's weights, by name; an error names the one that is missing."""
        ...


Factory = Callable[[Choice, Context], Any]

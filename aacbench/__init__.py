"""aacbench: evaluation and benchmarking for audio captioning.

The public names load on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aacbench.api import caption, load_captioner, load_dataset, run, score
    from aacbench.errors import AacbenchError
    from aacbench.hookspecs import hookimpl
    from aacbench.specs import (
        CaptionerSpec,
        Choice,
        ClassifierSpec,
        Context,
        DatasetSpec,
        EncoderSpec,
        Figure,
        GuideSpec,
        MetricSpec,
        Preset,
        Requirement,
        RetrieverSpec,
        Source,
        TrainedOn,
        Trainer,
    )
    from aacbench.types import (
        Annotation,
        Audio,
        Caption,
        Clip,
        Event,
        Example,
        Item,
        Ranking,
        Scores,
        Span,
        Steered,
        Step,
    )

__version__ = "0.1.0"

_HOMES = {
    "api": ("caption", "load_captioner", "load_dataset", "run", "score"),
    "errors": ("AacbenchError",),
    "hookspecs": ("hookimpl",),
    "specs": (
        "CaptionerSpec",
        "Choice",
        "ClassifierSpec",
        "Context",
        "DatasetSpec",
        "EncoderSpec",
        "Figure",
        "GuideSpec",
        "MetricSpec",
        "Preset",
        "Requirement",
        "RetrieverSpec",
        "Source",
        "TrainedOn",
        "Trainer",
    ),
    "types": (
        "Annotation",
        "Audio",
        "Caption",
        "Clip",
        "Event",
        "Example",
        "Item",
        "Ranking",
        "Scores",
        "Span",
        "Steered",
        "Step",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AacbenchError",
    "Annotation",
    "Audio",
    "Caption",
    "CaptionerSpec",
    "Choice",
    "ClassifierSpec",
    "Clip",
    "Context",
    "DatasetSpec",
    "EncoderSpec",
    "Event",
    "Example",
    "Figure",
    "GuideSpec",
    "Item",
    "MetricSpec",
    "Preset",
    "Ranking",
    "Requirement",
    "RetrieverSpec",
    "Scores",
    "Source",
    "Span",
    "Steered",
    "Step",
    "TrainedOn",
    "Trainer",
    "caption",
    "hookimpl",
    "load_captioner",
    "load_dataset",
    "run",
    "score",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'aacbench' has no attribute '{name}'")
    value = getattr(import_module(f"aacbench.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})

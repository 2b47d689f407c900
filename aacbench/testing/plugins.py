"""Checks of a whole installed plugin: that it loads, and that each of its parts keeps its rules."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aacbench import catalog
from aacbench.errors import (
    BadOption,
    MissingAsset,
    MissingRequirement,
    PluginFault,
    UnknownName,
    nearest,
)
from aacbench.plugins import Part, registry
from aacbench.specs import KINDS, Kind
from aacbench.testing.captioners import check_captioner
from aacbench.testing.datasets import check_dataset
from aacbench.testing.guides import check_guide
from aacbench.testing.metrics import check_metric
from aacbench.testing.retrievers import check_retriever, check_wrapper, sample_base
from aacbench.testing.rules import NotChecked
from aacbench.testing.specs import check_spec
from aacbench.testing.vectors import check_classifier, check_encoder
from aacbench.workshop import Workshop

STAND_IN = "soundbox-events"  # for a captioner that is built from any data set's captions


CHECKS: dict[Kind, Callable[[Any, Any], None]] = {
    "datasets": check_dataset,
    "encoders": lambda encoder, spec: check_encoder(encoder, name=spec.name),
    "classifiers": lambda classifier, spec: check_classifier(classifier, name=spec.name),
    "captioners": lambda captioner, spec: check_captioner(captioner, name=spec.name),
    "guides": lambda guide, spec: _check_follower(guide, spec.name),
    "retrievers": lambda retriever, spec: check_retriever(retriever, name=spec.name),
    "metrics": check_metric,
}


def _check_follower(guide: Any, name: str) -> None:
    """What may follow a ``+`` is a loss, or goes around the captioner."""
    if hasattr(guide, "around"):
        check_wrapper(guide, name=name)
    else:
        check_guide(guide, name=name)


def check_plugin(name: str) -> None:
    """Check the installed plugin of that entry-point name: loading, specs, and every part built.

    Raises `PluginFault` for the first rule that is broken, `UnknownName` where no such plugin is
    installed. A part that cannot be built on this machine gives the warning `NotChecked`.
    Retrievers are checked on a base of the sample clips.
    """
    known = registry()
    for fault in known.faults:
        if fault.plugin == name:
            raise PluginFault(f"plugin '{name}': {fault.message}", fault.hint)
    if name not in known.plugins:
        raise UnknownName(f"No plugin '{name}' is installed.", nearest(name, known.plugins))
    parts = [part for kind in KINDS for part in known.all(kind) if part.spec.plugin == name]
    if not parts and name not in {plugin for plugin, _ in known.command_hooks}:
        raise PluginFault(
            f"plugin '{name}': it registers nothing.",
            "Implement a hook such as register_captioners, with @aacbench.hookimpl above it.",
        )
    for part in parts:
        check_spec(part.spec, part.kind)
    workshop = Workshop()
    with TemporaryDirectory() as folder:
        for part in parts:
            _check_built(part, workshop, Path(folder) / part.spec.name)


def _base(part: Part, workshop: Workshop, folder: Path) -> Path:
    options = catalog.choose(part.kind, f"{part.spec.plugin}/{part.spec.name}").options
    return sample_base(folder, workshop.build("encoders", options.encoder), options.encoder)


def _check_built(part: Part, workshop: Workshop, folder: Path) -> None:
    label = f"{part.kind[:-1]} '{part.spec.name}'"
    expression = f"{part.spec.plugin}/{part.spec.name}"
    if part.spec.source_is_dataset:
        expression += f"@{STAND_IN}"
    try:
        if part.spec.source_is_knowledge:
            expression += f'(knowledge="{_base(part, workshop, folder)}")'
        built = workshop.make(catalog.choose(part.kind, expression))
        check = CHECKS.get(part.kind)
        if check:
            check(built, part.spec)
    except (BadOption, MissingAsset, MissingRequirement) as error:
        warnings.warn(f"{label} was not checked: {error}", NotChecked, stacklevel=3)

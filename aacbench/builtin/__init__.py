"""What comes with aacbench, registered through the same hooks as anyone's plugin."""

from __future__ import annotations

from typing import Any

from aacbench.builtin import (
    captioners,
    classifiers,
    datasets,
    encoders,
    fluency,
    metrics,
    retrievers,
)
from aacbench.hookspecs import hookimpl


@hookimpl
def register_datasets(register: Any) -> None:
    datasets.register(register)


@hookimpl
def register_encoders(register: Any) -> None:
    encoders.register(register)


@hookimpl
def register_classifiers(register: Any) -> None:
    classifiers.register(register)
    fluency.register(register)


@hookimpl
def register_captioners(register: Any) -> None:
    captioners.register(register)


@hookimpl
def register_retrievers(register: Any) -> None:
    retrievers.register(register)


@hookimpl
def register_metrics(register: Any) -> None:
    metrics.register(register)

"""The data sets that come with aacbench, one small module each."""

from __future__ import annotations

from typing import Any

from aacbench.builtin.datasets import audiocaps, clotho, folder, soundbox


def register(register: Any) -> None:
    """Register every built-in data set."""
    for module in (audiocaps, clotho, folder):
        register(module.SPEC, module.create)
    for spec in soundbox.SPECS:
        register(spec, soundbox.create)

"""The encoders that come with aacbench."""

from __future__ import annotations

from typing import Any

from aacbench.builtin.encoders import clap, clip


def register(register: Any) -> None:
    """Register every built-in encoder."""
    clap.register(register)
    clip.register(register)

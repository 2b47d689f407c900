"""Retrievers that look with the sound alone (Choi et al., equations 10 to 12).

The base stands after the ``@``: ``audio-to-audio@events``; a folder is given as an option.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from aacbench.specs import Choice, Context, RetrieverSpec

if TYPE_CHECKING:
    from aacbench.hookspecs import Register

PAPER = "Choi et al., Audio Captioning via Generative Pair-to-Pair Retrieval, 2025"


class LookupOptions(BaseModel):
    """Where to look, in whose space, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str = Field("clap:mini", description="the space: the encoder that built the base")
    knowledge: Path | None = Field(None, description="a base's folder, in place of @name")
    search: Literal["auto", "exact", "ivfpq", "hnsw"] = Field(
        "auto", description="auto: exact in a small base, else the index that it has"
    )


def _spec(name: str, summary: str, equation: int) -> RetrieverSpec:
    return RetrieverSpec(
        name=name,
        summary=summary,
        paper=f"{PAPER}, equation {equation}",
        licence="Apache-2.0",
        options=LookupOptions,
        parts={"encoder": "encoders"},
        source_is_knowledge=True,
    )


SPECS = (
    _spec("audio-to-audio", "pairs whose sound is like the clip's", 10),
    _spec("audio-to-text", "pairs whose caption is near the clip's sound", 11),
    _spec("audio-to-mixture", "pairs whose sound and caption are, summed, near the clip's", 12),
)


def create(choice: Choice, context: Context) -> Any:
    """One of the three ways of looking."""
    from aacbench.builtin.retrievers.looking import build

    return build(choice, context)


def register(register: Register) -> None:
    """Register the three retrievers."""
    for spec in SPECS:
        register(spec, create)

"""The options of `p2p` and `rag`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PairOptions(BaseModel):
    """Where to look, and how much sound and caption count (Choi et al., equation 4).

    Without a `captioner`, captions come from whoever asks: with `rag`, from the captioner around
    which it stands, which makes the retrieval generative (equation 6).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str = Field("clap:mini", description="the space: the encoder that built the base")
    knowledge: Path | None = Field(None, description="a base's folder, in place of @name")
    search: Literal["auto", "exact", "ivfpq", "hnsw"] = Field(
        "auto", description="auto: exact in a small base, else the index that it has"
    )
    weight: float = Field(0.5, ge=0, le=1, description="W: the sound's share (equation 4)")
    captioner: str | None = Field(None, description="who writes the caption that is looked for")


class RagOptions(BaseModel):
    """What is looked up for a captioner. The paper shows four examples in its tables 4 and 5."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    retriever: str = Field("p2p@events", description="which retriever, in which base")
    k: int = Field(4, ge=0, le=100, description="examples a clip; 0 asks without any")

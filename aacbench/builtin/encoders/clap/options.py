"""Options of `aacbench train clap`; light, so that they can be shown without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ClapTrainOptions(BaseModel):
    """`preset` mini trains the CNN on soundbox; small trains a linear head over the tagger."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Literal["mini", "small"] = "mini"
    steps: int = Field(1600, ge=1)
    batch_size: int = Field(64, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    weight_decay: float = Field(1e-2, ge=0)
    warmup: int = Field(300, ge=0)
    seed: int = 0
    limit: int | None = Field(None, ge=8, description="use only so many clips of each domain")
    workers: int = Field(1, ge=1, description="processes that render and analyse the sound")
    cache: Path | None = Field(None, description="where analysed sound is kept; default: in out")
    channels: tuple[int, ...] = (16, 32, 64, 128, 160)
    hidden: int = Field(192, ge=8)
    head: int = Field(256, ge=8)
    temperature: float = Field(0.07, gt=0, description="of the contrastive loss")
    contrast_weight: float = Field(0.5, ge=0)
    near_weight: float = Field(4.0, ge=0, description="pull to the mean of the clip's captions")
    event_weight: float = Field(1.0, ge=0, description="frame-wise naming of events")
    captions: Path | None = Field(None, description="small: CSV of captions (audiocaps train.csv)")
    ridge: float = Field(1.0, ge=0, description="small: pull towards the class names' directions")

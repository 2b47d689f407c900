"""The options of `nac`, for captioning and for training."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError


class NacOptions(BaseModel):
    """How `nac` captions. Deshmukh et al. decode with five beams (section 2.3).

    With `centre`, a sound's vector is moved by the mean of the training captions' minus the mean
    of the encoder's sound side, where the encoder knows that mean (`audio_mean`): the constant
    part of the gap between the two sides. The paper names such offsets as earlier work and uses
    none; an encoder that does not know its mean is heard as it is.

    `nac` reads captions' embeddings, so examples (`+rag`) are mixed into what it hears: `examples`
    is their share, and each counts by the softmax of `sharpness` times its similarity. The paper
    has no examples; this is our reading of how such a captioner takes them.
    """

    encoder: str = Field("clap:small", description="the ears: any encoder of the training space")
    beams: int | None = Field(
        None, ge=1, description="hypotheses kept by beam search; default 5, or as a guide asks"
    )
    max_tokens: int = Field(40, ge=1, description="longest caption, in tokens")
    min_tokens: int = Field(1, ge=1, description="shortest caption, in tokens")
    length_penalty: float = Field(1.0, description="exponent of the length in ranking")
    keep: int = Field(1, ge=1, description="ranked captions to keep of each clip")
    centre: bool = Field(True, description="move sounds by the difference of the sides' means")
    examples: float = Field(
        0.5, ge=0, le=1, description="the share of examples' captions in what is heard"
    )
    sharpness: float = Field(
        20.0, ge=0, description="how much more the nearer examples count: 0, all alike"
    )
    weights: Path | None = Field(None, description="weights of your own, from aacbench train nac")
    language_model: Path | None = Field(
        None, description="the language model that the weights were trained over: folder or name"
    )
    end: str | None = Field(None, description="its first token ends a caption; default: as trained")
    unit: bool | None = Field(
        None, description="whether pictures' rows are brought to unit length; default: as trained"
    )


class NacArchitecture(BaseModel):
    """Sizes of the mapping network and of a language model trained from scratch.

    Over a language model from a folder, `width`, `layers`, `vocabulary` and `positions` are that
    model's, and `heads` are the mapping network's alone. A mapper that is narrower than its
    language model (`mapper_width`) ends in a layer that widens the prefix (ours).
    """

    dim: int = 384
    prefix: int = 8
    mapper: Literal["transformer", "mlp"] = Field("transformer", description="mlp: ClipCap's")
    width: int = 160
    heads: int = 4
    mapper_layers: int = 1
    mapper_ratio: int = 2
    mapper_bias: bool = Field(True, description="of queries, keys and values in the mapper")
    mapper_width: int | None = Field(
        None, ge=1, description="width within the mapper; none: the language model's (the paper's)"
    )
    layers: int = 3
    vocabulary: int = 600
    positions: int = 96


class NacTrainOptions(NacArchitecture):
    """How `nac` is trained: Deshmukh et al., sections 2.2 and 4.2 to 4.3.

    The paper leaves open whether noise goes before or after normalising; here it goes onto the
    unit vector, and `renormalise` scales the sum back to unit length (our reading). `preset` lays
    a table of ``training.toml`` under the options that are given.
    """

    preset: str = Field("mini", description="mini: these defaults; paper: those of training.toml")
    captions: str = Field("soundbox-events", description="data sets to learn from, joined by +")
    extra_text: Path | None = Field(None, description="more captions, one a line (section 5.1)")
    encoder: str = Field("clap:mini", description="whose text side is learnt from")
    mode: Literal["text", "audio"] = Field("text", description="audio: the audio-text variant")
    noise: float | Literal["auto"] = Field(0.025, description="std of the Gaussian noise, or auto")
    noise_pairs: int = Field(30, ge=2, description="pairs that noise=auto looks at (section 4.2)")
    renormalise: bool = Field(True, description="scale noised embeddings back to unit length")
    adapter: Literal["none", "linear"] = Field("none", description="section 4.3's linear adapter")
    adapter_ridge: float = Field(1e-3, gt=0, description="ridge of the adapter's least squares")
    language_model: Path | None = Field(
        None, description="a folder, or a name (gpt2, smollm2-135m), in a small one's place"
    )
    train_language_model: bool = Field(True, description="false: only the mapping network learns")
    end: str = Field("<|endoftext|>", description="its first token ends a caption")
    steps: int = Field(2500, ge=1)
    epochs: float | None = Field(None, gt=0, description="in place of steps: times each caption")
    batch_size: int = Field(128, ge=1)
    bucket: int = Field(
        1, ge=1, description="so many batches are drawn at once and parted by length, not at random"
    )
    learning_rate: float = Field(2e-3, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = Field("cosine", description="after warmup")
    warmup: int = Field(100, ge=0)
    gradient_clip: float = Field(1.0, ge=0, description="bound of the gradient's norm; 0: none")
    weight_decay: float = Field(0.01, ge=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    seed: int = 0
    limit: int | None = Field(None, description="use the first so many clips only")
    checkpoint_every: int = 500

    @model_validator(mode="before")
    @classmethod
    def _over_the_preset(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        below = dict(training_presets().get(given.get("preset", "mini"), {}))
        if "steps" in given:  # typed, so it counts for more than a preset's epochs
            below.pop("epochs", None)
        return {**below, **given}

    @field_validator("preset")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in training_presets():
            names = ", ".join(training_presets())
            raise PydanticCustomError("preset", f"'{name}' is none of those there are: {names}")
        return name


@cache
def training_tables() -> Mapping[str, Mapping[str, Any]]:
    """What ``training.toml`` holds."""
    text = files("aacbench_nac").joinpath("training.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def training_presets() -> Mapping[str, Mapping[str, Any]]:
    """Option values of a training by the preset's name."""
    return training_tables()["presets"]


def captions_of(source: str | None) -> str:
    """What a source of ``nac:paper`` learns from, as ``--captions`` takes it."""
    table = training_tables()["captions"]
    return str(table.get(source or "", "DATASETS"))

"""The options of `raft`, for captioning and for training."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

WAYS = ("audio-to-audio", "audio-to-text", "audio-to-mixture", "pair-to-pair")


class RaftOptions(BaseModel):
    """How `raft` captions.

    Public code draws four beams at random (`choose="sample"`); here the random numbers come from
    the seed and the clip, so that neither the batch nor the order changes a caption. Beam search
    is the default, because a score should not depend on a seed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str = Field("clap:mini", description="the ears that the weights were trained with")
    weights: Path | None = Field(None, description="weights of your own, from aacbench train raft")
    language_model: str | None = Field(
        None, description="a folder or a name on the hub, for weights trained on one"
    )
    dtype: Literal["float32", "bfloat16"] = Field("float32", description="of the one from a folder")
    examples: Literal["vectors", "clips"] = Field(
        "vectors", description="hear examples by the retriever's vector, or their sound anew"
    )
    choose: Literal["beam", "sample"] = Field("beam", description="how words are chosen")
    beams: int | None = Field(None, ge=1, description="hypotheses kept; default 5, or a guide's")
    max_tokens: int = Field(40, ge=1, description="longest caption, in tokens")
    min_tokens: int = Field(1, ge=1, description="shortest caption, in tokens")
    length_penalty: float = Field(1.0, description="exponent of the length in ranking")
    keep: int = Field(1, ge=1, description="ranked captions to keep of each clip")
    top_p: float = Field(0.9, gt=0, le=1, description="of choose=sample")
    repetition_penalty: float = Field(1.1, gt=0, description="of choose=sample")
    seed: int = Field(0, description="of choose=sample")


class RaftArchitecture(BaseModel):
    """What is heard, how it becomes vectors among words, and a language model from scratch.

    Over a language model from a folder, `width`, `layers`, `heads`, `vocabulary` and `inner` are
    that model's. The paper names neither the prompts, the stride of the pooling nor the modules
    of IA3: those here are our readings.
    """

    hears: Literal["vector", "frames"] = Field("vector", description="one vector a clip, or frames")
    dim: int = Field(384, description="width of what is heard")
    pool: int = Field(1, ge=1, description="stride of the average pooling over frames")
    longest: float = Field(40.0, gt=0, description="seconds that are heard, of frames")
    long: float = Field(30.0, description="seconds above which a sound gets the length token")
    tokens: int = Field(4, ge=1, description="vectors that the connector makes of a frame")
    hidden: int = Field(256, ge=1, description="width inside the connector")
    examples_prompt: str = Field("", description="text before the examples")
    task_prompt: str = Field("", description="text before the sound to caption")
    caption_prompt: str = Field("", description="text before the caption")
    width: int = 128
    layers: int = 2
    heads: int = 4
    inner: int = Field(320, description="width of the language model's feed-forward layers")
    vocabulary: int = 500
    adapted: tuple[str, ...] = Field(
        ("k_proj", "v_proj", "down_proj"), description="modules that IA3 scales (our reading)"
    )
    feedforward: tuple[str, ...] = Field(
        ("down_proj",), description="those of them that are scaled before, not after"
    )


class RaftTrainOptions(RaftArchitecture):
    """How `raft` is trained: Choi et al., sections 3.2 and 4.1.

    Stage 1 aligns sound with the language model: the connector learns, and a small language model
    from scratch learns with it, a share of `reading` of its batches being documents of captions
    that are near each other in text, since there is no pretrained model that could read. Stage 2
    is fine-tuning by IA3, in two phases: without examples, then with them.
    """

    preset: str = Field("mini", description="mini: these defaults; paper: those of training.toml")
    captions: str = Field("soundbox-events", description="data sets to learn from, joined by +")
    tune_captions: str | None = Field(None, description="those of stage 2; default: the same")
    encoder: str = Field("clap:mini", description="the ears")
    language_model: str | None = Field(
        None, description="a folder or a name on the hub, in a small one's place"
    )
    dtype: Literal["float32", "bfloat16"] = Field("float32", description="of the one from a folder")
    noise: float = Field(0.025, ge=0, description="std of Gaussian noise on vectors (ours)")
    reading: float = Field(0.5, ge=0, lt=1, description="documents' share of stage 1, when small")
    retriever: str = Field("audio-to-audio", description="how examples are found; joined by +")
    weight: float = Field(0.5, ge=0, le=1, description="W of pair-to-pair (equation 4)")
    per_clip: float = Field(0.5, ge=0, le=1, description="share of lists with a clip once only")
    shots: int = Field(5, ge=1, description="K: most examples a caption")
    fewest_shots: int = Field(1, ge=0, description="the paper: 1; public code: 0")
    curriculum: bool = Field(True, description="phase 1 without examples; false: mixed throughout")
    loss: Literal["last", "all"] = Field("last", description="all: every caption, as equation 1")
    tune_head: bool = Field(True, description="stage 2 tunes the language model's head too")
    tune_connector: bool = Field(True, description="and the connector (our reading)")
    tune_language_model: bool = Field(
        False, description="and all of a small language model but its input embedding (ours)"
    )
    tune_encoder: bool = Field(False, description="and the ears, where they can learn")
    slower: float = Field(0.1, gt=0, le=1, description="rate of head and ears, as a share")
    align_steps: int = Field(900, ge=1)
    align_epochs: float | None = Field(None, gt=0, description="in place of align_steps")
    align_batch: int = Field(64, ge=1)
    align_rate: float = Field(2e-3, gt=0)
    tune_steps: int = Field(300, ge=1, description="of each phase")
    tune_epochs: float | None = Field(None, gt=0, description="in place of tune_steps")
    tune_batch: int = Field(64, ge=1)
    tune_rate: float = Field(2e-3, gt=0)
    warmup: int = Field(50, ge=0)
    weight_decay: float = Field(0.01, ge=0)
    gradient_clip: float = Field(1.0, ge=0)
    dropout: float = Field(0.1, ge=0, lt=1, description="of a small model's attention")
    balanced: bool = Field(False, description="stage 2: as many of each data set")
    seed: int = 0
    limit: int | None = Field(None, description="use the first so many clips only")
    checkpoint_every: int = 200

    @model_validator(mode="before")
    @classmethod
    def _over_the_preset(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        below = dict(training_presets().get(given.get("preset", "mini"), {}))
        for stage in ("align", "tune"):
            if f"{stage}_steps" in given:  # typed, so it counts for more than a preset's epochs
                below.pop(f"{stage}_epochs", None)
        return {**below, **given}

    @field_validator("preset")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in training_presets():
            names = ", ".join(training_presets())
            raise PydanticCustomError("preset", f"'{name}' is none of those there are: {names}")
        return name

    @field_validator("retriever")
    @classmethod
    def _ways(cls, names: str) -> str:
        for name in names.split("+"):
            if name not in WAYS:
                known = ", ".join(WAYS)
                raise PydanticCustomError("way", f"'{name}' is none of those there are: {known}")
        return names

    @model_validator(mode="after")
    def _range(self) -> RaftTrainOptions:
        if self.fewest_shots > self.shots:
            raise PydanticCustomError("shots", "fewest_shots is more than shots")
        return self

    def architecture(self) -> RaftArchitecture:
        """The sizes alone."""
        fields = RaftArchitecture.model_fields
        return RaftArchitecture(**{name: getattr(self, name) for name in fields})


@cache
def training_presets() -> Mapping[str, Mapping[str, Any]]:
    """Option values of a training by the preset's name."""
    path = files("aacbench_p2p.raft").joinpath("training.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))

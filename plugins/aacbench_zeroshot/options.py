"""The options of `zeroshot` and `zeraucap`: what is published, and our reading of the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

WORDS_ALONE = "[^a-z ,'-]"
"""Whatever is no small letter, blank, comma, apostrophe or hyphen."""


class SpeakingOptions(BaseModel):
    """How a frozen language model speaks of a sound; both captioners share these.

    The model reads `context`, then `prompt`, and goes on. The encoder hears whether the text so
    far is like the sound; with `read_prompt` it reads the prompt before each text, but never the
    `context`. A caption ends with the language model's own end of text; where `end` is given, with
    that, a full stop or its like, or a new line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str = Field("clap:mini", description="the ears: any encoder that reads text too")
    language_model: str | None = Field(
        None, description="a causal language model by name; set by the preset and its source"
    )
    weights: Path | None = Field(
        None,
        description="a language model of your own: a folder as transformers writes it, or a file "
        "from aacbench train zeroshot",
    )
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="the language model's numbers"
    )
    prompt: str = Field("This is a sound of", description="what the caption goes on from")
    context: str = Field("", description="put before the prompt for the language model alone")
    keep_prompt: bool = Field(False, description="leave the prompt in the caption")
    end: str | None = Field(None, description="its first token ends a caption, as . ! ? then do")
    end_bias: float = Field(0.0, description="added to the end's score: positive, shorter captions")
    forbidden: str = Field(
        WORDS_ALONE, description="tokens in which this regular expression finds something: never"
    )
    repetition_penalty: float = Field(
        1.0, ge=1, description="a score above 0 is divided by it, one below multiplied; 1: off"
    )
    repetition_window: int = Field(4, ge=1, description="of so many last tokens")
    beams: int | None = Field(1, ge=1, description="hypotheses kept by beam search")
    max_tokens: int = Field(15, ge=1, description="longest caption, in tokens")
    min_tokens: int = Field(1, ge=1, description="shortest caption, in tokens")
    length_penalty: float = Field(1.0, description="exponent of the length in ranking")
    keep: int = Field(1, ge=1, description="ranked captions to keep of each clip")
    remember: int = Field(50_000, ge=1, description="texts whose embeddings are kept at hand")
    centre: bool = Field(
        False, description="take from each sound what all sounds share, where the ears know it"
    )

    @field_validator("prompt")
    @classmethod
    def _something(cls, prompt: str) -> str:
        if not prompt.strip():
            raise PydanticCustomError("prompt", "an empty prompt leaves nothing to go on from")
        return prompt

    @field_validator("forbidden")
    @classmethod
    def _readable(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as reason:
            raise PydanticCustomError("forbidden", f"no regular expression: {reason}") from reason
        return pattern


class ZeroshotOptions(SpeakingOptions):
    """How `zeroshot` captions.

    The values are those of ZeroCap's public code, with the single beam of Shaulov et al., who say
    of their zero-shot runs no more than that; all of it is our reading. The loss is
    `hearing_weight` times the cross-entropy from softmax(cosine / `temperature`) over the
    candidates to the moved distribution, and `fluency_weight` times the divergence of the moved
    distribution from the language model's own.
    """

    read_prompt: bool = Field(True, description="the encoder reads the prompt before each text")
    candidates: int = Field(512, ge=1, description="likeliest next tokens that the encoder reads")
    temperature: float = Field(0.01, gt=0, description="sharpness of the target distribution")
    hearing_weight: float = Field(1.0, ge=0)
    fluency_weight: float = Field(0.2, ge=0)
    rescore: bool = Field(True, description="choose and read candidates anew at every step")
    lookahead: int = Field(
        0, ge=0, description="tokens that the language model adds to a candidate before it is read"
    )
    steps: int = Field(5, ge=0, description="gradient steps a token")
    step_size: float = Field(0.3, ge=0)
    norm_exponent: float = Field(0.9, description="gradients are divided by their norm to this")
    norm_floor: float = Field(1e-4, gt=0, description="smaller norms count as this (ours)")
    layers: int | None = Field(None, ge=1, description="move the last so many layers; none: all")
    moved: Literal["keys and values", "keys", "values"] = "keys and values"
    reset: bool = Field(True, description="start every token from the unmoved cache")
    fusion: float = Field(0.99, ge=0, le=1, description="exponent of the moved distribution")


class ZeraucapOptions(SpeakingOptions):
    """How `zeraucap` captions; the values are those of its public code.

    Of the `candidates` likeliest tokens, each scores its probability plus `beta` times
    softmax(`sharpness` * cosine) of the texts they would make. An end's score is multiplied by
    `end_penalty` times the number of tokens before it, so that captions are neither empty nor
    endless. The keywords are the encoder's own tags where it has any, else the likest of
    `keywords`.
    """

    keywords: Literal["audioset"] | Path | None = Field(
        None, description="a list of keywords, one a line, or audioset: its classes' names"
    )
    count: int = Field(7, ge=0, description="keywords in the prompt: l in the paper")
    least: float = Field(0.0, ge=0, le=1, description="tags below this probability stay out")
    objects: str = Field("Objects: {}. ", description="how keywords stand before the prompt")
    read_prompt: bool = Field(False, description="the encoder reads the prompt before each text")
    candidates: int = Field(45, ge=1, description="likeliest next tokens that the encoder reads")
    beta: float = Field(0.5, ge=0, description="weight of the encoder's opinion")
    sharpness: float = Field(10.0, ge=0, description="what cosines are multiplied with")
    end_penalty: float = Field(0.1, ge=0, description="see above; 0: ends are scored as words are")

    @field_validator("objects")
    @classmethod
    def _one_place(cls, objects: str) -> str:
        if objects.count("{}") != 1:
            raise PydanticCustomError("objects", "it needs one {}, where the keywords go")
        return objects


class TrainOptions(BaseModel):
    """How the small language model of `mini` learns: captions alone, each after `prompt`."""

    captions: str = Field("soundbox-events", description="data sets to learn from, joined by +")
    prompt: str = Field("This is a sound of", description="what stands before each caption")
    width: int = 112
    heads: int = 4
    layers: int = 2
    positions: int = 64
    vocabulary: int = 600
    steps: int = Field(700, ge=1)
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(2e-3, gt=0)
    warmup: int = Field(100, ge=0)
    weight_decay: float = Field(0.01, ge=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    seed: int = 0
    limit: int | None = Field(None, description="use the first so many clips only")
    checkpoint_every: int = 500

"""Options of `aacbench train classifier`; light, so that they can be shown without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

POSITIVE, NEGATIVE = "audible", "inaudible"
DEFAULT_PROMPT = "default"


def names_in(value: Any) -> Any:
    """``heard, unheard`` and ``[heard, unheard]`` as a tuple; anything else as it is."""
    if not isinstance(value, str):
        return value
    return tuple(name.strip(" '\"") for name in value.strip("[]() ").split(","))


class ClassifierTrainOptions(BaseModel):
    """Two files of sentences make a classifier; without any, the audibility lists are read.

    `mini` learns word vectors and convolutions, `judge` hashed words beside E5's sentence vectors,
    and `paper` fine-tunes a transformer as Shaulov et al. do. None means the preset's own value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    positives: Path | None = Field(None, description="sentences of the first label, one a line")
    negatives: Path | None = Field(None, description="sentences of the second label")
    preset: Literal["mini", "judge", "paper"] = Field("mini", description="the architecture")
    labels: Annotated[tuple[str, str], BeforeValidator(names_in)] = Field(
        (POSITIVE, NEGATIVE), description="what the two kinds are called, the positive first"
    )
    half: Literal["first", "second", "all"] = Field(
        "all", description="which half of the groups of near-duplicates to learn from"
    )
    seed: int = 0
    steps: int | None = Field(None, ge=1)
    batch_size: int | None = Field(None, ge=2)
    learning_rate: float | None = Field(None, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    beginning: float = Field(0.15, ge=0, le=1, description="share of texts cut off early")
    composition: float = Field(0.2, ge=0, le=1, description="share of texts joined of several")
    phrase: float = Field(0.1, ge=0, le=1, description="share of texts with a phrase added")
    graft: float = Field(0.12, ge=0, le=1, description="share of texts with a word put in")
    detail: float = Field(
        0.0, ge=0, le=1, description="share of texts with a look, a place or a manner of sounding"
    )
    smoothing: float = Field(
        0.05, ge=0, lt=0.5, description="how far a label may be doubted: 1 is learnt as 1 - this"
    )
    shuffle_labels: bool = Field(
        False, description="a control: learn from labels dealt out at random"
    )
    base: Path | None = Field(
        None, description="paper: folder of distilbert-base-uncased, or another encoder"
    )
    epochs: int = Field(40, ge=1, description="paper: times that every sentence is seen")
    longest: int = Field(64, ge=4, description="paper: tokens of a sentence that are read")
    generate: str | None = Field(
        None,
        description="have a language model write both files first: a prompt with {kind} and "
        f"{{count}}, or '{DEFAULT_PROMPT}'",
    )
    language_model: str | None = Field(
        None, description="generate: a causal language model, as a folder or by its name on the hub"
    )
    count: int = Field(1000, ge=2, description="generate: sentences of each kind")
    temperature: float = Field(0.9, gt=0, description="generate: of the sampling")
    positive_kind: str = Field(
        "things that can be heard: what makes a sound, and how it sounds",
        description="generate: what {kind} says for the positives",
    )
    negative_kind: str = Field(
        "things that make no sound: looks, colours, facts, thoughts, things that stand still",
        description="generate: what {kind} says for the negatives",
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> ClassifierTrainOptions:
        if (self.positives is None) != (self.negatives is None):
            raise ValueError("name two files, positives first, or none")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("the two labels must differ")
        if self.beginning + self.composition + self.phrase + self.graft + self.detail > 1:
            raise ValueError("the shares of made-up texts add up to more than 1")
        if self.generate is not None and self.positives is not None:
            raise ValueError("either name files or have them generated")
        if (self.generate is None) != (self.language_model is None):
            raise ValueError("generate and language_model go together")
        if self.preset == "paper" and self.base is None:
            raise ValueError("preset paper needs --base FOLDER of distilbert-base-uncased")
        return self

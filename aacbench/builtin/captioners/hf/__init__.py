"""Models of transformers that hear and speak, as captioners: ``hf:owner/name``, ``hf:./folder``.

What a kind of model needs to be told lies in families.toml; its own code is never run, and its
weights are read from safetensors alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_serializer,
    field_validator,
    model_validator,
)

from aacbench.errors import BadOption
from aacbench.specs import CaptionerSpec, Choice, Context

if TYPE_CHECKING:
    from aacbench.hookspecs import Register
    from aacbench.types import Captioner

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Attention = Literal["auto", "eager", "sdpa", "flash_attention_2"]


class HfOptions(BaseModel):
    """Options of `hf`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path | str | None = Field(None, description="OWNER/NAME on the hub, or a folder")
    revision: str | None = Field(None, description="branch, tag or commit on the hub")
    prompt: str | None = Field(
        None, description="what it is asked; with {audio} in it, all that it reads, as it stands"
    )
    system: str | None = Field(None, description="a system prompt before that, in a chat")
    beams: int = Field(1, ge=1)
    max_tokens: int = Field(60, ge=1)
    min_tokens: int = Field(1, ge=0)
    length_penalty: float = 1.0
    keep: int = Field(
        1, ge=1, description="captions returned a clip, as far as the beams find them"
    )
    temperature: float | None = Field(
        None, gt=0, description="draw each word instead, by the seed and the clip's id"
    )
    top_p: float = Field(
        1.0, gt=0, le=1, description="drawn from the likeliest words of this share"
    )
    precision: Precision = Field("auto", description="auto: that in which the weights were saved")
    attention: Attention = Field("auto", description="transformers' implementation of attention")

    @field_validator("model", mode="before")
    @classmethod
    def _folder(cls, value: Any) -> Any:
        """A path where it is written as one or leads to a model; the rest are ids."""
        if isinstance(value, str):
            written = value in {".", "..", "~"} or value.startswith(("/", "./", "../", "~/"))
            return Path(value) if written or Path(value, "config.json").is_file() else value
        return value

    @field_serializer("model", when_used="json-unless-none")
    def _spelt(self, model: Path | str) -> str:
        """As `_folder` reads it again."""
        written = str(model) in {".", "..", "~"} or str(model).startswith(("/", "../", "~/"))
        return str(model) if written or isinstance(model, str) else f"./{model}"

    @model_validator(mode="after")
    def _no_contradiction(self) -> HfOptions:
        if self.temperature is not None and (self.beams > 1 or self.keep > 1):
            raise ValueError("temperature draws one caption; leave beams and keep at 1")
        if self.revision is not None and isinstance(self.model, Path):
            raise ValueError("a folder has no revision; leave it out")
        return self

    @property
    def built_on(self) -> tuple[str, ...]:
        """The model by its id, where it has one."""
        return (self.model,) if isinstance(self.model, str) else ()

    def identity(self) -> dict[str, str]:
        """The commit of a model on the hub, of its copy here or else as the hub says it, and what
        kinds of models are told; what a folder holds is known by its files."""
        from aacbench.builtin.captioners.hf.families import digest
        from aacbench.builtin.captioners.hf.finding import commit

        told = {"families": digest()}
        if not isinstance(self.model, str):
            return told
        return {**told, "model": commit(self.model, self.revision)}


SPEC = CaptionerSpec(
    name="hf",
    summary="an audio-language or captioning model of transformers: hf:OWNER/NAME, hf:./FOLDER",
    licence="each model's own",
    options=HfOptions,
)


def _create(choice: Choice, context: Context) -> Captioner:
    from aacbench.builtin.captioners.hf.building import build

    options: HfOptions = choice.options
    if options.model is None:
        raise BadOption(
            "hf needs to know which model",
            "Write hf:OWNER/NAME, as on the hub, or hf:./its/folder.",
        )
    return build(options.model, options, context)


def register(register: Register) -> None:
    """Register `hf`."""
    register(SPEC, _create)

"""A plugin as somebody else would write it: one part of each of three kinds, and a command."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from aacbench import (
    CaptionerSpec,
    Choice,
    Context,
    DatasetSpec,
    Figure,
    MetricSpec,
    Preset,
    hookimpl,
)


class PitchOptions(BaseModel):
    """Options of the captioner `pitch`."""

    border: float = Field(500.0, gt=0, description="hertz above which a tone is high")


PITCH = CaptionerSpec(
    name="pitch",
    summary="says whether a tone is high or low",
    options=PitchOptions,
    presets={"bass": Preset("for low voices", {"border": 150.0})},
)
TONES = DatasetSpec(
    name="tones",
    summary="six generated tones",
    splits=("train", "test"),
    default_split="test",
    train_split="train",
)
SAID = MetricSpec(
    name="said",
    summary="share of the first reference's words that the caption says",
    figures=(Figure("said:thirdparty"),),
)


def create_captioner(choice: Choice, context: Context) -> Any:
    from aacbench_thirdparty.parts import Pitch

    return Pitch(choice.options.border)


def create_dataset(choice: Choice, context: Context) -> Any:
    from aacbench_thirdparty.parts import Tones

    return Tones()


def create_metric(choice: Choice, context: Context) -> Any:
    from aacbench_thirdparty.parts import Said

    return Said()


@hookimpl
def register_captioners(register: Any) -> None:
    register(PITCH, create_captioner)


@hookimpl
def register_datasets(register: Any) -> None:
    register(TONES, create_dataset)


@hookimpl
def register_metrics(register: Any) -> None:
    register(SAID, create_metric)


@hookimpl
def register_commands(app: Any) -> None:
    @app.command("greet")
    def greet(name: str) -> None:
        """Say hello."""
        print(f"hello {name}")

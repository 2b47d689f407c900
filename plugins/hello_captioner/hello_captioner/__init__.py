"""`hello`: what aacbench has to know of this plugin. The captioner itself is in `captioner.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from aacbench import CaptionerSpec, Choice, Context, Preset, TrainedOn, hookimpl

if TYPE_CHECKING:
    from hello_captioner.captioner import Hello


class HelloOptions(BaseModel):
    """What may stand in the brackets of ``hello(...)``."""

    loud: float = Field(0.1, gt=0, le=1, description="from this level (RMS) on a sound is loud")


HELLO = CaptionerSpec(
    name="hello",
    summary="says how loud, how high and how steady a sound is",
    licence="Apache-2.0",
    options=HelloOptions,
    presets={"plain": Preset("rules written by hand", trained_on=TrainedOn())},
    default_preset="plain",
)


def create(choice: Choice, context: Context) -> Hello:
    """Make the captioner; what is heavy is imported here, so that `aacbench list` stays quick."""
    from hello_captioner.captioner import Hello

    return Hello(choice.options.loud)


@hookimpl
def register_captioners(register: Any) -> None:
    register(HELLO, create)

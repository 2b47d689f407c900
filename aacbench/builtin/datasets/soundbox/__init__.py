"""Soundbox: two generated data sets of sounds whose truth is known by construction.

This module holds what a catalogue needs to list them; the work is imported by `create`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from aacbench.specs import Choice, Context, DatasetSpec

if TYPE_CHECKING:
    from aacbench.builtin.datasets.soundbox.dataset import Soundbox

VERSION = "1"  # raise it when any sample or word changes: kept clips are found by it


class SoundboxOptions(BaseModel):
    """`seed` decides every clip; `cache` keeps rendered validation and test clips as FLAC.

    A cached clip takes about 0.035 MB a second: some 0.4 MB in soundbox-events and 0.8 MB in
    soundbox-scenes, so 2.3 GB for both domains' validation and test splits. Training clips are
    rendered anew each time.
    """

    model_config = ConfigDict(extra="forbid")

    seed: int = Field(default=2024, ge=0)
    cache: bool = True


def _spec(domain: str, summary: str) -> DatasetSpec:
    return DatasetSpec(
        name=f"soundbox-{domain}",
        summary=summary,
        version=VERSION,
        licence="CC0-1.0",
        options=SoundboxOptions,
        splits=("train", "validation", "test"),
        default_split="test",
        train_split="train",
        domain="sound",
    )


SPECS: tuple[DatasetSpec, DatasetSpec] = (
    _spec("events", "synthesised sound events, 10 s, terse captions, known event times"),
    _spec("scenes", "synthesised soundscapes, 15 to 30 s, full sentences, known event times"),
)


def create(choice: Choice, context: Context) -> Soundbox:
    """The data set that `choice` names, with its cache folder where the options ask for one."""
    from aacbench.builtin.datasets.soundbox.dataset import Soundbox, cache_folder

    options = choice.options or SoundboxOptions()
    domain = choice.spec.name.removeprefix("soundbox-")
    return Soundbox(domain, options.seed, cache_folder() if options.cache else None)

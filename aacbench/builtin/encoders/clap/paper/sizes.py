"""The published CLAPs as data: what each is made of, and which one a file holds."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from aacbench.errors import UnknownName, nearest

LayoutName = Literal["laion", "hub", "microsoft"]


@dataclass(frozen=True)
class Front:
    """How sound becomes features; see models.toml."""

    rate: int
    seconds: int
    window: int
    hop: int
    bands: int
    low: float
    high: float
    bank: Literal["slaney", "htk"]
    own_bank: bool
    fill: Literal["repeat", "repeatpad"]
    long: Literal["crop", "fusion"]
    quantised: bool

    @property
    def samples(self) -> int:
        """How many samples the model hears at once."""
        return self.rate * self.seconds

    @property
    def frames(self) -> int:
        """How many spectrogram frames those are."""
        return self.samples // self.hop + 1


@dataclass(frozen=True)
class Model:
    """One published CLAP; `dim` is the width of the shared space."""

    name: str
    layout: LayoutName
    dim: int
    front: Front
    audio: Mapping[str, Any] = field(default_factory=dict)
    text: Mapping[str, Any] = field(default_factory=dict)


@cache
def models() -> Mapping[str, Model]:
    """Every published CLAP that is known, by name."""
    text = files(__package__).joinpath("models.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return MappingProxyType({name: _model(name, _filled(tables, name)) for name in tables})


def model(name: str) -> Model:
    """The model of that name."""
    if name not in models():
        raise UnknownName(f"There is no published CLAP '{name}'.", nearest(name, models()))
    return models()[name]


def resized(known: Model, audio: Mapping[str, Any], text: Mapping[str, Any]) -> Model:
    """The same model with towers of other sizes."""
    return replace(known, audio={**known.audio, **audio}, text={**known.text, **text})


def _filled(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A table laid over the one that it is `like`."""
    table = dict(tables[name])
    if "like" not in table:
        return table
    under = _filled(tables, table.pop("like"))
    for key, value in table.items():
        under[key] = {**under[key], **value} if isinstance(value, dict) else value
    return under


def _model(name: str, table: Mapping[str, Any]) -> Model:
    return Model(
        name, table["layout"], table["dim"], Front(**table["front"]), table["audio"], table["text"]
    )

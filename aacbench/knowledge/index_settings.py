"""How an index is made and searched: the settings of each kind, with defaults from a table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aacbench.errors import BadOption, nearest

TABLE = Path(__file__).with_name("indexes.toml")
Kind = Literal["ivfpq", "hnsw"]
PER_LIST = 39
"""Fewer training rows a list than this, and k-means is not worth its name (FAISS warns)."""


class Effort(BaseModel):
    """How hard one query looks; None is as the index does otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    probes: int | None = Field(None, ge=1)
    depth: int | None = Field(None, ge=1)
    short_list: int | None = Field(None, ge=1)


class Settings(BaseModel):
    """What both kinds have; `indexes.toml` says what each setting means."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dim: int = Field(ge=1)
    sample: int = Field(ge=1)
    seed: int = Field(ge=0)
    short_list: int = Field(ge=1)
    short_per_hit: int = Field(ge=1)
    half: Effort = Effort()

    def effort(self, whole: bool) -> Effort:
        """What a query of both halves is searched with, or one of one half."""
        own = Effort(**{name: getattr(self, name, None) for name in Effort.model_fields})
        return own if whole else own.model_copy(update=self.half.model_dump(exclude_none=True))


class IvfPq(Settings):
    """Lists of codes (Jégou et al., 2011), 4 bits a part."""

    lists_per_root: float = Field(gt=0)
    rounds: int = Field(ge=1)
    codes: int = Field(ge=1)
    probes: int = Field(ge=1)

    def lists(self, rows: int, trained_on: int) -> int:
        """How many lists a base of so many rows has: a power of two that the sample can train."""
        wanted = min(self.lists_per_root * sqrt(rows), trained_on / PER_LIST)
        return 1 << max(0, int(wanted).bit_length() - 1)


class Hnsw(Settings):
    """A graph of neighbours (Malkov and Yashunin, 2018)."""

    neighbours: int = Field(ge=2)
    storage: Literal["sq8", "flat"]
    build_depth: int = Field(ge=1)
    depth: int = Field(ge=1)


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def exact_below() -> int:
    """Bases of fewer rows are searched exactly where nobody asks for an index."""
    return int(_table()["exact_below"])


def kinds() -> tuple[str, ...]:
    """The kinds of index, the one to prefer first."""
    return tuple(name for name, entry in _table().items() if isinstance(entry, dict))


def settings_of(kind: str, changed: Mapping[str, Any] | None = None) -> Settings:
    """A kind's settings, but for those that are `changed`; `BadOption` for what there is not."""
    if kind not in kinds():
        raise BadOption(f"There is no index '{kind}'.", nearest(kind, kinds()))
    known: type[Settings] = IvfPq if kind == "ivfpq" else Hnsw
    try:
        return known(**{**_table()[kind], **(changed or {})})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        names = ", ".join(known.model_fields)
        raise BadOption(
            f"{kind} cannot be made with {place}: {first['msg']}.", f"It has: {names}."
        ) from None

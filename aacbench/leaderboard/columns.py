"""What boards call figures and targets: labels, order, direction and kind, from two small tables.

A figure's id may end in a preset (``fense:mini``): another judge, hence another column, which
stands beside the official one and is never merged with it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Kind = Literal["sound", "music", "image", "retrieval"]
KINDS: tuple[Kind, ...] = ("sound", "music", "image", "retrieval")
NEITHER = "neither"


@dataclass(frozen=True)
class Column:
    """A figure as boards show it; `family` is its id without preset."""

    id: str
    label: str
    about: str
    family: str
    higher_is_better: bool | None
    decimals: int

    def as_json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "higher_is_better": self.higher_is_better,
            "decimals": self.decimals,
            "family": self.family,
            "about": self.about,
        }


@cache
def _known(name: str) -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def family(figure: str) -> str:
    """``fense`` of ``fense:mini``."""
    return figure.partition(":")[0]


def column(figure: str, measured: Mapping[str, Any] | None = None) -> Column:
    """A figure's column; `measured` is an entry of a result's figures, where one has it."""
    base, _, preset = figure.partition(":")
    entry = _known("columns").get(base, {})
    stated = entry.get("higher_is_better", True)
    higher = None if stated == NEITHER else stated
    decimals = entry.get("decimals", 3)
    if measured is not None:
        higher, decimals = measured["higher_is_better"], measured["decimals"]
    label = entry.get("label", base) + (f" ({preset})" if preset else "")
    return Column(figure, label, entry.get("about", ""), base, higher, decimals)


def ordered(figures: Iterable[str]) -> list[str]:
    """Figures in the table's order, the official one of a family before its presets; unknown ones
    last."""
    places = {name: place for place, name in enumerate(_known("columns"))}
    last = len(places)
    return sorted(set(figures), key=lambda one: (places.get(family(one), last), one))


def is_main(figure: str) -> bool:
    """Whether a board shows it without being asked."""
    return bool(_known("columns").get(family(figure), {}).get("main", False))


def is_retrieval(figure: str) -> bool:
    """Whether it says how well things are found, not how well they are described."""
    return bool(_known("columns").get(family(figure), {}).get("retrieval", False))


def title(target: str) -> str:
    """``Clotho`` of ``clotho``; a target that the table does not know keeps its name."""
    return str(_known("targets").get(target, {}).get("title", target))


def kind(target: str, retrieval: bool = False) -> Kind:
    """On which kind of board a target's rows stand."""
    if retrieval:
        return "retrieval"
    stated = _known("targets").get(target, {}).get("kind", "sound")
    return next(known for known in KINDS if known == stated)

"""Knowledge bases by name or folder: what goes into them, said without reading an embedding."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from aacbench.errors import BadData, UnknownName, nearest

SCHEMA = 1
MANIFEST = "manifest.json"
KIND = "knowledge base"
HINT = "Build one: aacbench kb build events --encoder clap:mini"


@dataclass(frozen=True)
class Recipe:
    """What a named base is made of: splits (``"clotho@development"``), or another base that is cut
    down to the `k` pairs nearest to each pair of the splits `by`, with `weight` as W in equation 4
    of Choi et al. Clips above `longest` seconds are left out."""

    name: str
    summary: str = ""
    data: tuple[str, ...] = ()
    refines: str | None = None
    by: tuple[str, ...] = ()
    k: int = 5
    weight: float = 0.5
    longest: float | None = None

    @property
    def digest(self) -> str:
        """The sha256 of all that decides which pairs go in, other than the data at hand."""
        told = {name: value for name, value in asdict(self).items() if name != "summary"}
        below = recipe(self.refines).digest if self.refines else None
        return hashlib.sha256(json.dumps([told, below]).encode()).hexdigest()

    def splits(self) -> tuple[str, ...]:
        """Every split that pairs are taken from; those of `by` only choose among them."""
        return recipe(self.refines).splits() if self.refines else self.data


@cache
def recipes() -> Mapping[str, Recipe]:
    """The named bases, by name."""
    tables = tomllib.loads(files("aacbench").joinpath("bases.toml").read_text(encoding="utf-8"))
    return {name: _recipe(name, table) for name, table in tables.items()}


def _recipe(name: str, table: Mapping[str, Any]) -> Recipe:
    several = {key: tuple(table[key]) for key in ("data", "by") if key in table}
    return Recipe(name, **{**table, **several})


def recipe(name: str) -> Recipe:
    """The recipe of a named base; `UnknownName` with the nearest name."""
    if name not in recipes():
        raise UnknownName(f"There is no knowledge base '{name}'.", nearest(name, recipes()))
    return recipes()[name]


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a base's folder; `BadData` where there is none, or one of another version."""
    file = path / MANIFEST
    if not file.is_file():
        raise BadData(f"{path} is no knowledge base: it has no {MANIFEST}.", HINT)
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadData(f"{file} is not JSON: {error}.", HINT) from None
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise BadData(f"{file} was not written by aacbench kb.", HINT)
    if manifest.get("schema") != SCHEMA:
        raise BadData(
            f"{file} is of version {manifest.get('schema')}; this aacbench reads {SCHEMA}.",
            "Build it again with this version, or install the one that wrote it.",
        )
    return manifest


def is_base(path: Path) -> bool:
    """Whether a folder is a knowledge base, of whatever version."""
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("kind") == KIND


def origins(expression: str) -> str:
    """A split as training data are named: ``"soundbox-events@train(seed=7)"`` is
    ``"soundbox-events/train"``."""
    name, _, rest = expression.partition("@")
    return f"{name}/{rest.partition('(')[0]}"

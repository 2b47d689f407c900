"""Reads presets from TOML: which options, weights and training data stand behind a name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from aacbench.specs import Preset, Source, TrainedOn


def read_presets(package: str, name: str = "presets.toml") -> dict[str, Preset]:
    """The presets in a package's TOML file.

    Each table is a preset with `summary`, `options`, `weights`, `built_on`, `trained_on`,
    `default_source` and a table of `sources`; in `trained_on`, the string ``"unknown"`` stands
    for None.
    """
    tables = tomllib.loads(files(package).joinpath(name).read_text(encoding="utf-8"))
    return {preset: _preset(table) for preset, table in tables.items()}


def _preset(table: Mapping[str, Any]) -> Preset:
    return Preset(
        summary=table.get("summary", ""),
        options=table.get("options", {}),
        weights=tuple(table.get("weights", ())),
        built_on=tuple(table.get("built_on", ())),
        trained_on=_trained_on(table.get("trained_on")),
        sources={name: _source(source) for name, source in table.get("sources", {}).items()},
        default_source=table.get("default_source"),
    )


def _source(table: Mapping[str, Any]) -> Source:
    return Source(
        trained_on=_trained_on(table.get("trained_on")),
        weights=tuple(table.get("weights", ())),
        built_on=tuple(table.get("built_on", ())),
        options=table.get("options", {}),
    )


def _trained_on(table: Mapping[str, Any] | None) -> TrainedOn | None:
    if table is None:
        return None
    return TrainedOn(
        **{part: None if names == "unknown" else tuple(names) for part, names in table.items()}
    )

"""Made-up published tables, written as the files that the loader reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aacbench.leaderboard.audit import Finding, audit
from aacbench.leaderboard.papers import Published, read_published

Printed = Mapping[str, Any]


def table(columns: str, *rows: Sequence[Any], **keys: Any) -> dict[str, Any]:
    """A table; a row is its system, its figures apart by blanks, and keys of its own.

    A figure may end in ``*`` for bold or ``_`` for underlined.
    """
    names = columns.split()
    printed = []
    for system, figures, *more in rows:
        cells = dict(zip(names, map(_cell, figures.split()), strict=True))
        printed.append({"system": system, "cells": cells, **(more[0] if more else {})})
    described = [{"id": name, "printed": name.upper()} for name in names]
    return {"target": "clotho", "columns": described, "rows": printed, **keys}


def _cell(text: str) -> Any:
    for mark, emphasis in (("*", "bold"), ("_", "underlined")):
        if text.endswith(mark):
            value = text.removesuffix(mark)
            return {"printed": value, "emphasis": emphasis}
    return text


def write(
    folder: Path, tables: Mapping[str, Printed], claims: Sequence[Printed] = (), paper: str = "one"
) -> Path:
    """The files of one paper under `folder`, beside those of others that are there."""
    place = folder / paper
    place.mkdir(parents=True)
    with (folder / "papers.toml").open("a") as file:
        file.write(f'[{paper}]\ntitle = "On sounds"\nauthors = "A. Nonymous"\nyear = 2024\n')
    for number, content in tables.items():
        whole = {"paper": paper, "table": number, "about": "made up", **content}
        (place / f"table_{number}.toml").write_text(_toml(whole))
    if claims:
        (place / "claims.toml").write_text(_toml({"claims": list(claims)}))
    return folder


def read(folder: Path, tables: Mapping[str, Printed], claims: Sequence[Printed] = ()) -> Published:
    return read_published(write(folder, tables, claims))


def claim(kind: str, **keys: Any) -> dict[str, Any]:
    return {"where": "section 1", "says": "So it is.", "kind": kind, "table": "1", **keys}


def found(published: Published, rule: str) -> list[Finding]:
    """What one rule finds."""
    return list(audit(published, rules=[rule]).findings)


def _toml(content: Printed) -> str:
    return "\n".join(f"{key} = {_value(value)}" for key, value in content.items()) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items())
        return "{" + inner + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)

"""Writes the leaderboard's page: packaged HTML, styles and scripts, beside the boards as data.

What is ours is committed where the page is; the plot library is not, so it lies in a folder of its
own, `vendor/`, and the page does without it where it is missing. Same boards, same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from aacbench import pages

VENDOR = "vendor/vega.js"

STYLES = ("page.css", "index.css", "board.css", "dialog.css")
PLOTS = ("config", "quality", "slope", "gain")
SCRIPTS = (
    *("dom", "words", "board", "state", "keys", "legend", "table", "provenance", "picker"),
    *("controls", "plot", "chart", "quality", "slope", "gain", "matrix", "audit", "main"),
)
"""In the order in which they are run: each uses only what stands before it."""


def write(boards: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the page of `boards` (the content of boards.json) into `folder`, made where missing.

    Links to captions, published tables and plain tables lead to ``../``: `folder` lies in the
    leaderboard's own. Returns the files written, sorted; ``vendor/vega.js`` is among them where
    vl-convert-python is installed. Files of another build that it does not write stay.

    Raises:
        ValueError: a figure is NaN or infinite.
    """
    written = []
    for name, text in sorted(_contents(boards)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written


def _contents(boards: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "index.html", _index(boards)
    yield "data.js", _data(boards)
    yield "plots.js", f"window.aacPlots = {pages.embedded(_plots())};\n"
    yield "theme.css", pages.theme()
    yield "js/theme.js", pages.asset("theme.js")
    for name in STYLES:
        yield name, _packaged(name)
    for name in SCRIPTS:
        yield f"js/{name}.js", _packaged(f"js/{name}.js")
    bundle = pages.vega()
    if bundle is not None:
        yield VENDOR, bundle


def _index(boards: Mapping[str, Any]) -> str:
    scripts = (f'<script defer src="js/{name}.js"></script>' for name in SCRIPTS)
    tables = (_plain_table(board) for board in boards["boards"])
    return Template(_packaged("index.html")).substitute(
        scripts="\n".join(scripts), tables="\n".join(tables)
    )


def _plain_table(board: Mapping[str, Any]) -> str:
    """A link for readers without JavaScript."""
    address = quote(f"../tables/{board['id']}.md")
    return f'      <li><a href="{escape(address)}">{escape(board["title"])}</a></li>'


def _data(boards: Mapping[str, Any]) -> str:
    """The boards as a script, one entry a line, so that a change of one row is a change of one."""
    parts = (f"{json.dumps(name)}:{_lines(part)}" for name, part in boards.items())
    return "window.aacBoards = {{\n{}\n}};\n".format(",\n".join(parts))


def _lines(part: Any) -> str:
    if isinstance(part, Mapping) and part:
        entries = (f"{pages.embedded(name)}:{pages.embedded(each)}" for name, each in part.items())
        return "{{\n{}\n}}".format(",\n".join(entries))
    if isinstance(part, list | tuple) and part:
        return "[\n{}\n]".format(",\n".join(pages.embedded(each) for each in part))
    return pages.embedded(part)


def _plots() -> dict[str, Any]:
    return {name: json.loads(_packaged(f"plots/{name}.json")) for name in PLOTS}


def _packaged(name: str) -> str:
    return files(__package__).joinpath(*name.split("/")).read_text(encoding="utf-8")

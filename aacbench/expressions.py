"""Reads ``[plugin/]name[:preset][@source][(key=value, ...)]``, terms joined with ``+``.

A captioner without a package is written ``path/to/file.py:Class(key=value)``. After `hf:` stands
no preset but a model: its id on the hub or its folder, so that ``hf:owner/name`` is short for
``hf(model=owner/name)``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aacbench.errors import AacbenchError

HEAD = re.compile(
    r"(?P<name>[A-Za-z0-9_.\-]+(?:/[A-Za-z0-9_.\-]+)?)"
    r"(?::(?P<preset>[A-Za-z0-9_.\-]+))?"
    r"(?:@(?P<source>[A-Za-z0-9_.\-/]+))?"
)
PLACED = {"hf": "model"}  # names that have no presets -> the option that their colon gives
FILE_HEAD = re.compile(r"(?P<name>.+\.py):(?P<preset>[A-Za-z_]\w*)")
PLAIN = re.compile(r"""[^\s,+"'()\[\]{}](?:[^,+"'()\[\]{}\n]*[^\s,+"'()\[\]{}])?""")
PAIRS = {"(": ")", "[": "]", "{": "}"}
GRAMMAR = "Write name[:preset][@source][(key=value, ...)], or path/to/file.py:Class."


@dataclass(frozen=True)
class Term:
    """One part as written. For a file, `name` is its path and `preset` the class."""

    name: str
    preset: str | None = None
    source: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    is_file: bool = False


def parse(text: str) -> tuple[Term, ...]:
    """The terms of an expression, the captioner first and its guides after it."""
    pieces = split_outside(text, "+")
    if not all(piece.strip() for piece in pieces):
        raise AacbenchError(f"'{text}' has an empty part.", GRAMMAR)
    return tuple(parse_term(piece.strip()) for piece in pieces)


def parse_term(text: str) -> Term:
    """One term of an expression."""
    head, options = _cut_options(text)
    if placed := _placed(head, options):
        return placed
    file = FILE_HEAD.fullmatch(head)
    match = file or HEAD.fullmatch(head)
    if match is None:
        raise AacbenchError(f"'{text}' is not the name of a part.", GRAMMAR)
    found = match.groupdict()
    return Term(
        found["name"], found["preset"], found.get("source"), options, is_file=file is not None
    )


def _placed(head: str, options: Mapping[str, Any]) -> Term | None:
    """The term, where its colon names a model instead of a preset."""
    name, _, place = head.partition(":")
    option = PLACED.get(name.rpartition("/")[2])
    if option is None or not HEAD.fullmatch(name) or not PLAIN.fullmatch(place):
        return None
    if option in options:
        raise AacbenchError(f"'{head}' names a model, and its option '{option}' another.", GRAMMAR)
    return Term(name, options={option: place, **options})


def _cut_options(text: str) -> tuple[str, dict[str, Any]]:
    start = text.find("(")
    if start < 0:
        return text, {}
    if not text.endswith(")"):
        raise AacbenchError(f"'{text}' opens a bracket that it does not close.", GRAMMAR)
    options: dict[str, Any] = {}
    for piece in split_outside(text[start + 1 : -1], ","):
        if not piece.strip():
            continue
        key, equals, value = piece.partition("=")
        if not equals:
            raise AacbenchError(f"'{piece.strip()}' in '{text}' has no value.", GRAMMAR)
        if key.strip() in options:
            raise AacbenchError(f"'{key.strip()}' is given twice in '{text}'.", GRAMMAR)
        options[key.strip()] = read_value(value.strip())
    return text[:start].rstrip(), options


def read_value(text: str) -> Any:
    """A value as JSON would read it (also True, False, None and single quotes), else a string."""
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # also a number with more digits than Python reads
        return text


def write_value(value: Any) -> str:
    """The inverse of `read_value`."""
    if isinstance(value, str) and read_value(value) == value and PLAIN.fullmatch(value):
        return value
    return json.dumps(value, default=str)


def write(name: str, preset: str | None, source: str | None, options: Mapping[str, Any]) -> str:
    """A term in canonical form: options sorted by name."""
    placed = PLACED.get(name.rpartition("/")[2])
    place = options.get(placed) if placed else None
    if preset is None and source is None and isinstance(place, str) and PLAIN.fullmatch(place):
        preset, options = place, {key: options[key] for key in options if key != placed}
    inside = ", ".join(f"{key}={write_value(options[key])}" for key in sorted(options))
    preset = f":{preset}" if preset else ""
    source = f"@{source}" if source else ""
    return f"{name}{preset}{source}" + (f"({inside})" if inside else "")


def split_outside(text: str, mark: str) -> list[str]:
    """Split at `mark` where it stands outside brackets and quotes."""
    pieces, start, closing, quote, escaped = [], 0, list[str](), "", False
    for index, character in enumerate(text):
        if quote:
            if not escaped and character == quote:
                quote = ""
            escaped = quote == '"' and character == "\\" and not escaped
        elif character in "\"'":
            quote = character
        elif character in PAIRS:
            closing.append(PAIRS[character])
        elif closing and character == closing[-1]:
            closing.pop()
        elif character in PAIRS.values():
            raise AacbenchError(f"'{text}' has a {character} too many.", GRAMMAR)
        elif character == mark and not closing:
            pieces.append(text[start:index])
            start = index + 1
    if quote or closing:
        raise AacbenchError(f"'{text}' lacks a closing {quote or closing[-1]}.", GRAMMAR)
    return [*pieces, text[start:]]

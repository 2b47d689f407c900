"""From a published file's names of weights to ours: nothing missing, nothing unexplained."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aacbench.errors import BadData

# Buffers that a network computes for itself; a file may hold them in any type, or omit them.
COMPUTED = (
    "*.relative_position_index",
    "*.num_batches_tracked",
    "*.position_ids",
    "*.token_type_ids",
)
SHOWN = 3
PUBLISHED = "Name the model that the file is of: clap:paper@file(path=..., model=...)."


@dataclass(frozen=True)
class Layout:
    """One way of naming the weights; see layouts.toml."""

    name: str
    prefixes: Mapping[str, str]
    unused: tuple[str, ...]
    marks: str
    state: str | None = None
    strip: str = ""
    audio_tower: str | None = None
    bank: str | None = None


@cache
def _tables() -> dict[str, Any]:
    text = files(__package__).joinpath("layouts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def layout(name: str) -> Layout:
    """The layout of that name."""
    table = dict(_tables()[name])
    longest_first = sorted(table.pop("prefixes").items(), key=lambda pair: -len(pair[0]))
    return Layout(name, dict(longest_first), tuple(table.pop("unused")), **table)


def layouts() -> tuple[Layout, ...]:
    """Every layout that is known."""
    return tuple(layout(name) for name in _tables() if name != "htsat")


def stripped(state: Mapping[str, Tensor], form: Layout) -> dict[str, Tensor]:
    """The state without the prefix that training on several machines puts before every name."""
    return {name.removeprefix(form.strip): tensor for name, tensor in state.items()}


def renamed(state: Mapping[str, Tensor], form: Layout) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors under our names; and the file's names that stand for nothing of ours."""
    ours: dict[str, Tensor] = {}
    strange: list[str] = []
    for name, tensor in stripped(state, form).items():
        if any(fnmatchcase(name, pattern) for pattern in form.unused):
            continue
        prefix = next((prefix for prefix in form.prefixes if name.startswith(prefix)), None)
        if prefix is None:
            strange.append(name)
            continue
        target = form.prefixes[prefix] + name.removeprefix(prefix)
        if form.audio_tower and target.startswith(form.audio_tower):
            ours |= _htsat(target, tensor)
        else:
            ours[target] = tensor
    return ours, strange


def _htsat(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """A weight of the audio tower under its name here; query, key and value lie stacked."""
    if ".attn.qkv." in name:
        parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
        return {name.replace("attn.qkv", f"attention.self.{part}"): t for part, t in parts}
    for theirs, here in _tables()["htsat"].items():
        if f".{theirs}" in name:
            return {name.replace(f".{theirs}", f".{here}"): tensor}
    return {name: tensor}


def fit(network: nn.Module, state: Mapping[str, Tensor], form: Layout, path: Path) -> None:
    """Put a file's weights into the network.

    Raises `BadData` that names what is missing, of another shape, or unknown: a network with a
    layer left at random still gives vectors.
    """
    ours, strange = renamed(state, form)
    wanted = network.state_dict()
    strange += [name for name in ours if name not in wanted]
    missing = [name for name in wanted if name not in ours and not _computed(name)]
    shapes = [
        f"{name} is {tuple(ours[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted
        if name in ours and not _computed(name) and ours[name].shape != wanted[name].shape
    ]
    _refuse(path, "lacks", missing)
    _refuse(path, "holds weights of another shape:", shapes)
    _refuse(path, "holds what nothing is known about:", strange)
    for name in wanted:
        if name.endswith(".relative_position_index") and name in ours:
            _same(path, name, ours[name], wanted[name])
    learnt = {name: ours[name] for name in wanted if not _computed(name)}
    network.load_state_dict(learnt, strict=False)


def _computed(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in COMPUTED)


def _same(path: Path, name: str, theirs: Tensor, computed: Tensor) -> None:
    if theirs.shape != computed.shape or not torch.equal(theirs.long(), computed.long()):
        raise BadData(f"{path}: its {name} orders a window otherwise than HTSAT does", PUBLISHED)


def _refuse(path: Path, what: str, names: Iterable[str]) -> None:
    listed = sorted(names)
    if listed:
        rest = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
        raise BadData(f"{path} {what} {', '.join(listed[:SHOWN])}{rest}", PUBLISHED)

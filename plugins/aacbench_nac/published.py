"""Public prefix captioners' weights, read into our names: a mapping network before GPT-2.

ClipCap's code is where the layout comes from, and clapcap's authors took it over, so that the two
files differ in what the mapping network is called, in what stops a caption and in what else lies
in them.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aacbench.errors import BadData

MAPPER_HEADS = 8
GPT2_HEAD_WIDTH = 64
"""Neither number can be read off the tensors."""

GPT2_TOKENIZER = "c4381e7243c398adf9b1f5a0bf3f900c8202bea93aa7e6d37b62efc517d937c4"
"""The identity of GPT-2's own 50,257 words (`Gpt2Tokenizer.identity`)."""

LAYER = {
    "norm1": "norm1",
    "attn.project": "self_attn.out_proj",
    "norm2": "norm2",
    "mlp.fc1": "linear1",
    "mlp.fc2": "linear2",
}
"""A layer's parts with a weight and a bias, in their names and in ours."""

MLP = {"model.0": "hidden", "model.2": "out"}
"""The same of a mapping network that is two linear layers with a tanh between them."""

BLOCK = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
CAUSAL_MASK = re.compile(r"gpt\.transformer\.h\.\d+\.attn\.(bias|masked_bias)")
"""Buffers of old releases of transformers, which nothing reads any more."""


@dataclass(frozen=True)
class Layout:
    """One publisher's file: its `name`, what the mapping network is called there, the text whose
    first token ends a caption, how to come by it (`fetch`), and the names of tensors to leave."""

    name: str
    mapper: str
    stop: str
    fetch: str
    left: tuple[str, ...] = ()


Found = tuple[dict[str, Tensor], dict[str, Any]]
"""Tensors and configuration as `aacbench.training.load_weights` gives them for our own files."""


def load(path: Path) -> dict[str, Tensor]:
    """The tensors of a file that torch wrote, by its own names; nothing in it is run."""
    try:
        # Mapped into memory, so that what is not taken over is never read.
        content = torch.load(path, "cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
        tensors = dict(content.get("model", content))
    except (pickle.UnpicklingError, RuntimeError, AttributeError, TypeError, EOFError) as reason:
        raise BadData(
            f"{path} cannot be read as weights: {reason}.", "Take the file from its authors anew."
        ) from reason
    return {name: tensor for name, tensor in tensors.items() if isinstance(tensor, Tensor)}


def is_mlp(tensors: Mapping[str, Tensor], layout: Layout) -> bool:
    """Whether the mapping network is an MLP rather than a transformer."""
    return any(name.startswith(f"{layout.mapper}.model.") for name in tensors)


def take(tensors: Mapping[str, Tensor], layout: Layout, path: Path) -> Found:
    """The tensors of `path` by our names, and what they are the weights of.

    Raises `BadData` that names every tensor that is missing or that has no place.
    """
    layers = _count(tensors, rf"{layout.mapper}\.transformer\.layers\.(\d+)\.")
    blocks = _count(tensors, r"gpt\.transformer\.h\.(\d+)\.")
    mlp = is_mlp(tensors, layout)
    mapper = mlp_names(layout) if mlp else transformer_names(layout, layers)
    names = {**mapper, **gpt2_names(blocks)}
    split = set() if mlp else {name for i in range(layers) for name in _halves(layout, i)}
    missing = sorted({*names, *split} - set(tensors))
    left = sorted(
        name
        for name in set(tensors) - set(names) - split - {"gpt.lm_head.weight"}
        if not name.startswith(layout.left or ("\0",)) and not CAUSAL_MASK.fullmatch(name)
    )
    if missing or left or not blocks or not (mlp or layers):
        raise BadData(
            f"{path} is not {layout.name}: missing {_some(missing)}; with no place {_some(left)}.",
            layout.fetch,
        )
    found = {ours: tensors[theirs].float() for theirs, ours in names.items()}
    if not mlp:
        for i in range(layers):
            both = torch.cat([tensors[half] for half in _halves(layout, i)]).float()
            found[f"mapper.transformer.layers.{i}.self_attn.in_proj_weight"] = both
    _check_shapes(tensors, layout, path)
    sizes = _mlp_sizes(tensors, layout) if mlp else _sizes(tensors, layout, layers)
    return found, _config(tensors, sizes, blocks, layout.stop)


def transformer_names(layout: Layout, layers: int) -> dict[str, str]:
    """Their name to ours, of each tensor of a transformer that is taken over as it is."""
    theirs = layout.mapper
    names = {f"{theirs}.prefix_const": "mapper.constant"}
    names |= _both({f"{theirs}.linear": "mapper.linear"})
    for i in range(layers):
        place, ours = f"{theirs}.transformer.layers.{i}", f"mapper.transformer.layers.{i}"
        names |= _both({f"{place}.{a}": f"{ours}.{b}" for a, b in LAYER.items()})
    return names


def mlp_names(layout: Layout) -> dict[str, str]:
    """Their name to ours, of an MLP."""
    return _both({f"{layout.mapper}.{a}": f"mapper.{b}" for a, b in MLP.items()})


def gpt2_names(blocks: int) -> dict[str, str]:
    """Their name to ours, of the language model."""
    parts = ["ln_f", *(f"h.{block}.{part}" for block in range(blocks) for part in BLOCK)]
    names = _both({f"gpt.transformer.{p}": f"language_model.transformer.{p}" for p in parts})
    for table in ("wte", "wpe"):
        names[f"gpt.transformer.{table}.weight"] = f"language_model.transformer.{table}.weight"
    return names


def _both(pairs: Mapping[str, str]) -> dict[str, str]:
    """The weight and the bias of each part."""
    return {f"{a}.{kind}": f"{b}.{kind}" for a, b in pairs.items() for kind in ("weight", "bias")}


def _halves(layout: Layout, layer: int) -> list[str]:
    """What stands as one tensor with us: (queries + keys + values, width)."""
    place = f"{layout.mapper}.transformer.layers.{layer}.attn"
    return [f"{place}.to_queries.weight", f"{place}.to_keys_values.weight"]


def _check_shapes(tensors: Mapping[str, Tensor], layout: Layout, path: Path) -> None:
    """Refuse what our mapping networks would read wrongly or could not hold."""
    embedding = tensors["gpt.transformer.wte.weight"]
    head = tensors.get("gpt.lm_head.weight")
    wrong = ""
    if is_mlp(tensors, layout):
        hidden, rows = (len(tensors[f"{layout.mapper}.{part}.weight"]) for part in MLP)
        if rows % embedding.shape[1] or hidden != rows // 2:
            wrong = f"its {hidden} and {rows} rows are no prefix of {embedding.shape[1]} wide words"
    else:
        prefix, width = tensors[f"{layout.mapper}.prefix_const"].shape
        rows = len(tensors[f"{layout.mapper}.linear.weight"])
        if rows != prefix * width:
            wrong = f"{rows} rows of its linear layer are not {prefix} constants of {width}"
    if not wrong and head is not None and not torch.equal(head, embedding):
        wrong = "its language model's head is not its embedding"
    if wrong:
        raise BadData(f"{path} is not {layout.name}: {wrong}.", layout.fetch)


def _mlp_sizes(tensors: Mapping[str, Tensor], layout: Layout) -> dict[str, Any]:
    first, last = (tensors[f"{layout.mapper}.{part}.weight"] for part in MLP)
    width = tensors["gpt.transformer.wte.weight"].shape[1]
    return {"mapper": "mlp", "dim": first.shape[1], "prefix": len(last) // width, "width": width}


def _sizes(tensors: Mapping[str, Tensor], layout: Layout, layers: int) -> dict[str, Any]:
    prefix, width = tensors[f"{layout.mapper}.prefix_const"].shape
    hidden = len(tensors[f"{layout.mapper}.transformer.layers.0.mlp.fc1.weight"])
    return {
        "dim": tensors[f"{layout.mapper}.linear.weight"].shape[1],
        "prefix": prefix,
        "width": width,
        "heads": MAPPER_HEADS,
        "mapper_layers": layers,
        "mapper_ratio": hidden // width,
        "mapper_bias": False,
    }


def _config(
    tensors: Mapping[str, Tensor], sizes: Mapping[str, Any], blocks: int, stop: str
) -> dict[str, Any]:
    vocabulary = len(tensors["gpt.transformer.wte.weight"])
    positions = len(tensors["gpt.transformer.wpe.weight"])
    width = sizes["width"]
    settings = {
        "vocab_size": vocabulary,
        "n_positions": positions,
        "n_embd": width,
        "n_layer": blocks,
        "n_head": max(1, width // GPT2_HEAD_WIDTH),
    }
    known = {"layers": blocks, "vocabulary": vocabulary, "positions": positions}
    tokenizer = GPT2_TOKENIZER if vocabulary == 50257 else None
    below = {"settings": settings, "weights": None, "tokenizer": tokenizer, "end": stop}
    return {"model": "nac", "architecture": {**sizes, **known}, "language_model": below}


def _count(names: Iterable[str], pattern: str) -> int:
    """How many layers are numbered in `names`."""
    found = [re.match(pattern, name) for name in names]
    return 1 + max((int(match[1]) for match in found if match), default=-1)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5]) or "nothing"
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown

"""Microsoft's public clapcap weights, read into our names.

The file is the audio-trained twin of Deshmukh et al.: the ears of CLAP 2023 (``clap.``), the
mapping network (``clap_project.``) and GPT-2 (``gpt.``). Its authors' code holds the ears frozen,
so they are left to the encoder.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aacbench.errors import BadData
from aacbench_nac.words import END_OF_TEXT

MAPPER_HEADS = 8
GPT2_HEAD_WIDTH = 64
"""Neither number can be read off the tensors."""

GPT2_TOKENIZER = "c4381e7243c398adf9b1f5a0bf3f900c8202bea93aa7e6d37b62efc517d937c4"
"""The identity of GPT-2's own 50,257 words (`Gpt2Tokenizer.identity`)."""

STOP = f" {END_OF_TEXT}"
"""Its first token ends a caption: public inference stops at the space before the end of text."""

LAYER = {
    "norm1": "norm1",
    "attn.project": "self_attn.out_proj",
    "norm2": "norm2",
    "mlp.fc1": "linear1",
    "mlp.fc2": "linear2",
}
"""A layer's parts with a weight and a bias, in their names and in ours."""

BLOCK = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
CAUSAL_MASK = re.compile(r"gpt\.transformer\.h\.\d+\.attn\.(bias|masked_bias)")
"""Buffers of old releases of transformers, which nothing reads any more."""


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and configuration as `aacbench.training.load_weights` gives them for our own files.

    Raises `BadData` that names every tensor that is missing or that has no place.
    """
    tensors = _load(path)
    layers = _count(tensors, r"clap_project\.transformer\.layers\.(\d+)\.")
    blocks = _count(tensors, r"gpt\.transformer\.h\.(\d+)\.")
    names = _names(layers, blocks)
    split = {
        f"clap_project.transformer.layers.{layer}.attn.{part}.weight"
        for layer in range(layers)
        for part in ("to_queries", "to_keys_values")
    }
    missing = sorted({*names, *split} - set(tensors))
    left = sorted(
        name
        for name in set(tensors) - set(names) - split - {"gpt.lm_head.weight"}
        if not name.startswith("clap.") and not CAUSAL_MASK.fullmatch(name)
    )
    if missing or left or not layers or not blocks:
        raise BadData(
            f"{path} is not clapcap: missing {_some(missing)}; with no place {_some(left)}.",
            "Fetch it anew: aacbench data fetch nac-clapcap",
        )
    found = {ours: tensors[theirs].float() for theirs, ours in names.items()}
    for layer in range(layers):
        place = f"clap_project.transformer.layers.{layer}.attn"
        halves = [tensors[f"{place}.{part}.weight"] for part in ("to_queries", "to_keys_values")]
        ours = f"mapper.transformer.layers.{layer}.self_attn.in_proj_weight"
        found[ours] = torch.cat(halves).float()  # (queries + keys + values, width)
    _check_shapes(tensors, path)
    return found, _config(tensors, layers, blocks)


def _load(path: Path) -> Mapping[str, Tensor]:
    try:
        # Mapped into memory, so that the ears' third of the file is never read.
        content = torch.load(path, "cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
        tensors = dict(content["model"])
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, EOFError) as reason:
        raise BadData(
            f"{path} cannot be read as clapcap's weights: {reason}.",
            "Fetch it anew: aacbench data fetch nac-clapcap",
        ) from reason
    return {name: tensor for name, tensor in tensors.items() if isinstance(tensor, Tensor)}


def _names(layers: int, blocks: int) -> dict[str, str]:
    """Their name to ours, of every tensor that is taken over as it is."""
    names = {
        "clap_project.prefix_const": "mapper.constant",
        "clap_project.linear.weight": "mapper.linear.weight",
        "clap_project.linear.bias": "mapper.linear.bias",
        "gpt.transformer.wte.weight": "language_model.transformer.wte.weight",
        "gpt.transformer.wpe.weight": "language_model.transformer.wpe.weight",
    }
    pairs = [
        (f"clap_project.transformer.layers.{i}.{theirs}", f"mapper.transformer.layers.{i}.{ours}")
        for i in range(layers)
        for theirs, ours in LAYER.items()
    ]
    parts = ["ln_f", *(f"h.{block}.{part}" for block in range(blocks) for part in BLOCK)]
    pairs += [(f"gpt.transformer.{p}", f"language_model.transformer.{p}") for p in parts]
    for theirs, ours in pairs:
        names |= {f"{theirs}.{kind}": f"{ours}.{kind}" for kind in ("weight", "bias")}
    return names


def _check_shapes(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse what our mapping network would read wrongly or could not hold."""
    prefix, width = tensors["clap_project.prefix_const"].shape
    rows = len(tensors["clap_project.linear.weight"])
    head = tensors.get("gpt.lm_head.weight")
    wrong = ""
    if rows != prefix * width:
        wrong = f"{rows} rows of its linear layer are not {prefix} constants of {width}"
    elif head is not None and not torch.equal(head, tensors["gpt.transformer.wte.weight"]):
        wrong = "its language model's head is not its embedding"
    if wrong:
        raise BadData(f"{path} is not clapcap: {wrong}.", "aacbench data fetch nac-clapcap")


def _config(tensors: Mapping[str, Tensor], layers: int, blocks: int) -> dict[str, Any]:
    prefix, width = tensors["clap_project.prefix_const"].shape
    vocabulary = len(tensors["gpt.transformer.wte.weight"])
    positions = len(tensors["gpt.transformer.wpe.weight"])
    hidden = len(tensors["clap_project.transformer.layers.0.mlp.fc1.weight"])
    architecture = {
        "dim": tensors["clap_project.linear.weight"].shape[1],
        "prefix": prefix,
        "width": width,
        "heads": MAPPER_HEADS,
        "mapper_layers": layers,
        "mapper_ratio": hidden // width,
        "mapper_bias": False,
        "layers": blocks,
        "vocabulary": vocabulary,
        "positions": positions,
    }
    settings = {
        "vocab_size": vocabulary,
        "n_positions": positions,
        "n_embd": width,
        "n_layer": blocks,
        "n_head": max(1, width // GPT2_HEAD_WIDTH),
    }
    tokenizer = GPT2_TOKENIZER if vocabulary == 50257 else None
    below = {"settings": settings, "weights": None, "tokenizer": tokenizer, "end": STOP}
    return {"model": "nac", "architecture": architecture, "language_model": below}


def _count(names: Iterable[str], pattern: str) -> int:
    """How many layers are numbered in `names`."""
    found = [re.match(pattern, name) for name in names]
    return 1 + max((int(match[1]) for match in found if match), default=-1)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5]) or "nothing"
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown

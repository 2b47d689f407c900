"""Public prefix captioners' files: random tensors under the names of ClipCap's code."""

from __future__ import annotations

import math
from typing import Any

import torch
from gpt2_folder import POSITIONS, WIDTH
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel


def pair(name: str, rows: int, columns: int) -> dict[str, Tensor]:
    """A linear layer."""
    weight = torch.randn(rows, columns) / math.sqrt(columns)
    return {f"{name}.weight": weight, f"{name}.bias": 0.1 * torch.randn(rows)}


def norm(name: str) -> dict[str, Tensor]:
    """A layer norm."""
    noise = 0.1 * torch.randn(2, WIDTH)
    return {f"{name}.weight": 1 + noise[0], f"{name}.bias": noise[1]}


def transformer_mapper(project: str, dim: int, layers: int = 8) -> dict[str, Tensor]:
    """The mapping network called `project`: `dim` to 40 positions of `WIDTH`."""
    tensors = {
        f"{project}.prefix_const": torch.randn(40, WIDTH),
        **pair(f"{project}.linear", 40 * WIDTH, dim),
    }
    for layer in range(layers):
        place = f"{project}.transformer.layers.{layer}"
        tensors |= {
            **norm(f"{place}.norm1"),
            f"{place}.attn.to_queries.weight": torch.randn(WIDTH, WIDTH) / 4,
            f"{place}.attn.to_keys_values.weight": torch.randn(2 * WIDTH, WIDTH) / 8,
            **pair(f"{place}.attn.project", WIDTH, WIDTH),
            **norm(f"{place}.norm2"),
            **pair(f"{place}.mlp.fc1", 2 * WIDTH, WIDTH),
            **pair(f"{place}.mlp.fc2", WIDTH, 2 * WIDTH),
        }
    return tensors


def mlp_mapper(project: str, dim: int, prefix: int = 10) -> dict[str, Tensor]:
    """The smaller mapping network: `dim` to `prefix` positions of `WIDTH`."""
    half = prefix * WIDTH // 2
    return {
        **pair(f"{project}.model.0", half, dim),
        **pair(f"{project}.model.2", prefix * WIDTH, half),
    }


def gpt2_tensors(vocabulary: int, blocks: int = 2) -> dict[str, Any]:
    """GPT-2 as it lies in such files, with the masks of old releases of transformers."""
    config = GPT2Config(
        vocab_size=vocabulary,
        n_positions=POSITIONS,
        n_embd=WIDTH,
        n_layer=blocks,
        n_head=1,
        initializer_range=0.3,
    )
    gpt = GPT2LMHeadModel(config)
    tensors = {f"gpt.{name}": tensor for name, tensor in gpt.state_dict().items()}
    for block in range(blocks):
        place = f"gpt.transformer.h.{block}.attn"
        mask = torch.ones(POSITIONS, POSITIONS, dtype=torch.uint8).tril()
        tensors |= {f"{place}.bias": mask[None, None], f"{place}.masked_bias": torch.tensor(-1e4)}
    return tensors

"""GPT-2 folders as the hub lays them out, with random weights and words learnt from captions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from aacbench_nac.words import END_OF_TEXT

WIDTH = 64
POSITIONS = 128


def make_gpt2(folder: Path, captions: Sequence[str], seed: int = 0, words: int = 400) -> Path:
    """Fill `folder` with a GPT-2 of two layers of `WIDTH` and a byte-level tokenizer."""
    learnt = ByteLevelBPETokenizer()
    learnt.train_from_iterator(captions, words, special_tokens=[END_OF_TEXT], show_progress=False)
    learnt.save_model(str(folder))
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=learnt.get_vocab_size(),
        n_positions=POSITIONS,
        n_embd=WIDTH,
        n_layer=2,
        n_head=4,
        initializer_range=0.3,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def expression(weights: Path, gpt2: Path | None, **more: Any) -> str:
    """`nac:paper` with these weights, clap:mini's ears and short captions."""
    inside = {"weights": weights, "encoder": "clap:mini", "max_tokens": 12, **more}
    if gpt2 is not None:
        inside["language_model"] = gpt2
    return "nac:paper@clotho(" + ", ".join(f"{k}={v}" for k, v in inside.items()) + ")"

"""What is under the mapping network: a small GPT-2 made from nothing, or a language model that was
found on this machine and is known again.

A mapping network that was trained over a frozen language model is worth nothing over another, so
its file records which one it was, by the bytes of its tensors and of its words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from aacbench import language_models
from aacbench.errors import BadData, BadOption
from aacbench.language_models import ModelWords, find_folder, read_model
from aacbench_nac.options import NacArchitecture, NacOptions
from aacbench_nac.words import CaptionTokenizer, Gpt2Tokenizer, Words

SETTINGS = (
    "vocab_size",
    "n_positions",
    "n_embd",
    "n_layer",
    "n_head",
    "n_inner",
    "activation_function",
    "layer_norm_epsilon",
    "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx",
    "reorder_and_upcast_attn",
)
"""What of a `GPT2Config` decides what the same tensors compute."""


def small(shape: NacArchitecture, vocabulary: int, dropout: float) -> GPT2LMHeadModel:
    """A language model with nothing learnt yet."""
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary,
            n_positions=shape.positions,
            n_embd=shape.width,
            n_layer=shape.layers,
            n_head=shape.heads,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


def is_gpt2(folder: Path) -> bool:
    """Whether a folder holds GPT-2, whose words are read as its authors' code reads them."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return bool(config["model_type"] == "gpt2")
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise BadData(
            f"{folder} holds no language model: its config.json cannot be read ({reason}).",
            "Give a folder with config.json and model.safetensors, as transformers writes it.",
        ) from reason


def read_folder(folder: Path, dropout: float = 0.0) -> Any:
    """A causal language model as transformers stores it, in float32; `dropout` is GPT-2's alone."""
    model = read_model(folder)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
    return model.requires_grad_(True)


def settings_of(model: GPT2LMHeadModel) -> dict[str, Any]:
    """Enough of its configuration to build it again."""
    return {name: getattr(model.config, name) for name in SETTINGS}


def identity(model: GPT2LMHeadModel) -> str:
    """The sha256 of its settings and of its tensors as float32; the files' format plays no part."""
    digest = hashlib.sha256(json.dumps(settings_of(model), sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        if name != "lm_head.weight":  # the same tensor as the embedding
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().data)
    return digest.hexdigest()


def read_words(folder: Path, end: str) -> Gpt2Tokenizer | ModelWords:
    """The words of a folder: GPT-2's as its authors' code reads them, others by transformers."""
    return Gpt2Tokenizer.read(folder, end) if is_gpt2(folder) else ModelWords.read(folder, end)


def record(
    model: Any, words: Gpt2Tokenizer | ModelWords, end: str, borrowed: bool
) -> dict[str, Any]:
    """What a weights file says of the language model below it; `borrowed`: it is not inside."""
    told = {"tokenizer": words.identity, "end": end}
    if isinstance(words, ModelWords):
        return {**told, "settings": None, "weights": language_models.identity(model)}
    weights = identity(model) if borrowed else None
    return {**told, "settings": settings_of(model), "weights": weights}


def recall(config: Mapping[str, Any], options: NacOptions, path: Path) -> tuple[Words, Any | None]:
    """The words of a weights file, and its language model unless that is a small one of its own.

    Where the file at `path` holds the tensors, the model is returned empty, to be filled.
    """
    below = config.get("language_model")
    if below is None:
        return CaptionTokenizer.unpacked(config["tokenizer"]), None
    if options.language_model is None:
        what = "the language model and its words" if below["weights"] else "the words"
        raise BadOption(
            f"{path} does not hold {what} that it was trained with.",
            f'Name their folder: "nac:paper(weights={path}, language_model=FOLDER)"',
        )
    folder = find_folder(options.language_model)
    words = read_words(folder, options.end or below["end"])
    _same("tokenizer", below["tokenizer"], words.identity, folder, path)
    if below["weights"] is None:
        model = GPT2LMHeadModel(GPT2Config(**below["settings"]))
    else:
        model = read_folder(folder)
        known = language_models.identity if below["settings"] is None else identity
        _same("language model", below["weights"], known(model), folder, path)
    fitting(words, model, folder)
    return words, model


def fitting(words: Gpt2Tokenizer | ModelWords, model: Any, folder: Path) -> None:
    """Refuse words that the model has no row for."""
    rows = model.config.vocab_size
    if words.size > rows or words.end >= rows:
        raise BadData(
            f"The tokenizer in {folder} has {words.size} words, its language model {rows}.",
            "Put the tokenizer and the language model of one release there.",
        )


def _same(what: str, wanted: str | None, found: str, folder: Path, path: Path) -> None:
    if wanted is not None and found != wanted:
        raise BadData(
            f"{folder} holds another {what} than {path} was trained with: its sha256 is "
            f"{found[:16]}, not {wanted[:16]}.",
            "Give the folder it was trained with: language_model=FOLDER",
        )

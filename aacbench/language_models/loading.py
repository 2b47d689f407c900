"""A language model read from its folder: frozen, in evaluation mode, with its words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers.utils import logging

from aacbench.errors import BadData
from aacbench.language_models.finding import find_folder
from aacbench.language_models.words import ModelWords

DECIDING = (
    "model_type",
    "hidden_act",
    "activation_function",
    "rms_norm_eps",
    "layer_norm_epsilon",
    "rope_parameters",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "tie_word_embeddings",
)
"""What of a configuration decides what the same tensors compute, as far as a model has it."""


@dataclass(frozen=True)
class LanguageModel:
    """A causal language model of transformers and its words; nothing of it learns.

    `name` is as it was asked for, `folder` where it was found.
    """

    name: str
    folder: Path
    model: Any
    words: ModelWords

    @property
    def width(self) -> int:
        """How many numbers an input embedding has."""
        return int(self.model.get_input_embeddings().embedding_dim)

    @property
    def positions(self) -> int:
        """The longest text that it reads, in tokens."""
        return int(self.model.config.max_position_embeddings)

    @cached_property
    def identity(self) -> str:
        """Tells one language model from another: `identity` of its tensors."""
        return identity(self.model)

    def embed(self, tokens: Tensor) -> Tensor:
        """(..., length) token numbers to (..., length, width) input embeddings."""
        embedded: Tensor = self.model.get_input_embeddings()(tokens)
        return embedded


def load(
    named: str | Path, device: str = "cpu", dtype: str = "float32", end: str | None = None
) -> LanguageModel:
    """The language model of a name, a folder, or the hub's cache; `end` as in `ModelWords`.

    Raises `MissingAsset` where it is nowhere on this machine, and `BadData` for what cannot be
    read as a causal language model.
    """
    folder = find_folder(named)
    model = read_model(folder, dtype).to(device)
    words = ModelWords.read(folder, end)
    rows = model.get_input_embeddings().num_embeddings
    if words.size > rows or words.end >= rows:
        raise BadData(
            f"The tokenizer in {folder} has {words.size} words, its language model {rows}.",
            "Put the tokenizer and the language model of one release there.",
        )
    return LanguageModel(str(named), folder, model, words)


def read_model(folder: Path, dtype: str = "float32") -> Any:
    """A causal language model as transformers stores it, frozen and in evaluation mode."""
    from transformers import AutoModelForCausalLM

    try:
        with no_progress_bar():
            model, report = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                local_files_only=True,
                output_loading_info=True,
            )
    except (OSError, ValueError, KeyError) as reason:
        raise BadData(
            f"{folder} holds no causal language model: {reason}",
            "Give a folder with config.json and weights, as transformers writes it.",
        ) from reason
    if report["missing_keys"] or report["mismatched_keys"]:
        wrong = sorted(map(str, (*report["missing_keys"], *report["mismatched_keys"])))
        raise BadData(f"{folder} lacks tensors: {', '.join(wrong[:5])}.", "Fetch it anew.")
    return model.eval().requires_grad_(False)


def identity(model: Any) -> str:
    """The sha256 of what decides its computations and of its tensors as float32, whatever the
    files' format and type were; a tied head counts once."""
    config = {name: getattr(model.config, name, None) for name in DECIDING}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    for name, tensor in sorted(model.state_dict().items()):
        if not (tied and name == "lm_head.weight"):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().data)
    return digest.hexdigest()


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """transformers draws one for every model that it reads or writes."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()

"""The language model: made small from nothing, or read from a folder and known again; and what of
it is tuned (IA3 on chosen modules, and its head).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import LlamaConfig, LlamaForCausalLM

from aacbench.errors import BadOption
from aacbench.language_models import read_model
from aacbench_p2p.raft.options import RaftArchitecture

POSITIONS = 1024
IA3 = ".ia3_l."


def small(shape: RaftArchitecture, vocabulary: int, dropout: float) -> LlamaForCausalLM:
    """A language model of Vicuna's kind with nothing learnt yet.

    Its positions are rotations, which tell how far apart two tokens are: ten examples can then be
    read after training with five, where a table of learnt positions would have blank rows.
    """
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=POSITIONS,
        attention_dropout=dropout,
        tie_word_embeddings=True,
        pad_token_id=None,
        bos_token_id=0,
        eos_token_id=0,
    )
    return LlamaForCausalLM(config)


def read_folder(folder: Path, dtype: str) -> Any:
    """A causal language model as transformers stores it, all of it ready to learn."""
    return read_model(folder, dtype).requires_grad_(True)


def identity(model: nn.Module) -> str:
    """Tells one language model from another: the sha256 of every tensor's name, shape and first
    numbers, rounded as bfloat16 does, in whatever type they were read. All of a model of 7 billion
    weights would take minutes at every start."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        first = tensor.flatten()[:64].to("cpu", torch.bfloat16).float().numpy()
        digest.update(f"{name} {tuple(tensor.shape)} ".encode() + first.tobytes())
    return digest.hexdigest()


def adapt(model: nn.Module, shape: RaftArchitecture) -> None:
    """Put IA3's scales, all ones, on the modules named in `shape`; the rest no longer learns."""
    from peft import IA3Config, inject_adapter_in_model

    model.requires_grad_(False)
    config = IA3Config(
        target_modules=list(shape.adapted), feedforward_modules=list(shape.feedforward)
    )
    try:
        inject_adapter_in_model(config, model)
    except ValueError as reason:
        raise BadOption(
            f"IA3 finds none of {', '.join(shape.adapted)} in this language model.",
            "Name modules that it has: --adapted '[\"NAME\"]' --feedforward '[\"NAME\"]'",
        ) from reason


def own_head(model: Any) -> nn.Module:
    """The head as weights of its own, no longer those of the input embedding."""
    head: nn.Module = model.get_output_embeddings()
    if head.weight is model.get_input_embeddings().weight:
        head.weight = nn.Parameter(head.weight.detach().clone())
        model.config.tie_word_embeddings = False
    return head


class Slowly(nn.Module):
    """A weight as ``start + share * moved``, of which only `moved` learns.

    Adam's step does not depend on the size of a gradient, so a weight that is written so moves by
    `share` of the learning rate (section 4.1), in the one optimizer that there is.
    """

    def __init__(self, start: Tensor, share: float) -> None:
        super().__init__()
        self.register_buffer("start", start.detach().clone())
        self.share = share

    def forward(self, moved: Tensor) -> Tensor:
        return self.start + self.share * moved

    def right_inverse(self, weight: Tensor) -> Tensor:
        return (weight - self.start) / self.share


def slow_down(module: nn.Module, share: float) -> None:
    """Let all weights of a module learn at a `share` of the rate."""
    for inner in list(module.modules()):
        for name, weight in list(inner.named_parameters(recurse=False)):
            parametrize.register_parametrization(inner, name, Slowly(weight, share))
            original = getattr(inner.parametrizations, name).original
            original.requires_grad_(True)


def settle(module: nn.Module) -> None:
    """Make weights that were slowed down plain ones again."""
    for inner in list(module.modules()):
        if parametrize.is_parametrized(inner):
            for name in list(inner.parametrizations):
                parametrize.remove_parametrizations(inner, name, leave_parametrized=True)

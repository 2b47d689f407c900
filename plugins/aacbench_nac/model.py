"""Paper 001's captioner: an embedding, mapped to a prefix that a causal language model continues.

The mapping network m of equation 2 is a linear layer to `prefix` positions, as many learnable
constants, and a transformer over both; the transformed constants are the prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel

from aacbench_nac.options import NacArchitecture


class Mapper(nn.Module):
    """(batch, dim) embeddings -> (batch, prefix, width) prefix vectors."""

    def __init__(self, shape: NacArchitecture, width: int, dropout: float) -> None:
        super().__init__()
        self.prefix = shape.prefix
        self.width = width
        self.linear = nn.Linear(shape.dim, shape.prefix * width)
        self.constant = nn.Parameter(torch.randn(shape.prefix, width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width,
            shape.heads,
            shape.mapper_ratio * width,
            dropout,
            activation="relu",
            batch_first=True,
            norm_first=True,
        )
        self.transformer = nn.TransformerEncoder(
            layer, shape.mapper_layers, enable_nested_tensor=False
        )

    def forward(self, embedding: Tensor) -> Tensor:
        heard = self.linear(embedding).view(-1, self.prefix, self.width)
        constant = self.constant.expand(len(heard), -1, -1)
        mixed = self.transformer(torch.cat([heard, constant], 1))  # (batch, 2 * prefix, width)
        return mixed[:, self.prefix :]


class NacModel(nn.Module):
    """The mapping network, the language model, and the adapter's matrix where there is one."""

    def __init__(
        self,
        shape: NacArchitecture,
        vocabulary: int,
        dropout: float = 0.0,
        language_model: Path | None = None,
    ) -> None:
        super().__init__()
        self.shape = shape
        if language_model is None:
            config = GPT2Config(
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
            self.language_model = GPT2LMHeadModel(config)
        else:
            self.language_model = GPT2LMHeadModel.from_pretrained(language_model)
        self.mapper = Mapper(shape, self.language_model.config.n_embd, dropout)

    def prefix(self, embedding: Tensor) -> Tensor:
        """Equation 2: (batch, dim) -> (batch, prefix, width)."""
        return self.mapper(embedding)

    def loss(self, embedding: Tensor, tokens: Tensor) -> Tensor:
        """Equation 4: mean cross-entropy of `tokens` (batch, length), padded with -100."""
        prefix = self.prefix(embedding)
        words = self.language_model.transformer.wte(tokens.clamp(min=0))
        inputs = torch.cat([prefix, words[:, :-1]], 1)
        logits = self.language_model(inputs_embeds=inputs).logits[:, self.shape.prefix - 1 :]
        return nn.functional.cross_entropy(
            logits.flatten(0, 1), tokens.flatten(), ignore_index=-100
        )

    def own_state(self) -> dict[str, Tensor]:
        """What has to be stored: tied and derived tensors left out."""
        return {
            name: tensor
            for name, tensor in self.state_dict().items()
            if not name.endswith("lm_head.weight")
        }

    def load_own_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Load what `own_state` gave; anything missing or left over is an error."""
        left = self.load_state_dict(dict(tensors), strict=False)
        missing = [name for name in left.missing_keys if not name.endswith("lm_head.weight")]
        if missing or left.unexpected_keys:
            raise ValueError(f"missing {missing}, unexpected {left.unexpected_keys}")
        self.language_model.tie_weights()


def architecture(config: Mapping[str, Any]) -> NacArchitecture:
    """The sizes recorded in a weights file."""
    return NacArchitecture(**config["architecture"])

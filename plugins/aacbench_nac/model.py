"""Deshmukh et al.'s captioner: an embedding, mapped to a prefix that a language model continues.

The mapping network m of equation 2 is a linear layer to `prefix` positions, as many learnable
constants, and a transformer over both; the transformed constants are the prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from aacbench_nac.language_model import small
from aacbench_nac.mlp_mapper import MlpMapper
from aacbench_nac.options import NacArchitecture

LANGUAGE_MODEL = "language_model."
HEAD = f"{LANGUAGE_MODEL}lm_head.weight"  # tied to the embedding


class Mapper(nn.Module):
    """(batch, dim) embeddings -> (batch, prefix, width) prefix vectors."""

    def __init__(self, shape: NacArchitecture, outer: int, dropout: float) -> None:
        super().__init__()
        width = shape.mapper_width or outer
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
        if not shape.mapper_bias:
            layer.self_attn.register_parameter("in_proj_bias", None)
        self.transformer = nn.TransformerEncoder(
            layer, shape.mapper_layers, enable_nested_tensor=False
        )
        self.widen: nn.Module | None = None
        if shape.mapper_width is not None:
            self.widen = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, outer))

    def forward(self, embedding: Tensor) -> Tensor:
        heard = self.linear(embedding).view(-1, self.prefix, self.width)
        constant = self.constant.expand(len(heard), -1, -1)
        mixed = self.transformer(torch.cat([heard, constant], 1))  # (batch, 2 * prefix, width)
        prefix = mixed[:, self.prefix :]
        return prefix if self.widen is None else self.widen(prefix)

    @torch.no_grad()
    def start_like(self, embedding: nn.Embedding) -> None:
        """Let the prefix begin as large as the words that it stands before: a frozen language
        model then reads it from the first step, which saves some hundred."""
        if self.widen is not None:
            size = float(embedding.weight.float().pow(2).mean().sqrt())
            nn.init.normal_(self.widen[1].weight, std=size / self.width**0.5)
            nn.init.zeros_(self.widen[1].bias)


def mapping_network(
    shape: NacArchitecture, embedding: nn.Embedding, dropout: float
) -> Mapper | MlpMapper:
    """The mapping network of that shape before a language model with these words."""
    if shape.mapper == "mlp":
        return MlpMapper(shape.dim, shape.prefix, embedding.embedding_dim)
    mapper = Mapper(shape, embedding.embedding_dim, dropout)
    mapper.start_like(embedding)
    return mapper


class NacModel(nn.Module):
    """The mapping network and the language model.

    `language_model` stands in for a small one made from `shape`. One that is `borrowed` is not
    part of what is stored.
    """

    def __init__(
        self,
        shape: NacArchitecture,
        vocabulary: int,
        dropout: float = 0.0,
        language_model: Any | None = None,
        borrowed: bool = False,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.borrowed = borrowed
        self.small = language_model is None
        self.language_model = language_model or small(shape, vocabulary, dropout)
        embedding = self.language_model.get_input_embeddings()
        self.mapper = mapping_network(shape, embedding, dropout)

    def prefix(self, embedding: Tensor) -> Tensor:
        """Equation 2: (batch, dim) -> (batch, prefix, width)."""
        return self.mapper(embedding)

    def loss(self, embedding: Tensor, tokens: Tensor) -> Tensor:
        """Equation 4: mean cross-entropy of `tokens` (batch, length), padded with -100."""
        prefix = self.prefix(embedding)
        words = self.language_model.get_input_embeddings()(tokens.clamp(min=0))
        inputs = torch.cat([prefix, words[:, :-1]], 1)
        length = tokens.shape[1]
        # Over GPT-2's vocabulary the scores of the prefix would take most of the memory. A small
        # model computes them all the same, so that its card's command still gives its bytes.
        keep = 0 if self.small else length
        logits = self.language_model(inputs_embeds=inputs, logits_to_keep=keep).logits[:, -length:]
        return nn.functional.cross_entropy(
            logits.flatten(0, 1), tokens.flatten(), ignore_index=-100
        )

    def own_state(self) -> dict[str, Tensor]:
        """What has to be stored: tied, derived and borrowed tensors left out."""
        return {name: tensor for name, tensor in self.state_dict().items() if self._owns(name)}

    def load_own_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Load what `own_state` gave; anything missing or left over is an error."""
        left = self.load_state_dict(dict(tensors), strict=False)
        missing = [name for name in left.missing_keys if self._owns(name)]
        if missing or left.unexpected_keys:
            raise ValueError(f"missing {missing}, unexpected {left.unexpected_keys}")
        self.language_model.tie_weights()

    def _owns(self, name: str) -> bool:
        return name != HEAD and not (self.borrowed and name.startswith(LANGUAGE_MODEL))


def architecture(config: Mapping[str, Any]) -> NacArchitecture:
    """The sizes recorded in a weights file."""
    return NacArchitecture(**config["architecture"])

"""ClipCap's smaller mapping network (Mokady et al., section 3.2), for a language model that learns
with it."""

from __future__ import annotations

from torch import Tensor, nn


class MlpMapper(nn.Module):
    """(batch, dim) embeddings -> (batch, prefix, width) prefix vectors: two linear layers with a
    tanh between them, half as wide as the prefix is long."""

    def __init__(self, dim: int, prefix: int, width: int) -> None:
        super().__init__()
        self.prefix = prefix
        self.width = width
        self.hidden = nn.Linear(dim, prefix * width // 2)
        self.out = nn.Linear(prefix * width // 2, prefix * width)

    def forward(self, embedding: Tensor) -> Tensor:
        prefix: Tensor = self.out(self.hidden(embedding).tanh())
        return prefix.view(-1, self.prefix, self.width)

"""Terms of a guide's loss that are worth a gradient of their own: the vocabulary is long."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Divergence(torch.autograd.Function):
    """Sum of p (log p - log q), p being given by its logarithm; with gradients for p alone."""

    @staticmethod
    def forward(ctx: Any, log_p: Tensor, log_q: Tensor) -> Tensor:
        chance = log_p.exp()
        # A word that cannot be said at all has minus infinity in both, and costs nothing.
        each = (log_p - log_q).nan_to_num_(0.0).mul_(chance)
        ctx.save_for_backward(chance, each)
        return each.sum(-1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        chance, each = ctx.saved_tensors
        return (chance + each).mul_(gradients[0][..., None]), None


def divergence(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Kullback and Leibler's divergence of p from q, (rows,), of (rows, vocabulary) logarithms;
    differentiable in `log_p`, once."""
    found: Tensor = _Divergence.apply(log_p, log_q)
    return found


def cross_entropy(log_p: Tensor, log_q: Tensor) -> Tensor:
    """-sum of q log p, (rows,), of (rows, vocabulary) logarithms; words that cannot be said count
    for nothing."""
    return -(log_q.exp() * log_p.masked_fill(log_q == -torch.inf, 0.0)).sum(-1)

"""A guide's loss: one for every row, that row's own, with a gradient. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from aacbench.decoding import Prediction, Steering
from aacbench.testing.rules import calling, expect, shown
from aacbench.types import Guide

PREFIXES = ("a dog", "a red car", "someone walks", "birds sing")
WORDS = ("and", "barks", "on", "a", "red", "sunny", "day", "loudly", "rain", "quietly")
LOSS = "loss(prediction) gives a tensor with one value a row; see aacbench.types.Guide."
TOLERANCE = 1e-4


class _Words:
    """A tokenizer of a few words; the first token ends a caption."""

    end = 0

    def __init__(self) -> None:
        self.words = ["", *dict.fromkeys([*" ".join(PREFIXES).split(), *WORDS])]
        self.size = len(self.words)

    def encode(self, text: str) -> list[int]:
        return [self.words.index(word) for word in text.split()]

    def decode(self, tokens: Sequence[int]) -> str:
        return " ".join(self.words[token] for token in tokens)


def check_losses(part: str, guide: Guide) -> None:
    """Check `steering`, and `loss` at two steps, on rows together and alone."""
    expect(
        isinstance(getattr(guide, "steering", None), Steering),
        part,
        f"steering is {shown(getattr(guide, 'steering', None))}",
        "Give it an aacbench.decoding.Steering: how the cache is moved.",
    )
    rows = range(len(PREFIXES))
    together = [_loss(part, guide, rows, step) for step in (0, 1)]
    for row in rows:
        alone = [_loss(part, guide, [row], step) for step in (0, 1)]
        for one, all_rows in zip(alone, together, strict=True):
            expect(
                torch.allclose(one[0], all_rows[row], rtol=TOLERANCE, atol=TOLERANCE),
                part,
                f"the loss of a row is {float(one[0]):.5f} alone and {float(all_rows[row]):.5f} "
                "beside others",
                "A row's loss may depend on that row alone.",
            )


def _loss(part: str, guide: Guide, rows: Sequence[int], step: int) -> Tensor:
    tokenizer = _Words()
    everywhere = torch.Generator().manual_seed(step)
    scores = torch.randn(len(PREFIXES), tokenizer.size, generator=everywhere)[list(rows)]
    scores.requires_grad_()
    prefixes = [tuple(tokenizer.encode(PREFIXES[row])) for row in rows]

    def complete(several: Sequence[tuple[int, int]], length: int) -> list[str]:
        """A captioner that has nothing to add."""
        return [tokenizer.decode([*prefixes[row], token]) for row, token in several]

    prediction = Prediction(
        scores.log_softmax(-1),
        scores.detach().roll(1, -1).log_softmax(-1),
        prefixes,
        0,
        tokenizer,
        {},
        complete,
    )
    with calling(part, "loss(prediction)", LOSS), torch.enable_grad():
        given: Any = guide.loss(prediction)
    loss = given if isinstance(given, Tensor) else torch.zeros(())
    expect(
        loss.shape == (len(rows),),
        part,
        f"loss gives {shown(tuple(getattr(given, 'shape', ())))} for {len(rows)} rows",
        LOSS,
    )
    expect(bool(torch.isfinite(loss).all()), part, "loss gives NaN or infinity", LOSS)
    expect(
        loss.requires_grad,
        part,
        "loss carries no gradient",
        "Build it from prediction.log_probabilities, without detach().",
    )
    (gradient,) = torch.autograd.grad(loss.sum(), scores)
    expect(bool(torch.isfinite(gradient).all()), part, "the loss's gradient is NaN", LOSS)
    return loss.detach()

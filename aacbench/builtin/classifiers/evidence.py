"""Evidence for and against a label, word by word: how `mini` reads a sentence.

Two short convolutions look at a few neighbouring words at a time. Every place then speaks for and
against the positive label, and the strongest voice on either side counts, besides what the whole
says on average. So one phrase that cannot be heard ("in a red coat") pulls down a caption that is
otherwise fine, however long it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """`width` of the pieces' vectors and `run_width` of the runs' (`buckets` of them); `hidden` of
    the convolutions; `dropout` while learning."""

    width: int = 48
    run_width: int = 16
    buckets: int = 8192
    hidden: int = 48
    dropout: float = 0.2


class Evidence(nn.Module):
    """From word vectors to one log odds a text; the first convolution is done word by word, so
    that its products can be kept (`project`) and only added up where words meet (`forward`)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.hidden = shape.hidden
        self.dropout = nn.Dropout(shape.dropout)
        self.first = nn.Linear(shape.width + shape.run_width, 3 * shape.hidden, bias=False)
        self.first_bias = nn.Parameter(torch.zeros(shape.hidden))
        self.second = nn.Linear(3 * shape.hidden, shape.hidden)
        self.voices = nn.Linear(shape.hidden, 2)
        self.whole = nn.Linear(shape.hidden, 1)

    def project(self, vectors: Tensor) -> Tensor:
        """(words, width) to (words, 3 * hidden): what each word gives to the place after it, to
        its own, and to the place before it."""
        products: Tensor = self.first(self.dropout(vectors))
        return products

    def forward(self, projected: Tensor, real: Tensor) -> Tensor:
        """(batch, length, 3 * hidden), zero where `real` (batch, length) is not, to (batch,)."""
        mask = real[..., None].to(projected.dtype)
        states = self.dropout(bend(self.around(projected)) * mask)
        states = states + self.dropout(bend(self.second(with_neighbours(states))) * mask)
        voices = self.voices(states).masked_fill(mask == 0, -torch.inf)  # (batch, length, 2)
        return self.verdict(voices, states.sum(1) / mask.sum(1).clamp(min=1))

    def around(self, projected: Tensor) -> Tensor:
        """(batch, length, 3 * hidden) to (batch, length, hidden): the first convolution's sums."""
        before, here, after = projected.tensor_split(3, 2)
        sums = nn.functional.pad(before, (0, 0, 1, 0))[:, :-1]
        return sums + here + nn.functional.pad(after, (0, 0, 0, 1))[:, 1:] + self.first_bias

    def verdict(self, voices: Tensor, mean: Tensor) -> Tensor:
        """(batch,) log odds from the places' voices, (batch, length, 2), minus infinity where there
        is no word, and their mean state, (batch, hidden)."""
        weights = voices.softmax(1).nan_to_num()
        strongest = (weights * voices.masked_fill(weights == 0, 0.0)).sum(1)
        total: Tensor = strongest[:, 0] - strongest[:, 1] + self.whole(mean)[:, 0]
        return total


def bend(states: Tensor) -> Tensor:
    return nn.functional.gelu(states, approximate="tanh")


def with_neighbours(states: Tensor) -> Tensor:
    """(batch, length, 3 * hidden): each place beside the one before and the one after it."""
    padded = nn.functional.pad(states, (0, 0, 1, 1))
    return torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], 2)


def in_rows(lists: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """(lists, longest) numbers, 0 where a list has ended, and (lists, longest) where it has not;
    at least one column."""
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    real = np.arange(max(1, int(lengths.max(initial=1)))) < lengths[:, None]
    numbers = np.zeros(real.shape, np.int64)
    numbers[real] = np.fromiter((n for one in lists for n in one), np.int64, int(lengths.sum()))
    return torch.from_numpy(numbers), torch.from_numpy(real)


def bags(lists: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Numbers one after the other and where each list begins, as `embedding_bag` wants them."""
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    flat = np.fromiter((n for one in lists for n in one), np.int64, int(lengths.sum()))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lists) else lengths
    return torch.from_numpy(flat), torch.from_numpy(starts.astype(np.int64))

"""Teaches `mini`: one reader from whole sentences, the other from what was made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from aacbench import training
from aacbench.builtin.classifiers import mini
from aacbench.builtin.classifiers.augmentation import Author, Mixture, mixture_of
from aacbench.builtin.classifiers.evidence import Shape
from aacbench.builtin.classifiers.options import ClassifierTrainOptions
from aacbench.builtin.classifiers.pieces import Pieces
from aacbench.builtin.classifiers.sentences import Sentences
from aacbench.builtin.classifiers.static import piece_vectors, reduced
from aacbench.builtin.classifiers.train import Learnt, doubted

if TYPE_CHECKING:
    from aacbench.specs import Context

STEPS, BATCH, RATE, WARMUP = 700, 128, 4e-3, 50
Batch = tuple[list[str], Tensor]


def learn(
    sentences: Sentences, options: ClassifierTrainOptions, context: Context, out: Path
) -> Learnt:
    """The network's tensors after `options.steps` steps, checkpointed in `out`."""
    shape = Shape()
    vocabulary, states = piece_vectors()
    table, scale = reduced(states, shape.width)
    stored_scale = scale.half()  # as the file will have it
    training.seed_everything(options.seed)
    vectors = table.float() * stored_scale.float()
    network = mini.MiniNetwork(shape, Pieces(vocabulary), vectors)
    settings = training.FitSettings(
        options.steps or STEPS,
        options.learning_rate or RATE,
        warmup=min(WARMUP, (options.steps or STEPS) // 4),
        weight_decay=options.weight_decay,
        seed=options.seed,
    )
    draw = draws(sentences, options)
    training.fit(network, draw, loss, settings, out, report=context.report, device=context.device)
    tensors = mini.stored(network.cpu(), table, stored_scale)
    return Learnt(tensors, mini.config_of(shape), mini.READERS)


def draws(
    sentences: Sentences, options: ClassifierTrainOptions
) -> Callable[[int], tuple[Batch, ...]]:
    """`draw(step)`: a batch for either reader; the first sees nothing that was put together."""
    authors = (
        Author(sentences, Mixture(options.beginning, 0.0, 0.0, 0.0)),
        Author(sentences, mixture_of(options)),
    )
    size = options.batch_size or BATCH

    def draw(step: int) -> tuple[Batch, ...]:
        written = (
            author.write(np.random.default_rng([options.seed, step, number]), size)
            for number, author in enumerate(authors)
        )
        return tuple(
            (texts, doubted(np.array(kinds), options.smoothing)) for texts, kinds in written
        )

    return draw


def loss(model: nn.Module, batch: tuple[Batch, ...]) -> Tensor:
    """The sum of both readers' cross-entropies."""
    assert isinstance(model, mini.MiniNetwork)
    total = torch.zeros(())
    for reader, (texts, kinds) in enumerate(batch):
        read = model.read(reader, texts)
        total = total.to(read.device) + nn.functional.binary_cross_entropy_with_logits(
            read, kinds.to(read.device)
        )
    return total

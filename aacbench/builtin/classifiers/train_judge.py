"""Teaches `judge`: one reader from E5's vectors of whole sentences, one from words alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from aacbench import training
from aacbench.builtin import e5
from aacbench.builtin.classifiers import judge
from aacbench.builtin.classifiers.augmentation import Author, mixture_of
from aacbench.builtin.classifiers.options import ClassifierTrainOptions
from aacbench.builtin.classifiers.sentences import Sentences
from aacbench.builtin.classifiers.train import Learnt, doubted

if TYPE_CHECKING:
    from aacbench.specs import Context

STEPS, BATCH, RATE, WARMUP = 1000, 128, 1e-2, 50


@dataclass(frozen=True)
class Batch:
    """`vectors` (batch, 384) of sentences of `kinds`; `texts` of `text_kinds`; kinds are 1 or 0."""

    vectors: Tensor
    kinds: Tensor
    texts: list[str]
    text_kinds: Tensor


def learn(
    sentences: Sentences, options: ClassifierTrainOptions, context: Context, out: Path
) -> Learnt:
    """The network's tensors after `options.steps` steps, checkpointed in `out`."""
    vectors = torch.from_numpy(judge.sentence_vectors(e5.kept(), sentences.texts))
    training.seed_everything(options.seed)
    shape = judge.Shape()
    network = judge.JudgeNetwork(shape, vectors.mean(0))
    steps = options.steps or STEPS
    settings = training.FitSettings(
        steps,
        options.learning_rate or RATE,
        warmup=min(WARMUP, steps // 4),
        weight_decay=options.weight_decay,
        seed=options.seed,
    )
    draw = draws(sentences, vectors, options)
    training.fit(network, draw, loss, settings, out, report=context.report, device=context.device)
    return Learnt(network.cpu().state_dict(), judge.config_of(shape), 2)


def draws(
    sentences: Sentences, vectors: Tensor, options: ClassifierTrainOptions
) -> Callable[[int], Batch]:
    """`draw(step)`: whole sentences for the one reader, made-up texts for the other."""
    author = Author(sentences, mixture_of(options))
    kinds = doubted(sentences.positive, options.smoothing)
    sides = [np.flatnonzero(sentences.positive == side) for side in (True, False)]
    size = options.batch_size or BATCH

    def draw(step: int) -> Batch:
        rng = np.random.default_rng([options.seed, step])
        chosen = np.concatenate([rng.choice(side, size) for side in sides])
        texts, text_kinds = author.write(rng, size)
        return Batch(
            vectors[chosen], kinds[chosen], texts, doubted(np.array(text_kinds), options.smoothing)
        )

    return draw


def loss(model: nn.Module, batch: Batch) -> Tensor:
    """The sum of both readers' cross-entropies."""
    assert isinstance(model, judge.JudgeNetwork)
    entropy = nn.functional.binary_cross_entropy_with_logits
    device = model.bias.device
    by_vector = entropy(model.read_vectors(batch.vectors.to(device)), batch.kinds.to(device))
    return by_vector + entropy(model.read_words(batch.texts), batch.text_kinds.to(device))

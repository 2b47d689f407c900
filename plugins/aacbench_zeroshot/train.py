"""Training of the small language model that `mini` speaks with: on captions alone, no sound."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from aacbench.specs import Context
from aacbench.training import FitSettings, fit, forget, save_weights, seed_everything, train_parts
from aacbench_zeroshot.options import TrainOptions
from aacbench_zeroshot.small import HEAD, SmallWords, make_small

SIZES = ("width", "heads", "layers", "positions")
NOT_LEARNT = -100


def train(options: TrainOptions, context: Context, out: Path) -> Mapping[str, Any]:
    """Train into `out`: ``zeroshot.safetensors``, and figures for its card."""
    captions = gather(options, context)
    words = SmallWords.learn([options.prompt, *captions], options.vocabulary)
    sizes = {name: getattr(options, name) for name in SIZES} | {"vocabulary": words.size}
    seed_everything(options.seed)
    model = make_small(sizes, options.dropout)
    lesson = Lesson(captions, words, options)
    began = time.monotonic()
    report = fit(
        model,
        lesson.draw,
        _loss,
        FitSettings(
            options.steps,
            options.learning_rate,
            options.warmup,
            options.weight_decay,
            seed=options.seed,
            checkpoint_every=options.checkpoint_every,
        ),
        out,
        report=context.report,
        device=context.device,
    )
    tensors = {name: tensor for name, tensor in model.state_dict().items() if name != HEAD}
    training = options.model_dump(mode="json", exclude={"checkpoint_every"})
    config = {"model": "zeroshot", "sizes": sizes, "words": words.written(), "training": training}
    digest = save_weights(tensors, out / "zeroshot.safetensors", config)
    forget(out)
    return {
        "sha256": digest,
        "captions": len(captions),
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": report.steps,
        "losses": report.losses,
        "seconds": time.monotonic() - began,
    }


def gather(options: TrainOptions, context: Context) -> list[str]:
    """All captions of the data sets' training parts."""
    return [
        caption
        for _, dataset, split in train_parts(context, options.captions)
        for annotation in list(dataset.annotations(split).values())[: options.limit]
        for caption in annotation.references
    ]


class Lesson:
    """Batches by step: an end, the prompt, a caption and an end; the captions are learnt."""

    def __init__(self, captions: Sequence[str], words: SmallWords, options: TrainOptions) -> None:
        self.before = [words.end, *words.encode(options.prompt)]
        room = options.positions - len(self.before) - 1
        self.tokens = [[*words.encode(caption)[:room], words.end] for caption in captions]
        self.options = options

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Tokens and what is to be learnt of them, both (batch, length)."""
        random = np.random.default_rng([self.options.seed, step])
        chosen = random.integers(len(self.tokens), size=self.options.batch_size)
        said = [self.tokens[number] for number in chosen]
        longest = max(map(len, said))
        read = [[*self.before, *one, *[0] * (longest - len(one))] for one in said]
        skipped = [NOT_LEARNT] * len(self.before)
        learnt = [[*skipped, *one, *[NOT_LEARNT] * (longest - len(one))] for one in said]
        return torch.tensor(read), torch.tensor(learnt)


def _loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    device = next(model.parameters()).device
    read, learnt = (part.to(device) for part in batch)
    logits = model(input_ids=read).logits[:, :-1]  # (batch, length - 1, vocabulary)
    return nn.functional.cross_entropy(
        logits.flatten(0, 1), learnt[:, 1:].flatten(), ignore_index=NOT_LEARNT
    )

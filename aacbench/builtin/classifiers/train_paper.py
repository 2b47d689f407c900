"""Fine-tunes a transformer as Shaulov et al., section IV: AdamW, batches of 64, rate 3e-4, 40
epochs, a tenth of the rate after every 10."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aacbench import training
from aacbench.assets import sha256_of
from aacbench.builtin.classifiers import card
from aacbench.builtin.classifiers.options import ClassifierTrainOptions
from aacbench.builtin.classifiers.paper import load_folder, tokens
from aacbench.builtin.classifiers.train import Lesson
from aacbench.errors import MissingAsset

if TYPE_CHECKING:
    from aacbench.specs import Context

FOLDER = "classifier-paper"
BATCH, RATE = 64, 3e-4
DECAYS = 4  # stages of equal length, each with a tenth of the rate before
Batch = tuple[dict[str, Tensor], Tensor]


@dataclass(frozen=True)
class StepwiseSettings(training.FitSettings):
    """The rate falls to a tenth after every `stage` steps."""

    stage: int = 1

    def rate_at(self, step: int) -> float:
        """The learning rate's factor at `step` (0-based)."""
        return float(0.1 ** (step // self.stage))


def train_paper(
    lesson: Lesson, options: ClassifierTrainOptions, context: Context, out: Path
) -> dict[str, Any]:
    """Fine-tune ``options.base``; writes a folder in the hub's layout, and a card."""
    training.seed_everything(options.seed)
    model, tokenizer = _read(options)
    size = options.batch_size or BATCH
    per_epoch = -(-len(lesson.learning) // size)
    steps = options.steps or options.epochs * per_epoch
    settings = StepwiseSettings(
        steps,
        options.learning_rate or RATE,
        weight_decay=options.weight_decay,
        seed=options.seed,
        checkpoint_every=per_epoch,
        stage=max(1, steps // DECAYS),
    )
    draw = draws(lesson, tokenizer, options, size)
    training.fit(model, draw, loss, settings, out, report=context.report, device=context.device)
    folder = out / FOLDER
    model.cpu().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    measured = load_folder(folder, options.labels, context.device)
    report = card.Report.of(measured, options.labels[0], lesson.held_out)
    digest = sha256_of(folder / "model.safetensors")
    card.write(folder, digest, options, lesson, report)
    training.forget(out)
    return {"weights": str(folder), "sha256": digest, **report.figures()}


def _read(options: ClassifierTrainOptions) -> tuple[Any, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        model = AutoModelForSequenceClassification.from_pretrained(
            options.base,
            local_files_only=True,
            num_labels=2,
            id2label=dict(enumerate(options.labels)),
            label2id={label: number for number, label in enumerate(options.labels)},
        )
        return model, AutoTokenizer.from_pretrained(options.base, local_files_only=True)
    except (OSError, ValueError) as error:
        raise MissingAsset(
            f"{options.base} holds no transformer: {str(error).splitlines()[0]}",
            "--base names a folder with config.json, model.safetensors and the tokenizer, such as "
            "a copy of huggingface.co/distilbert/distilbert-base-uncased",
        ) from error


def draws(
    lesson: Lesson, tokenizer: Any, options: ClassifierTrainOptions, size: int
) -> Callable[[int], Batch]:
    """`draw(step)`: whole sentences, all of them once an epoch, in an order of that epoch."""
    learning = lesson.learning
    kinds = np.where(learning.positive, 0, 1)  # the positive label is the first
    per_epoch = -(-len(learning) // size)

    def draw(step: int) -> Batch:
        epoch, place = divmod(step, per_epoch)
        order = np.random.default_rng([options.seed, epoch]).permutation(len(learning))
        chosen = order[place * size : (place + 1) * size]
        batch = tokens(tokenizer, [learning.texts[i] for i in chosen], options.longest)
        return batch, torch.from_numpy(kinds[chosen])

    return draw


def loss(model: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy of the two kinds."""
    given, kinds = batch
    device = next(model.parameters()).device
    logits = model(**{name: tensor.to(device) for name, tensor in given.items()}).logits
    return nn.functional.cross_entropy(logits, kinds.to(device))

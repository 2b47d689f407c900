"""Training in two stages: alignment, then fine-tuning with examples (Choi et al., section 3.2).

Nothing here looks at a validation or test split.
"""

from __future__ import annotations

import copy
import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from aacbench.errors import BadData, BadOption
from aacbench.language_models import find_folder
from aacbench.specs import Context
from aacbench.training import FitSettings, fit, save_weights, seed_everything
from aacbench_p2p.raft.batches import Batch, Batches, Stage
from aacbench_p2p.raft.card import card
from aacbench_p2p.raft.hearing import Hearing, Windows, width_of
from aacbench_p2p.raft.language_model import (
    identity,
    read_folder,
    settle,
    slow_down,
)
from aacbench_p2p.raft.lesson import Lesson, gather
from aacbench_p2p.raft.model import RaftModel
from aacbench_p2p.raft.options import RaftArchitecture, RaftTrainOptions
from aacbench_p2p.raft.words import LearntWords, ModelWords, Words

WEIGHTS = "raft.safetensors"
NOT_IN_WEIGHTS = {"checkpoint_every", "language_model", "preset"}
"""Options that change no byte of the weights, or hold a path of this machine."""


def train(options: RaftTrainOptions, context: Context, out: Path) -> Mapping[str, Any]:
    """Train `raft` into `out`: ``raft.safetensors`` and ``raft.md``, its card."""
    if options.language_model is not None:
        find_folder(options.language_model)  # refused now rather than after the embedding
    encoder = context.build("encoders", options.encoder)
    width = width_of(encoder, options.encoder, options.hears)
    options = options.model_copy(update={"dim": width})
    hearing = Hearing(encoder, options.encoder, options)
    if options.tune_encoder and not hasattr(encoder, "ears"):
        raise BadOption(
            f"'{options.encoder}' cannot learn here.",
            "Leave its weights alone: --tune-encoder false",
        )
    refuse_others(options, out)
    small = options.language_model is None
    aligned, tuned = _lessons(options, context, encoder, small)
    seed_everything(options.seed)
    student = begin(options, aligned.captions)
    stages = plan(options, len(aligned.captions), len(tuned.captions), small)
    began = time.monotonic()
    taught = _taught(student, stages, (aligned, tuned), options, hearing, context, out)
    figures = {
        "captions": len(aligned.captions),
        "parameters": sum(p.numel() for p in student.model.parameters()),
        "learning": {name: learning for name, (learning, _) in taught.items()},
        "losses": {name: losses for name, (_, losses) in taught.items()},
    }
    digest = write(student, options, out)
    card(options, figures, digest, out)
    shutil.rmtree(out / "stages")
    return {"sha256": digest, **figures, "seconds": time.monotonic() - began}


def _taught(
    student: Student,
    stages: Sequence[Stage],
    lessons: tuple[Lesson, Lesson],
    options: RaftTrainOptions,
    hearing: Hearing,
    context: Context,
    out: Path,
) -> dict[str, tuple[int, tuple[float, ...]]]:
    """Go through the stages; gives for each how many weights learnt, and its losses."""
    found = {}
    for stage in stages:
        tuning = stage is not stages[0]
        if tuning and not student.model.adapted:
            ready(student.model, options, hearing.encoder)
        learning = sum(p.numel() for p in student.model.parameters() if p.requires_grad)
        ears = tuning and options.tune_encoder
        batches = Batches(stage, lessons[tuning], student.words, options, hearing, ears)
        report = fit(
            student.model,
            batches.draw,
            _loss,
            settings(options, stage),
            out / "stages" / stage.name,
            report=context.report,
            device=context.device,
        )
        found[stage.name] = learning, report.losses
    return found


@dataclass(frozen=True)
class Student:
    """A model, its words, and what its file says of the language model below."""

    model: RaftModel
    words: Words
    below: Mapping[str, Any]


def _lessons(
    options: RaftTrainOptions, context: Context, encoder: Any, small: bool
) -> tuple[Lesson, Lesson]:
    """What each stage learns from."""
    reading = small and options.reading > 0
    other = options.tune_captions not in (None, options.captions)
    aligned = gather(options, context, encoder, options.captions, not other, reading)
    if not other:
        return aligned, aligned
    return aligned, gather(options, context, encoder, str(options.tune_captions), True, False)


def begin(options: RaftTrainOptions, captions: Sequence[str]) -> Student:
    """A connector over a small language model, or over one from a folder, which stays as it is."""
    shape = options.architecture()
    if options.language_model is None:
        words = LearntWords.learn(captions, options.vocabulary)
        model = RaftModel(shape, words.size, options.dropout)
        return Student(model, words, {"tokenizer": words.packed()})
    folder = find_folder(options.language_model)
    borrowed = ModelWords.read(folder)
    language_model = read_folder(folder, options.dtype)
    below = {"identity": identity(language_model), "words": borrowed.identity}
    shape = over(shape, language_model)
    model = RaftModel(shape, borrowed.size, 0.0, language_model)
    model.language_model.requires_grad_(False)
    return Student(model, borrowed, {"language_model": below})


def over(shape: RaftArchitecture, language_model: Any) -> RaftArchitecture:
    """The sizes that a language model from a folder decides."""
    config = language_model.config
    sizes = {
        "width": config.hidden_size,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "vocabulary": config.vocab_size,
        "inner": getattr(config, "intermediate_size", 0),
    }
    return shape.model_copy(update=sizes)


def plan(options: RaftTrainOptions, aligned: int, tuned: int, small: bool) -> list[Stage]:
    """The stages, of so many captions: alignment; a phase without examples and one with them.

    Without the curriculum, one phase of both lengths sees lines with and without examples.
    """
    first = Stage(
        "aligning",
        1,
        _steps(options.align_steps, options.align_epochs, aligned, options.align_batch),
        options.align_batch,
        options.align_rate,
        reading=options.reading if small else 0.0,
    )
    steps = _steps(options.tune_steps, options.tune_epochs, tuned, options.tune_batch)
    alone = Stage(
        "tuning-alone",
        2,
        steps,
        options.tune_batch,
        options.tune_rate,
        loss=options.loss,
        balanced=options.balanced,
    )
    shown = replace(
        alone,
        name="tuning-with-examples",
        number=3,
        fewest=options.fewest_shots,
        most=options.shots,
    )
    if options.curriculum:
        return [first, alone, shown]
    return [first, replace(shown, name="tuning-mixed", fewest=0, steps=2 * steps)]


def _steps(steps: int, epochs: float | None, captions: int, batch: int) -> int:
    return steps if epochs is None else math.ceil(epochs * captions / batch)


def ready(model: RaftModel, options: RaftTrainOptions, encoder: Any) -> None:
    """Let only that learn which stage 2 tunes."""
    model.adapt(options.tune_head)
    if options.tune_language_model and not model.borrowed:
        model.language_model.requires_grad_(True)
        model.language_model.get_input_embeddings().requires_grad_(False)
    model.connector.requires_grad_(options.tune_connector)
    if options.tune_head:
        slow_down(model.language_model.get_output_embeddings(), options.slower)
    if options.tune_encoder:
        model.ears = copy.deepcopy(encoder.ears).requires_grad_(True)
        slow_down(model.ears, options.slower)


def settings(options: RaftTrainOptions, stage: Stage) -> FitSettings:
    """How long and how fast to learn in a stage (section 4.1: AdamW, cosine)."""
    return FitSettings(
        stage.steps,
        stage.rate,
        min(options.warmup, stage.steps // 10),
        options.weight_decay,
        "cosine",
        options.gradient_clip,
        options.seed * 10 + stage.number,
        options.checkpoint_every,
    )


def _loss(model: nn.Module, batch: Batch) -> Tensor:
    inner: Any = getattr(model, "module", model)
    device = inner.connector.long.device
    if isinstance(batch.sounds, Windows):
        moved = replace(batch.sounds, spectrograms=batch.sounds.spectrograms.to(device))
        frames = moved.through(inner.ears, inner.shape.pool)
    else:
        frames = batch.sounds.to(device)
    taught, shown = batch.taught.to(device), batch.shown.to(device)
    loss: Tensor = inner.loss(batch.tokens.to(device), taught, frames, shown)
    return loss


def refuse_others(options: RaftTrainOptions, out: Path) -> None:
    """Keep the options beside the checkpoints: going on with others would train a mixture."""
    asked = json.dumps(options.model_dump(mode="json"), sort_keys=True)
    started = out / "stages" / "options.json"
    if started.is_file() and started.read_text(encoding="utf-8") != asked:
        raise BadData(
            f"{out} holds an unfinished training with other options.",
            f"Give its options to go on, another --out, or: rm -r '{started.parent}'",
        )
    started.parent.mkdir(parents=True, exist_ok=True)
    started.write_text(asked, encoding="utf-8")


def write(student: Student, options: RaftTrainOptions, out: Path) -> str:
    """The weights file; gives its sha256."""
    model = student.model
    settle(model)
    config = {
        "model": "raft",
        "architecture": model.shape.model_dump(mode="json"),
        "training": options.model_dump(mode="json", exclude=NOT_IN_WEIGHTS),
        "adapted": model.adapted,
        "head": model.head_tuned,
        "ears": model.ears is not None,
        **student.below,
    }
    return save_weights(model.own_state(), out / WEIGHTS, config)

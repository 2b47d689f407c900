"""Training on text alone (Deshmukh et al., section 2.2), and the audio-text variant beside it.

Nothing here looks at a test split. Embeddings are computed once and kept in the cache, so that
several seeds and settings share them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from aacbench.embeddings import cached_audio, cached_text
from aacbench.errors import BadData, BadOption
from aacbench.specs import Context
from aacbench.training import FitSettings, fit, forget, save_weights, seed_everything, train_parts
from aacbench_nac.language_model import (
    find_folder,
    fitting,
    is_gpt2,
    read_folder,
    read_words,
    record,
)
from aacbench_nac.model import NacModel
from aacbench_nac.options import NacArchitecture, NacTrainOptions
from aacbench_nac.words import CaptionTokenizer, Words

FloatRows = npt.NDArray[np.float32]
NOT_IN_WEIGHTS = {"checkpoint_every", "extra_text", "language_model", "preset"}
"""Options that change no byte of the weights, or hold a path of this machine."""

SINCE_THE_FIRST = {
    "mapper",
    "mapper_bias",
    "mapper_width",
    "epochs",
    "schedule",
    "gradient_clip",
    "end",
    "bucket",
}
"""Options younger than the weights that ship: left out of a file's header where they say nothing
new, so that the commands in those weights' cards still give the same bytes."""


@dataclass(frozen=True)
class Lesson:
    """Captions, and for each the row of `embeddings` that conditions it."""

    captions: list[str]
    rows: npt.NDArray[np.int64]
    embeddings: FloatRows


def train(options: NacTrainOptions, context: Context, out: Path) -> Mapping[str, Any]:
    """Train `nac` into `out`: ``nac.safetensors``, and figures for its card."""
    if options.language_model is not None:
        find_folder(options.language_model)  # refused now rather than after the embedding
    encoder = context.build("encoders", options.encoder)
    lesson = gather(options, context, encoder)
    noise = options.noise
    if noise == "auto":
        noise = estimate_noise(options, context, encoder)
    adapter = fit_adapter(options, context, encoder) if options.adapter == "linear" else None
    seed_everything(options.seed)
    student = begin(options, encoder.dim, lesson.captions)
    vectors = lesson.embeddings if adapter is None else lesson.embeddings @ adapter
    settled = options.model_copy(update=student.model.shape.model_dump())
    batches = Batches(lesson, vectors, student.words, settled, float(noise))
    began = time.monotonic()
    report = fit(
        student.model,
        batches.draw,
        _loss,
        settings(options, len(lesson.captions)),
        out,
        report=context.report,
        device=context.device,
    )
    config = {
        "model": "nac",
        "architecture": _told(student.model.shape),
        "training": _told(options),
        **student.below,
    }
    mean = torch.from_numpy(vectors[lesson.rows].mean(axis=0))
    tensors = {**student.model.own_state(), "caption_mean": mean}
    digest = save_weights(tensors, out / "nac.safetensors", config)
    forget(out)
    weights = list(student.model.parameters())
    return {
        "sha256": digest,
        "captions": len(lesson.captions),
        "noise": float(noise),
        "parameters": sum(p.numel() for p in weights),
        "learning": sum(p.numel() for p in weights if p.requires_grad),
        "steps": report.steps,
        "losses": report.losses,
        "seconds": time.monotonic() - began,
    }


@dataclass(frozen=True)
class Student:
    """A model before training, its words, and what its file says of the language model below."""

    model: NacModel
    words: Words
    below: Mapping[str, Any]


def begin(options: NacTrainOptions, dim: int, captions: Sequence[str]) -> Student:
    """A mapping network over a small language model, or over the one in a folder."""
    asked = {name: getattr(options, name) for name in NacArchitecture.model_fields}
    shape = NacArchitecture(**asked).model_copy(update={"dim": dim})
    borrowed = False
    if options.language_model is None:
        words = CaptionTokenizer.learn(captions, options.vocabulary)
        model = NacModel(shape, words.size, options.dropout)
        below = {"tokenizer": words.packed()}
    else:
        folder = find_folder(options.language_model)
        if options.train_language_model and not is_gpt2(folder):
            raise BadOption(
                f"{folder} holds no GPT-2: other language models stay as they are.",
                "Add --no-train-language-model.",
            )
        words = read_words(folder, options.end)
        language_model = read_folder(folder, options.dropout)
        fitting(words, language_model, folder)
        borrowed = not options.train_language_model
        below = {"language_model": record(language_model, words, options.end, borrowed)}
        model = NacModel(
            _over(shape, language_model), words.size, options.dropout, language_model, borrowed
        )
    if not options.train_language_model:
        model.language_model.requires_grad_(False)
    return Student(model, words, below)


def _over(shape: NacArchitecture, language_model: nn.Module) -> NacArchitecture:
    """The sizes that a language model from a folder decides."""
    config = language_model.config
    width = shape.mapper_width or config.hidden_size
    if width % shape.heads:
        raise BadOption(
            f"heads={shape.heads} does not divide the mapping network's width, {width}.",
            "Give another number of heads.",
        )
    sizes = {
        "width": config.hidden_size,
        "layers": config.num_hidden_layers,
        "vocabulary": config.vocab_size,
        "positions": config.max_position_embeddings,
    }
    return shape.model_copy(update=sizes)


def settings(options: NacTrainOptions, captions: int) -> FitSettings:
    """How long and how fast to learn from so many captions."""
    steps = options.steps
    if options.epochs is not None:
        steps = math.ceil(options.epochs * captions / options.batch_size)
    return FitSettings(
        steps,
        options.learning_rate,
        options.warmup,
        options.weight_decay,
        options.schedule,
        options.gradient_clip,
        options.seed,
        options.checkpoint_every,
    )


def _told(options: NacArchitecture) -> dict[str, Any]:
    """Options as a weights file records them."""
    told = options.model_dump(mode="json", exclude=NOT_IN_WEIGHTS)
    fields = type(options).model_fields
    old = {name for name in SINCE_THE_FIRST & fields.keys() if told[name] == fields[name].default}
    return {name: value for name, value in told.items() if name not in old}


def _loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    inner = getattr(model, "module", model)
    device = next(inner.parameters()).device
    return inner.loss(batch[0].to(device), batch[1].to(device))


def gather(options: NacTrainOptions, context: Context, encoder: Any) -> Lesson:
    """The captions to learn, and what conditions each: its own text, or its clip's sound."""
    captions: list[str] = []
    clip_rows: list[int] = []
    clips = []
    for name, dataset, split in train_parts(context, options.captions):
        annotations = dataset.annotations(split)
        audio = {c.id: c for c in dataset.clips(split)} if options.mode == "audio" else {}
        for clip_id in list(annotations)[: options.limit]:
            if options.mode == "audio":
                if clip_id not in audio:
                    continue
                clips.append(audio[clip_id])
            references = annotations[clip_id].references
            captions.extend(references)
            clip_rows.extend([len(clips) - 1] * len(references))
        if options.mode == "audio" and not clips:
            raise BadData(f"No sound of {name}/{split} is at hand.", "Train with --mode text.")
    if options.mode == "audio":
        heard = cached_audio(encoder, options.encoder, clips)
        return Lesson(captions, np.array(clip_rows), heard)
    if options.extra_text:
        lines = options.extra_text.read_text(encoding="utf-8").splitlines()
        captions.extend(line.strip() for line in lines if line.strip())
    read = cached_text(encoder, options.encoder, captions)
    return Lesson(captions, np.arange(len(captions)), read)


def paired(
    options: NacTrainOptions, context: Context, encoder: Any, pairs: int | None
) -> tuple[FloatRows, FloatRows]:
    """Audio and text embeddings of up to `pairs` clips, one caption each, drawn by the seed."""
    sounds, texts = [], []
    for _, dataset, split in train_parts(context, options.captions):
        annotations = dataset.annotations(split)
        for clip in dataset.clips(split)[: options.limit]:
            sounds.append(clip)
            texts.append(annotations[clip.id].references[0])
    if len(sounds) < 2:
        raise BadOption(
            f"'{options.captions}' has no sound at hand, which --noise auto and --adapter need.",
            "Give the noise as a number, or fetch some of the clips.",
        )
    if pairs is not None and pairs < len(sounds):
        chosen = np.random.default_rng(options.seed).choice(len(sounds), pairs, replace=False)
        sounds = [sounds[i] for i in chosen]
        texts = [texts[i] for i in chosen]
    heard = cached_audio(encoder, options.encoder, sounds)
    return heard, cached_text(encoder, options.encoder, texts)


def estimate_noise(options: NacTrainOptions, context: Context, encoder: Any) -> float:
    """Section 4.2: the infinity norm between paired embeddings, averaged over about 30 pairs."""
    heard, read = paired(options, context, encoder, options.noise_pairs)
    return float(np.abs(heard - read).max(axis=1).mean())


def fit_adapter(options: NacTrainOptions, context: Context, encoder: Any) -> FloatRows:
    """Section 4.3: the (dim, dim) matrix h that minimises the squared error of h(g(t)) to f(a).

    The paper trains it by gradient descent; the loss is a least-squares problem, so it is solved.
    """
    heard, read = paired(options, context, encoder, None)
    left = read.T @ read + options.adapter_ridge * len(read) * np.eye(read.shape[1])
    return np.linalg.solve(left, read.T @ heard).astype(np.float32)


class Batches:
    """Batches of noised embeddings (batch, dim) and tokens (batch, length), by step."""

    def __init__(
        self,
        lesson: Lesson,
        vectors: FloatRows,
        tokenizer: Words,
        options: NacTrainOptions,
        noise: float,
    ) -> None:
        self.vectors = vectors
        self.rows = lesson.rows
        longest = options.positions - options.prefix - 1
        self.tokens = [
            [*tokenizer.encode(caption)[:longest], tokenizer.end] for caption in lesson.captions
        ]
        self.options = options
        self.noise = noise

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Equation 1 for a random batch; a function of the step and the seed alone."""
        random = np.random.default_rng([self.options.seed, step])
        chosen = random.integers(len(self.tokens), size=self.options.batch_size)
        if self.options.bucket > 1:
            chosen = self._alike(step)
        elif self.options.epochs is not None:
            chosen = self._next(step)
        vectors = self.vectors[self.rows[chosen]]
        if self.noise:
            noise = random.standard_normal(vectors.shape, dtype=np.float32)
            vectors = vectors + self.noise * noise
        if self.options.renormalise:
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return torch.from_numpy(vectors), _pad([self.tokens[i] for i in chosen])

    def _next(self, step: int) -> npt.NDArray[np.int64]:
        """The captions of a step where each comes once an epoch, in a new order each time."""
        places = step * self.options.batch_size + np.arange(self.options.batch_size)
        epochs, within = np.divmod(places, len(self.tokens))
        orders = {epoch: _order(self.options.seed, epoch, len(self.tokens)) for epoch in {*epochs}}
        return np.array([orders[e][place] for e, place in zip(epochs, within, strict=True)])

    def _alike(self, step: int) -> npt.NDArray[np.int64]:
        """Captions of about one length, so that little of a batch is padding: the next `bucket`
        batches of the epoch, parted by length, in a random order."""
        group, place = divmod(step, self.options.bucket)
        first = group * self.options.bucket
        drawn = np.concatenate([self._next(first + i) for i in range(self.options.bucket)])
        lengths = np.array([len(self.tokens[i]) for i in drawn])
        parts = drawn[lengths.argsort(kind="stable")].reshape(self.options.bucket, -1)
        order = np.random.default_rng([self.options.seed, 2, group]).permutation(len(parts))
        alike: npt.NDArray[np.int64] = parts[order[place]]
        return alike


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, captions: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng([seed, 1, epoch]).permutation(captions)


def _pad(several: Sequence[Sequence[int]]) -> Tensor:
    longest = max(map(len, several))
    return torch.tensor([[*tokens, *[-100] * (longest - len(tokens))] for tokens in several])

"""Training on text alone (paper 001, section 2.2), and the audio-text variant it is compared with.

Nothing here looks at a test split. Embeddings are computed once and kept in the cache, so that
several seeds and settings share them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from aacbench_nac.model import NacModel
from aacbench_nac.options import NacArchitecture, NacTrainOptions
from aacbench_nac.words import CaptionTokenizer

FloatRows = npt.NDArray[np.float32]
NOT_IN_WEIGHTS = {"checkpoint_every", "extra_text", "language_model"}
"""Options that change no byte of the weights, or hold a path of this machine."""


@dataclass(frozen=True)
class Lesson:
    """Captions, and for each the row of `embeddings` that conditions it."""

    captions: list[str]
    rows: npt.NDArray[np.int64]
    embeddings: FloatRows


def train(options: NacTrainOptions, context: Context, out: Path) -> Mapping[str, Any]:
    """Train `nac` into `out`: ``nac.safetensors``, and figures for its card."""
    encoder = context.build("encoders", options.encoder)
    lesson = gather(options, context, encoder)
    noise = options.noise
    if noise == "auto":
        noise = estimate_noise(options, context, encoder)
    adapter = fit_adapter(options, context, encoder) if options.adapter == "linear" else None
    seed_everything(options.seed)
    tokenizer = CaptionTokenizer.learn(lesson.captions, options.vocabulary)
    shape = NacArchitecture(
        **{name: getattr(options, name) for name in NacArchitecture.model_fields}
    ).model_copy(update={"dim": encoder.dim})
    model = NacModel(shape, tokenizer.size, options.dropout, options.language_model)
    if not options.train_language_model:
        model.language_model.requires_grad_(False)
    vectors = lesson.embeddings if adapter is None else lesson.embeddings @ adapter
    batches = Batches(lesson, vectors, tokenizer, options, float(noise))
    settings = FitSettings(
        options.steps,
        options.learning_rate,
        options.warmup,
        options.weight_decay,
        seed=options.seed,
        checkpoint_every=options.checkpoint_every,
    )
    began = time.monotonic()
    report = fit(
        model, batches.draw, _loss, settings, out, report=context.report, device=context.device
    )
    config = {
        "model": "nac",
        "architecture": shape.model_dump(),
        "tokenizer": tokenizer.packed(),
        "training": options.model_dump(mode="json", exclude=NOT_IN_WEIGHTS),
    }
    mean = torch.from_numpy(vectors[lesson.rows].mean(axis=0))
    tensors = {**model.own_state(), "caption_mean": mean}
    digest = save_weights(tensors, out / "nac.safetensors", config)
    forget(out)
    return {
        "sha256": digest,
        "captions": len(lesson.captions),
        "noise": float(noise),
        "parameters": sum(p.numel() for p in model.parameters()),
        "losses": report.losses,
        "seconds": time.monotonic() - began,
    }


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
        tokenizer: CaptionTokenizer,
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
        vectors = self.vectors[self.rows[chosen]]
        if self.noise:
            noise = random.standard_normal(vectors.shape, dtype=np.float32)
            vectors = vectors + self.noise * noise
        if self.options.renormalise:
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return torch.from_numpy(vectors), _pad([self.tokens[i] for i in chosen])


def _pad(several: Sequence[Sequence[int]]) -> Tensor:
    longest = max(map(len, several))
    return torch.tensor([[*tokens, *[-100] * (longest - len(tokens))] for tokens in several])

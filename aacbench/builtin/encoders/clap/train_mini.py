"""Trains `clap:mini`: sound to where its captions lie, and the naming of events frame by frame.

Three losses. Contrastive, with every clip of the same event set as a positive (the text side is
frozen, so only sound moves). Nearness to the mean of the clip's captions, so that a model that
was trained on text vectors can be fed sound vectors. And binary cross-entropy of events by frame,
which is what makes a CNN hear three events in one clip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from aacbench.builtin.encoders.clap.corpus import Corpus, frame_targets
from aacbench.builtin.encoders.clap.mini import FRAME_STRIDE, SETTINGS, MiniEars
from aacbench.builtin.encoders.clap.options import ClapTrainOptions

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.builtin.encoders.clap.mini import Heard

MASKED_BANDS = 10  # at most, of each of two masks
MASKED_FRAMES = 20  # at most 0.4 s, so that few events vanish whole
GAIN = 0.35  # half range of a change of level, in the spectrogram's unit (6 dB)


@dataclass(frozen=True)
class Batch:
    """`mel` (batch, bands, frames) and how many `frames` are sound; `caption` one reference's
    vector and `mean` that of all of them, (batch, 384); `targets` (batch, labels, steps)."""

    mel: Tensor
    frames: Tensor
    caption: Tensor
    mean: Tensor
    event_set: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch where the model is."""
        return Batch(**{name: value.to(device) for name, value in vars(self).items()})


def draws(corpus: Corpus, labels: int, batch_size: int, seed: int) -> Callable[[int], Batch]:
    """`draw(step)`: a batch of clips of like length, augmented; a function of the step alone."""
    by_length = np.argsort(corpus.frames, kind="stable")
    groups = np.array_split(by_length, max(1, len(corpus) // (4 * batch_size)))
    means = corpus.mean_texts()

    def draw(step: int) -> Batch:
        rng = np.random.default_rng([seed, step])
        group = groups[rng.integers(len(groups))]
        chosen = rng.choice(group, min(batch_size, len(group)), replace=False)
        return _batch(corpus, means, labels, chosen, rng)

    return draw


def _batch(
    corpus: Corpus,
    means: npt.NDArray[np.float32],
    labels: int,
    chosen: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> Batch:
    frames = corpus.frames[chosen]
    longest = int(frames.max())
    mel = np.zeros((len(chosen), SETTINGS.bands, longest), np.float32)
    for row, index in enumerate(chosen):
        mel[row, :, : frames[row]] = augmented(corpus.mels[index].T.astype(np.float32), rng)
    steps = -(-longest // FRAME_STRIDE)
    captions = [rng.integers(corpus.first_text[i], corpus.first_text[i + 1]) for i in chosen]
    targets = np.stack([frame_targets(corpus.events[i], labels, steps) for i in chosen])
    return Batch(
        torch.from_numpy(mel),
        torch.from_numpy(frames),
        torch.from_numpy(corpus.texts[captions]),
        torch.from_numpy(means[chosen]),
        torch.from_numpy(corpus.event_set[chosen]),
        torch.from_numpy(targets),
    )


def augmented(mel: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """(bands, frames) at another level, with two masks of bands and two of frames at its mean."""
    mel = mel + np.float32(rng.uniform(-GAIN, GAIN))
    quiet = mel.mean()
    for _ in range(2):
        width = int(rng.integers(0, MASKED_BANDS + 1))
        low = int(rng.integers(0, mel.shape[0] - width + 1))
        mel[low : low + width] = quiet
        width = min(int(rng.integers(0, MASKED_FRAMES + 1)), mel.shape[1])
        first = int(rng.integers(0, mel.shape[1] - width + 1))
        mel[:, first : first + width] = quiet
    return mel


def loss_of(options: ClapTrainOptions) -> Callable[[nn.Module, Batch], Tensor]:
    """The weighted sum of the three losses."""

    def loss(model: nn.Module, batch: Batch) -> Tensor:
        batch = batch.to(next(model.parameters()).device)
        heard: Heard = model(batch.mel, batch.frames)
        near = 1.0 - (heard.embedding * batch.mean).sum(1).mean()
        return (
            options.contrast_weight
            * contrast(heard.embedding, batch.caption, batch.event_set, options.temperature)
            + options.near_weight * near
            + options.event_weight * event_loss(heard.frame_logits, batch.targets, batch.frames)
        )

    return loss


def contrast(audio: Tensor, texts: Tensor, event_set: Tensor, temperature: float) -> Tensor:
    """Multi-positive InfoNCE, both ways: all pairs with one event set are positives."""
    logits = audio @ texts.T / temperature  # (batch, batch)
    same = (event_set[:, None] == event_set[None]).float()
    wanted = same / same.sum(1, keepdim=True)
    across = -(wanted * logits.log_softmax(1)).sum(1).mean()
    back = -(wanted * logits.T.log_softmax(1)).sum(1).mean()
    return (across + back) / 2


def event_loss(logits: Tensor, targets: Tensor, frames: Tensor) -> Tensor:
    """Binary cross-entropy summed over labels, mean over the frames that are sound."""
    steps = torch.arange(logits.shape[-1], device=logits.device)
    sounding = (steps < ((frames + FRAME_STRIDE - 1) // FRAME_STRIDE)[:, None])[:, None]
    raw = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (raw * sounding).sum() / sounding.sum()


@torch.inference_mode()
def hear_corpus(model: MiniEars, corpus: Corpus) -> tuple[Tensor, Tensor]:
    """Of each clip: its (384,) unit vector, and the highest probability of each label."""
    model.eval()
    vectors, events = [], []
    for index in range(len(corpus)):
        mel = torch.from_numpy(corpus.mels[index].T.astype(np.float32))[None]
        heard = model(mel, torch.tensor([mel.shape[-1]]))
        vectors.append(heard.embedding[0])
        events.append(torch.sigmoid(heard.frame_logits[0]).amax(1))
    return torch.stack(vectors), torch.stack(events)


def validate(
    model: MiniEars, corpus: Corpus, prompts: npt.NDArray[np.float32], labels: Sequence[str]
) -> dict[str, float]:
    """Figures on a corpus that was not trained on; `prompts` (labels, 384) names each event."""
    from aacbench.builtin.encoders.clap import measure

    vectors, events = (table.numpy() for table in hear_corpus(model, corpus))
    presence = corpus.presence(len(labels))
    owner = np.repeat(np.arange(len(corpus)), np.diff(corpus.first_text))
    alone = presence.sum(1) == 1
    figures = measure.retrieval(vectors, corpus.texts, owner, corpus.event_set)
    nearest = owner[(vectors @ corpus.texts.T).argmax(1)]
    figures["nearest_caption_event_f1"] = measure.micro_f1(presence[nearest], presence)
    figures["event_f1"] = measure.micro_f1(events >= 0.5, presence)
    figures["event_f1_mixtures"] = measure.micro_f1(events[~alone] >= 0.5, presence[~alone])
    if alone.any():
        single = measure.naming(vectors[alone], prompts, presence[alone].argmax(1))
        figures["zero_shot_single"] = single["accuracy"]
    first = corpus.texts[corpus.first_text[:-1]]
    figures.update({f"gap_{name}": value for name, value in measure.gap(vectors, first).items()})
    return {name: round(value, 4) for name, value in figures.items()}

"""`audibility:judge`: made otherwise than `mini`, from other sentences, to judge what it steers.

Two readers again, with nothing of MiniLM. One is a small network over the sentence vectors of
multilingual-e5-small, which knows what a sentence means. The other was taught from nothing: words,
neighbouring words and runs of letters fall into buckets, every word speaks for and against the
label, and the strongest voices count; it notices the one word that a sentence's vector hides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aacbench.builtin import e5
from aacbench.builtin.classifiers.calibration import Blend, two_columns
from aacbench.builtin.classifiers.evidence import bags
from aacbench.builtin.classifiers.pieces import bucket, runs, spoken_words
from aacbench.builtin.plain_text import plain

if TYPE_CHECKING:
    import numpy.typing as npt

ARCHITECTURE = "judge"
SPREAD = 20.0  # E5's unit vectors lie close together
READ = 1000  # characters that E5 is given
CHUNK = 256
EMPHASIS = 3.0  # of a word's voices, so that they can be loud while the table stays small


@dataclass(frozen=True)
class Shape:
    """`hidden` units over E5; `buckets` for words and letters, with `width` numbers each; the two
    `dropout`s are of learning."""

    hidden: int = 128
    buckets: int = 32768
    width: int = 8
    sentence_dropout: float = 0.3
    word_dropout: float = 0.3


class JudgeNetwork(nn.Module):
    """Both readers. `centre` (384,) is the mean of the E5 vectors that were learnt from."""

    def __init__(self, shape: Shape, centre: Tensor | None = None) -> None:
        super().__init__()
        self.shape = shape
        self.centre = nn.Parameter(
            torch.zeros(e5.DIM) if centre is None else centre, requires_grad=False
        )
        self.sentence = nn.Sequential(
            nn.Dropout(shape.sentence_dropout / 4),
            nn.Linear(e5.DIM, shape.hidden),
            nn.GELU(),
            nn.Dropout(shape.sentence_dropout),
            nn.Linear(shape.hidden, 1),
        )
        self.table = nn.Parameter(torch.randn(shape.buckets, shape.width) * 0.01)
        self.dropout = nn.Dropout(shape.word_dropout)
        self.voices = nn.Linear(shape.width, 3)
        self.bias = nn.Parameter(torch.zeros(1))

    def read_vectors(self, vectors: Tensor) -> Tensor:
        """(texts,) log odds from E5's (texts, 384)."""
        found: Tensor = self.sentence((vectors - self.centre) * SPREAD)
        return found[:, 0]

    def read_words(self, texts: Sequence[str]) -> Tensor:
        """(texts,) log odds from the words alone."""
        listed = [word_features(text, self.shape.buckets) for text in texts]
        numbers, starts = bags([word for text in listed for word in text])
        device = self.table.device
        words = nn.functional.embedding_bag(
            numbers.to(device), self.table, starts.to(device), mode="mean"
        )
        voices = self.voices(self.dropout(words)) * EMPHASIS
        lengths = torch.tensor([len(text) for text in listed], device=device)
        real = torch.arange(int(lengths.max()), device=device) < lengths[:, None]
        said = voices.new_zeros(*real.shape, 3).masked_scatter(real[..., None], voices)
        weights = said.masked_fill(~real[..., None], -torch.inf).softmax(1)
        strongest = (weights * said).sum(1)
        total = said[..., 0].sum(1) / lengths.sqrt()
        log_odds: Tensor = total + strongest[:, 1] - strongest[:, 2] + self.bias
        return log_odds


@lru_cache(maxsize=50_000)
def _runs(word: str, buckets: int) -> tuple[int, ...]:
    found = runs(word, buckets)
    return (*found, found[-1])  # the word itself counts twice


def word_features(text: str, buckets: int) -> list[tuple[int, ...]]:
    """For each word the buckets of its letters, of itself, and of it after the word before it; one
    word of nothing where a text has none."""
    words = ["^", *spoken_words(text)]
    found = []
    for before, word in pairwise(words):
        joint = bucket(f"{before} {word}", buckets)
        found.append((*_runs(word, buckets), joint, joint))
    return found or [(bucket("^ ^", buckets),)]


def sentence_vectors(embed: e5.Embed, texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """(texts, 384) by E5; text that holds nothing gets what E5 says of a single full stop."""
    return embed([plain(text[:READ]).strip() or "." for text in texts])


class JudgeClassifier:
    """`Classifier` over `JudgeNetwork`; column 0 is the positive label."""

    def __init__(
        self,
        network: JudgeNetwork,
        labels: tuple[str, str],
        blend: Blend,
        embed: e5.Embed,
        device: str = "cpu",
    ) -> None:
        self.labels = labels
        self.held_out: dict[str, Any] | None = None
        self._network = network.eval().requires_grad_(False).to(device)
        self._blend = blend
        self._embed = embed
        self._device = device

    @torch.inference_mode()
    def logits(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """(texts, 2) log odds by the sentence vector and by the words, before they are blended."""
        found = np.zeros((len(texts), 2))
        for start in range(0, len(texts), CHUNK):
            some = texts[start : start + CHUNK]
            vectors = torch.from_numpy(sentence_vectors(self._embed, some)).to(self._device)
            read = [self._network.read_vectors(vectors), self._network.read_words(some)]
            found[start : start + CHUNK] = torch.stack(read, 1).cpu().double().numpy()
        return found

    def probabilities(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(texts, 2), rows sum to 1."""
        return two_columns(self._blend(self.logits(texts)))


def restored(
    tensors: dict[str, Tensor], config: dict[str, Any], device: str = "cpu"
) -> JudgeClassifier:
    """The classifier that a weights file describes."""
    network = JudgeNetwork(Shape(**config["shape"]))
    network.load_state_dict(tensors)
    first, second = config["labels"]
    return JudgeClassifier(network, (first, second), Blend.of(config["blend"]), e5.kept(), device)


def config_of(shape: Shape) -> dict[str, Any]:
    """What the header must hold for the network to be built again."""
    return {"architecture": ARCHITECTURE, "shape": asdict(shape)}

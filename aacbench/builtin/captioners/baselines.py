"""`nearest`, `frequent` and `random` at work."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from aacbench.embeddings import cached_text
from aacbench.perceiving import perceive
from aacbench.specs import Choice, Context
from aacbench.training import train_parts
from aacbench.types import Caption, Clip, Encoder


def training_captions(choice: Choice, context: Context) -> list[str]:
    """Every reference of the training part of the choice's source, in order."""
    ((_, dataset, split),) = train_parts(context, str(choice.source))
    return [text for a in dataset.annotations(split).values() for text in a.references]


class Nearest:
    """The caption whose text embedding has the highest cosine with the sound's.

    Of the `k` nearest, the one with the highest mean cosine with the others is said (the nearer
    one in a tie): their consensus.
    """

    def __init__(
        self, captions: Sequence[str], encoder: Encoder, expression: str, k: int = 1
    ) -> None:
        self.k = k
        self.captions = list(dict.fromkeys(captions))
        self.encoder = encoder
        self.embedded = cached_text(encoder, expression, self.captions)  # (captions, dim)

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        # One product a clip, so that a batch cannot change the last bit of a similarity.
        heard = perceive(self.encoder, clips)
        return [Caption(self.captions[self._chosen(self.embedded @ row)]) for row in heard]

    def _chosen(self, cosines: npt.NDArray[np.float32]) -> int:
        nearest = np.argsort(-cosines, kind="stable")[: self.k]
        among = self.embedded[nearest] @ self.embedded[nearest].T
        return int(nearest[np.argmax(among.mean(1))])


class Frequent:
    """The caption that was written most often; the first of them in a tie."""

    def __init__(self, captions: Sequence[str]) -> None:
        counts = Counter(" ".join(text.split()) for text in captions)
        self.text = counts.most_common(1)[0][0]

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return [Caption(self.text) for _ in clips]


class Random:
    """A caption drawn by the seed and the clip's id, so that order and batch do not matter."""

    def __init__(self, captions: Sequence[str], seed: int) -> None:
        self.captions = list(captions)
        self.seed = seed

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return [Caption(self.captions[self._draw(clip.id)]) for clip in clips]

    def _draw(self, clip_id: str) -> int:
        key = hashlib.sha256(f"{self.seed}\t{clip_id}".encode()).digest()
        return int.from_bytes(key[:8], "big") % len(self.captions)

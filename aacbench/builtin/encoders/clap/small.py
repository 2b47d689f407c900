"""`clap:small`: a real AudioSet tagger as ears, its tags said in words and put into the text space.

No part is trained on captions: the class names with the highest probabilities are embedded as
"the sound of ..." and averaged by probability. A linear head can take the place of the names.
`clap:tags-e5` is the same in another text space, which no captioner here has learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from aacbench import audio
from aacbench.builtin.encoders.clap.efficientat import Tagger, class_names
from aacbench.builtin.encoders.clap.text_space import WIDTH
from aacbench.training import load_weights

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import Clip

    Rows = npt.NDArray[np.float32]

PROMPT = "the sound of {}"


def unit_rows(rows: Rows) -> Rows:
    """The same directions at length one."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)


def keep_highest(probabilities: Rows, top: int) -> Rows:
    """(clips, classes) with all but each row's `top` highest set to zero; ties go to the first."""
    kept = np.zeros_like(probabilities)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    np.put_along_axis(kept, order, np.take_along_axis(probabilities, order, axis=1), axis=1)
    return kept


def project(probabilities: Rows, directions: Rows, top: int) -> Rows:
    """(clips, classes) tag probabilities to (clips, 384) unit rows.

    `directions` (classes, 384) says where each class points: the embedded class names, or a
    trained head's rows.
    """
    # One clip at a time: a matrix product's rounding may change with the number of rows.
    kept = keep_highest(probabilities, top)
    return unit_rows(np.stack([row @ directions for row in kept]))


class Space(Protocol):
    """What puts texts into vectors of `WIDTH`; equal names give equal vectors."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> Rows: ...


class TagEncoder:
    """`Encoder` from tags; also gives the tags themselves and the tagger's pooled features.

    Sound is heard clip by clip, so a clip's vector is the same to the last bit in any batch.
    """

    dim = WIDTH

    def __init__(
        self,
        tagger: Tagger,
        names: Sequence[str],
        space: Space,
        top: int,
        head: Path | None = None,
        prompt: str = PROMPT,
    ) -> None:
        self.names = tuple(names)
        self.text_space = space.name
        self._prompts = [prompt.format(name) for name in names]
        self._tagger = tagger
        self._space = space
        self._top = top
        self._directions = self._read_head(head) if head else self._name_directions()

    @property
    def audio_mean(self) -> Rows:
        """(384,) the middle of the directions: what all sounds share because they are put in the
        same words ("the sound of"), known without hearing any."""
        mean: Rows = self._directions.mean(axis=0)
        return mean

    def _name_directions(self) -> Rows:
        return self._space.embed(self._prompts)

    @staticmethod
    def _read_head(head: Path) -> Rows:
        return load_weights(head)[0]["directions"].numpy()

    def hear(self, clips: Sequence[Clip]) -> tuple[Rows, Rows]:
        """(clips, 527) tag probabilities and (clips, 384) pooled features of the tagger."""
        tags = np.zeros((len(clips), len(self.names)), np.float32)
        features = np.zeros((len(clips), WIDTH), np.float32)
        for row, clip in enumerate(clips):
            waveform = torch.from_numpy(audio.waveform(clip, self._tagger.rate))
            probability, pooled = self._tagger.hear(waveform)
            tags[row], features[row] = probability.numpy(), pooled.numpy()
        return tags, features

    def tags(self, clips: Sequence[Clip]) -> Rows:
        """(clips, 527) probabilities, in the order of `names`."""
        return self.hear(clips)[0]

    def embed_audio(self, clips: Sequence[Clip]) -> Rows:
        """(clips, 384) unit rows."""
        if not clips:
            return np.zeros((0, WIDTH), np.float32)
        return project(self.tags(clips), self._directions, self._top)

    def embed_text(self, texts: Sequence[str]) -> Rows:
        """(texts, 384) unit rows."""
        return self._space.embed(texts)


def build_small(
    checkpoint: Path, labels: Path, top: int, head: Path | None, device: str
) -> TagEncoder:
    """The encoder from its files: `head` replaces the class names' directions."""
    from aacbench.builtin.encoders.clap.text_space import text_space

    tagger = Tagger(checkpoint, device)
    return TagEncoder(tagger, class_names(labels), text_space(device), top, head)


def build_tags_e5(checkpoint: Path, labels: Path, top: int, device: str) -> TagEncoder:
    """`clap:tags-e5` from its files.

    The names stand bare: about their middle, a caption and a sound that have nothing to do with
    each other have a cosine near 0; about that of "the sound of ..." it is below 0.
    """
    from aacbench.builtin.encoders.clap.e5_space import e5_space

    names = class_names(labels)
    return TagEncoder(Tagger(checkpoint, device), names, e5_space(names), top, prompt="{}")

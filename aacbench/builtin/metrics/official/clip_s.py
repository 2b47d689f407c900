"""CLIPScore: how near a caption lies to a picture, without any reference; and with them.

Hessel et al., CLIPScore: A Reference-free Evaluation Metric for Image Captioning, EMNLP 2021. With
c the caption, r a reference, v the picture, all after CLIP ViT-B/32:

    CLIP-S(c, v) = 2.5 * max(cos(c, v), 0)
    RefCLIP-S    = harmonic mean of CLIP-S and max over r of max(cos(c, r), 0)

Every text is read behind "A photo depicts". CLIP-S lies in [0, 2.5], in practice below 1; higher
is better. For clips that come with a picture alone. Known failure: CLIP counts badly, hardly minds
the order of words, and likes captions that name much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench.builtin.clip_model import PictureSpace
from aacbench.builtin.metrics.means import weighted_mean
from aacbench.builtin.metrics.words import best_captions
from aacbench.builtin.plain_text import plain
from aacbench.types import Annotation, Item, Scores

if TYPE_CHECKING:
    from aacbench.types import FloatArray

    Report = Any

SCALE = 2.5
PREFIX = "A photo depicts "
FIGURES = ("clip_s", "ref_clip_s")
BATCH = 32


class ClipScore:
    """CLIP-S, and RefCLIP-S of the clips that have references.

    A caption of no words scores 0; an item without a caption or a picture is NaN.
    """

    def __init__(self, space: PictureSpace) -> None:
        self.report: Report = None
        self._space = space

    def prepare(self, annotations: Mapping[str, Annotation]) -> None:
        """Nothing depends on the whole target."""

    def score(self, items: Sequence[Item], parts: Mapping[str, Scores]) -> Scores:
        """Both figures of each clip; the statistics are the same, (items, 2)."""
        columns = np.full((len(items), 2), np.nan)
        for start in range(0, len(items), BATCH):
            some = items[start : start + BATCH]
            for row, (item, caption) in enumerate(zip(some, best_captions(some), strict=True)):
                if caption is not None and _picture(item):
                    columns[start + row] = self._clip(item, plain(caption))
            if self.report:
                self.report(start + len(some), len(items))
        return Scores(dict(zip(FIGURES, columns.T, strict=True)), columns)

    def corpus(self, statistics: Any, weights: FloatArray) -> Mapping[str, FloatArray]:
        """The weighted mean of each over the clips that have it."""
        return {
            figure: weighted_mean(statistics[:, column], weights)
            for column, figure in enumerate(FIGURES)
        }

    def _clip(self, item: Item, caption: str) -> tuple[float, float]:
        references = [text for text in map(plain, item.annotation.references) if text]
        if not caption:
            return 0.0, 0.0 if references else float("nan")
        picture = _picture(item)
        assert picture is not None
        texts = self._space.read([f"{PREFIX}{text}" for text in (caption, *references)])
        own = SCALE * max(float(self._space.see([picture])[0] @ texts[0]), 0.0)
        if not references:
            return own, float("nan")
        told = max(float((texts[1:] @ texts[0]).max()), 0.0)
        return own, 2 * own * told / (own + told) if own + told else 0.0


def _picture(item: Item) -> Path | None:
    return item.clip.image if item.clip else None

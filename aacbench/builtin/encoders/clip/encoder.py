"""`clip` at work: CLIP's two towers behind the names that captioners call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aacbench.builtin.clip_model import PictureSpace
from aacbench.errors import BadData

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import Clip

    Rows = npt.NDArray[np.float32]

BATCH = 64  # texts of one length read at once


class ClipEncoder:
    """`ImageEncoder` over a CLIP.

    Pictures are looked at one by one, so a picture's row has the same bits in any company. Texts
    of one length are read together, which changes a row by float32 rounding at most.
    """

    def __init__(self, space: PictureSpace) -> None:
        self.dim = space.width
        self._space = space

    def embed_image(self, clips: Sequence[Clip], unit: bool = True) -> Rows:
        """(clips, dim): unit rows, or without `unit` what the projection gives, as it is.

        Raises `BadData` that names a clip without a picture, or a file that is none.
        """
        rows = np.zeros((len(clips), self.dim), np.float32)
        for row, clip in enumerate(clips):
            rows[row] = self._space.see([_picture(clip)], unit)[0]
        return rows

    def embed_text(self, texts: Sequence[str]) -> Rows:
        """(texts, dim) unit rows; each distinct text is read once, its first 77 tokens."""
        distinct = sorted(set(texts))
        if not distinct:
            return np.zeros((0, self.dim), np.float32)
        by_length: dict[int, list[str]] = {}
        for text, length in zip(distinct, self._space.lengths(distinct), strict=True):
            by_length.setdefault(length, []).append(text)
        found: dict[str, Rows] = {}
        for same in by_length.values():
            for start in range(0, len(same), BATCH):
                batch = same[start : start + BATCH]
                found |= dict(zip(batch, self._space.read(batch), strict=True))
        return np.stack([found[text] for text in texts])


def _picture(clip: Clip) -> Path:
    if clip.image is None:
        raise BadData(f"clip {clip.id!r} has no picture to look at")
    return clip.image

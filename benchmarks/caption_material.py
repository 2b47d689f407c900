"""The real captions that synthetic bases are drawn around: texts and clips of three corpora."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from aacbench.embeddings import cached_text
from aacbench.workshop import Workshop

FILES = (
    "audiocaps/train.csv",
    "audiocaps/val.csv",
    "audiocaps/test.csv",
    "clotho/clotho_captions_development.csv",
    "clotho/clotho_captions_validation.csv",
    "clotho/clotho_captions_evaluation.csv",
    "song_describer/song_describer.csv",
)
NAMES = ("youtube_id", "file_name", "track_id")


@dataclass(frozen=True)
class Captions:
    """Texts sorted by clip, the number of each one's clip, and the file that each is from."""

    texts: tuple[str, ...]
    clips: npt.NDArray[np.int64]
    files: tuple[str, ...]


def read(shared: Path, files: Sequence[str] = FILES) -> Captions:
    """Every caption of some files below ``shared/data/captions``."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in files:
        for clip, text in _rows(shared / "data" / "captions" / name):
            found.setdefault((name, clip), []).append(text)
    texts = [text for several in found.values() for text in several]
    sizes = [len(several) for several in found.values()]
    files = np.repeat([name for name, _ in found], sizes).tolist()
    return Captions(tuple(texts), np.repeat(np.arange(len(found)), sizes), tuple(files))


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            clip = next(row[name] for name in NAMES if name in row) + row.get("start_time", "")
            for column, text in row.items():
                if column.startswith("caption") and column.partition("_")[2] != "id" and text:
                    yield clip, text


def embedded(encoder: str, captions: Captions) -> npt.NDArray[np.float32]:
    """(captions, dim), file by file, so that each is kept in the cache when it is done."""
    model = Workshop().build("encoders", encoder)
    parts = []
    for name in dict.fromkeys(captions.files):
        texts = [t for t, file in zip(captions.texts, captions.files, strict=True) if file == name]
        parts.append(cached_text(model, encoder, texts))
    return np.concatenate(parts)

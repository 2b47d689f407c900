"""What a clip's sound is called in a word: by the ears' own tags, or the likest of a list."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aacbench import assets
from aacbench.errors import BadData, BadOption
from aacbench.types import Clip
from aacbench_zeroshot.options import ZeraucapOptions

AUDIOSET = "efficientat/labels"  # AudioSet's own class_labels_indices.csv
TAGGERS = (("tags", "names"), ("events", "labels"))  # how encoders that tag call it


class Keywords:
    """The `count` best keywords of each clip.

    With a list, those whose embeddings are nearest to the sound; without, the encoder's own tags
    that are at least `least` probable.
    """

    def __init__(self, encoder: Any, options: ZeraucapOptions) -> None:
        self.options = options
        self.encoder = encoder
        if options.keywords is None:
            self.tag, self.names = _tagger(encoder, options.encoder)
        else:
            self.names = read_keywords(options.keywords)
            self.vectors = torch.from_numpy(encoder.embed_text(self.names))

    def __call__(self, clips: Sequence[Clip], sounds: Tensor) -> list[list[str]]:
        """Keywords a clip, the surest first; `sounds` are the clips', (clips, dim)."""
        if self.options.keywords is None:
            scores, least = np.asarray(self.tag(clips)), self.options.least
        else:
            scores, least = (sounds.cpu() @ self.vectors.T).numpy(), -np.inf
        return [self._best(row, least) for row in scores]

    def _best(self, scores: Any, least: float) -> list[str]:
        order = np.argsort(-scores, kind="stable")
        found = dict.fromkeys(self.names[place] for place in order if scores[place] >= least)
        return list(found)[: self.options.count]


def _tagger(encoder: Any, expression: str) -> tuple[Any, list[str]]:
    for tag, names in TAGGERS:
        if callable(getattr(encoder, tag, None)) and getattr(encoder, names, None):
            return getattr(encoder, tag), [_spoken(name) for name in getattr(encoder, names)]
    raise BadOption(
        f"'{expression}' gives no tags, and there is no list of keywords.",
        "Give one: keywords=FILE with one a line, or keywords=audioset; count=0 goes without.",
    )


def _spoken(name: str) -> str:
    """A class name as it is said: ``"Male speech, man speaking"`` is ``"male speech"``."""
    return name.split(",")[0].split("(")[0].replace("_", " ").strip().lower()


def read_keywords(named: str | Path) -> list[str]:
    """The distinct keywords of a list, in its order; commas part them, as in AudioSet's names."""
    path = assets.find(AUDIOSET) if named == "audioset" else Path(named).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as reason:
        raise BadOption(
            f"The keywords cannot be read: {reason}.", "Give a text file with one keyword a line."
        ) from reason
    rows = list(csv.reader(text.splitlines()))
    if rows and "display_name" in rows[0]:
        column = rows[0].index("display_name")
        rows = [[row[column]] for row in rows[1:]]
    words = (word.strip().lower() for row in rows for name in row for word in name.split(","))
    found = list(dict.fromkeys(word for word in words if word))
    if not found:
        raise BadData(f"{path} holds no keyword.", "Write one a line.")
    return found


def listed(words: Sequence[str]) -> str:
    """``"rain, wind, and a dog"``, as Salewski et al.'s public code joins them."""
    *first, last = words
    article = "an" if last[0] in "aeiou" else "a"
    return ", ".join([*first, f"and {article} {last}" if first else f"{article} {last}"])

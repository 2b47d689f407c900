"""Two files of sentences, one a line: what a classifier of text learns from.

Sentences are cleaned here once, so that every later step may trust them: no empty line, none
twice, none in both files. Their line numbers are kept, because they are all that a report may say
about a sentence of somebody else's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench import assets
from aacbench.errors import BadData, MissingAsset

if TYPE_CHECKING:
    import numpy.typing as npt

FOLDER = "audibility"
FILES = ("audible.txt", "non_audible.txt")
USAGE = "aacbench train classifier POSITIVES.txt NEGATIVES.txt"


@dataclass(frozen=True)
class Sentences:
    """`texts`, which of them are `positive`, and the 1-based `lines` they stand on in their files.

    `dropped` counts what was left out: sentences of both files, and repetitions within one.
    """

    texts: tuple[str, ...]
    positive: npt.NDArray[np.bool_]
    lines: npt.NDArray[np.int64]
    dropped: dict[str, int]

    def __len__(self) -> int:
        return len(self.texts)

    def at(self, chosen: npt.NDArray[np.bool_]) -> Sentences:
        """Those that are chosen, in their order."""
        texts = tuple(text for text, taken in zip(self.texts, chosen, strict=True) if taken)
        return Sentences(texts, self.positive[chosen], self.lines[chosen], self.dropped)


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation: what must differ for two sentences to be two."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower())


@cache
def word_table() -> dict[str, Any]:
    """``stop``, ``openers`` and ``joints``: the words that the grouping and the making go by."""
    text = files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def default_files() -> tuple[Path, Path]:
    """The audible and the inaudible sentences below the folder of data sets."""
    folder = assets.data_home() / FOLDER
    first, second = (folder / name for name in FILES)
    for path in (first, second):
        if not path.is_file():
            raise MissingAsset(
                f"{path} is not there, and no files of sentences were named.",
                f"{USAGE}, or put {FILES[0]} and {FILES[1]} into {folder}",
            )
    return first, second


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Line number and text of every line that holds a word."""
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadData(f"{path} is not there.", f"Type: {USAGE}") from None
    except UnicodeDecodeError as error:
        raise BadData(
            f"{path} is not UTF-8: byte {error.start} cannot be read.",
            f"Convert it: iconv -f latin1 -t utf-8 '{path}' > utf8.txt",
        ) from None
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror}.", f"Type: {USAGE}") from None
    numbered = enumerate(text.split("\n"), start=1)
    lines = [(number, " ".join(line.split())) for number, line in numbered]
    kept = [(number, line) for number, line in lines if words_of(line)]
    if not kept:
        raise BadData(f"{path} holds no sentence.", "Write one sentence a line.")
    return kept


def read_sentences(positives: Path, negatives: Path) -> Sentences:
    """The sentences of both files; those that stand in both are dropped, for they teach nothing.

    Raises BadData for a file that is missing, empty or not text, and where a class is left empty.
    """
    listed = [read_lines(positives), read_lines(negatives)]
    seen = [{" ".join(words_of(text)) for _, text in lines} for lines in listed]
    both = seen[0] & seen[1]
    texts, positive, numbers = [], [], []
    dropped = {"in both files": len(both), "repeated": 0}
    for side, lines in enumerate(listed):
        known = set(both)
        for number, text in lines:
            key = " ".join(words_of(text))
            if key in known:
                dropped["repeated"] += key not in both
                continue
            known.add(key)
            texts.append(text)
            positive.append(side == 0)
            numbers.append(number)
    found = Sentences(tuple(texts), np.array(positive, bool), np.array(numbers, np.int64), dropped)
    for side, path in ((True, positives), (False, negatives)):
        if not (found.positive == side).any():
            raise BadData(
                f"Nothing is left of {path}: each of its sentences is in the other file too.",
                "A classifier needs sentences of two kinds.",
            )
    return found


def line_count(paths: Sequence[Path]) -> str:
    """The files' names and sentences, for a card: names alone, whatever folder they lie in."""
    return ", ".join(f"{path.name} ({len(read_lines(path)):,} lines)" for path in paths)

"""Near-duplicates stay on one side of every split.

Lists that a language model wrote say the same thing many times ("the hum of a fridge", "a fridge
hums"); split line by line, they would test a classifier on what it has learnt by heart. Sentences
that share at least half of their content words' stems are joined, and so are the friends of
friends; only whole groups are dealt out.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

import numpy as np

from aacbench.builtin.classifiers.sentences import word_table, words_of

if TYPE_CHECKING:
    import numpy.typing as npt

THRESHOLD = 0.5  # Jaccard index of the sets of stems
HELD_OUT = 0.15  # share of all groups
VALIDATION = 0.1  # share of what is left, on either half
DEAL = b"aacbench sentences 1"  # seed of the deal: another text, another split
STEM = 3  # letters that a suffix must leave

Half = Literal["first", "second", "all"]

STOP_WORDS = frozenset(word_table()["stop"].split())


def stems(text: str) -> frozenset[str]:
    """Content words without their commonest English endings; all words where none has content."""
    words = words_of(text)
    return frozenset(_stem(word) for word in words if word not in STOP_WORDS) or frozenset(words)


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) >= len(ending) + STEM:
            return word[: -len(ending)]
    return word


def near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD) -> npt.NDArray[np.int64]:
    """(texts,) the number of each text's group: connected components of the pairs whose sets of
    stems have a Jaccard index of `threshold` or more."""
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    numbers: dict[str, int] = {}
    rows, columns = [], []
    for row, text in enumerate(texts):
        for stem in sorted(stems(text)):
            rows.append(row)
            columns.append(numbers.setdefault(stem, len(numbers)))
    ones = np.ones(len(rows), np.int32)
    holds = sparse.csr_matrix((ones, (rows, columns)), (len(texts), max(1, len(numbers))))
    sizes = np.asarray(holds.sum(1)).ravel()
    shared = sparse.coo_matrix(holds @ holds.T)
    alike = shared.data >= threshold * (sizes[shared.row] + sizes[shared.col] - shared.data)
    pairs = (np.ones(int(alike.sum()), bool), (shared.row[alike], shared.col[alike]))
    joined = sparse.csr_matrix(pairs, (len(texts), len(texts)))
    return np.asarray(connected_components(joined, directed=False)[1], np.int64)


def deal(texts: Sequence[str], groups: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.bool_]]:
    """Which texts are ``held_out``, and of either half ``first``, ``first_validation``...

    A group's place follows from the words of its smallest sentence alone: the order of a file and
    the groups beside it move nothing.
    """
    smallest: dict[int, str] = {}
    for text, group in zip(texts, groups.tolist(), strict=True):
        key = " ".join(words_of(text))
        smallest[group] = min(smallest.get(group, key), key)
    places = {group: _place(key) for group, key in smallest.items()}
    found = np.array([places[group] for group in groups.tolist()])
    names = ("held_out", "first", "first_validation", "second", "second_validation")
    return {name: found == name for name in names}


def _place(key: str) -> str:
    digest = blake2b(key.encode("utf-8", "replace"), key=DEAL, digest_size=12).digest()
    held, half, check = (int.from_bytes(digest[at : at + 4], "big") / 2**32 for at in (0, 4, 8))
    if held < HELD_OUT:
        return "held_out"
    return ("first" if half < 0.5 else "second") + ("_validation" if check < VALIDATION else "")


def parts_of(
    dealt: dict[str, npt.NDArray[np.bool_]], half: Half
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """What a classifier of `half` learns from, and what its temperature is chosen on."""
    halves = ("first", "second") if half == "all" else (half,)
    learning = np.logical_or.reduce([dealt[name] for name in halves])
    checking = np.logical_or.reduce([dealt[f"{name}_validation"] for name in halves])
    return learning, checking

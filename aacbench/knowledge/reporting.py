"""What refining a base does: which pairs it drops, and how like the query the found ones are.

The second is figure 1 of Choi et al.: for each way of searching, the mean similarity of the query's
sound to the sounds that are found, and of the query's captions to the captions that are found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.probes import WAYS, Hits, Rows, probe
from aacbench.knowledge.refining import kept_rows
from aacbench.knowledge.scanning import Numbers, single
from aacbench.knowledge.searching import search

if TYPE_CHECKING:
    from aacbench.types import FloatArray

EXAMPLES = 5


@dataclass(frozen=True)
class Queries:
    """Clips that are looked up: `heard` (clips, dim), and of each the embeddings of its captions.

    `said` (clips, dim) is what pair-to-pair asks with; `references`, (captions, dim) each, is what
    found captions are compared with, and should not hold `said`. `recordings` names each clip's
    recording, whose own pairs do not count.
    """

    recordings: tuple[str, ...]
    heard: Rows
    said: Rows
    references: tuple[Rows, ...]


@dataclass(frozen=True)
class Similarity:
    """(clips,) each: a clip's mean similarity to what was found, NaN where nothing was."""

    audio: FloatArray
    text: FloatArray


def dropped(base: KnowledgeBase, refined: KnowledgeBase, seed: int = 0) -> dict[str, Any]:
    """By data set, how many of the base's pairs were kept and dropped, and some that were dropped.

    ``{"clotho@development": {"kept": n, "dropped": n, "examples": [caption, ...]}}``.
    """
    kept = np.zeros(len(base), np.bool_)
    kept[kept_rows(refined)] = True
    told: dict[str, dict[str, Any]] = {}
    gone: dict[str, list[int]] = {}
    for row, entry in enumerate(base.all_entries()):
        counts = told.setdefault(entry.dataset, {"kept": 0, "dropped": 0})
        counts["kept" if kept[row] else "dropped"] += 1
        if not kept[row]:
            gone.setdefault(entry.dataset, []).append(row)
    for dataset, counts in told.items():
        rows = np.asarray(gone.get(dataset, []), np.int64)
        counts["examples"] = _examples(base, rows, seed)
    return told


def _examples(base: KnowledgeBase, rows: Numbers, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    drawn = rng.choice(rows, min(EXAMPLES, len(rows)), replace=False) if len(rows) else rows
    return [entry.caption for entry in base.entries(np.sort(drawn).tolist())]


def similarity_report(
    bases: Sequence[KnowledgeBase],
    queries: Queries,
    k: int = 5,
    weight: float = 0.5,
    how: str = "auto",
) -> list[Mapping[str, Similarity]]:
    """Of each base, and of each way by name, how like the queries their `k` neighbours are."""
    return [_of_base(base, queries, k, weight, how) for base in bases]


def _of_base(
    base: KnowledgeBase, queries: Queries, k: int, weight: float, how: str
) -> dict[str, Similarity]:
    known = base.rows_by_recording()
    none = np.zeros(0, np.int64)
    own = [known.get(recording, none).tolist() for recording in queries.recordings]
    found = {}
    for way in WAYS:
        asked = probe(way, queries.heard, queries.said, weight)
        found[way] = _similarity(base, queries, search(base, asked, k, own, how))
    return found


def _similarity(base: KnowledgeBase, queries: Queries, hits: Hits) -> Similarity:
    audio, text = (np.full(len(queries.heard), np.nan) for _ in range(2))
    for clip, rows in enumerate(hits.rows):
        there = rows[rows >= 0].tolist()
        if there:
            heard, said = (single(half) for half in base.vectors(there))
            audio[clip] = (heard @ queries.heard[clip]).mean()
            text[clip] = (queries.references[clip] @ said.T).mean()
    return Similarity(audio, text)

"""Exact search of a knowledge base: all of its rows, block by block, and the same hits always.

Products of many queries and rows are taken in single precision, as quick as the machine can. How
they round depends on which queries share the call, on threads and on the machine; so they only
say which rows may be among the best, by a bound on what rounding can do. The scores of those few
are taken anew in double precision, each pair by itself, and it is these that decide.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from aacbench.errors import BadOption
from aacbench.knowledge.base import Block, KnowledgeBase
from aacbench.knowledge.probes import Hits, Probe, Rows
from aacbench.knowledge.shards import Half

Numbers = npt.NDArray[np.int64]
Excluded = Sequence[Collection[int]]

BLOCK = 8192
"""Rows held in single precision at a time: 32 MB at 1024 numbers a row."""

QUERIES = 256
"""Queries multiplied with a block at a time."""

PAIRS = 2048
"""Pairs of query and row held in double precision at a time."""


def exact(base: KnowledgeBase, probe: Probe, k: int, excluded: Excluded | None = None) -> Hits:
    """The `k` best rows of each query; `excluded` holds, for each, the rows that do not count.

    Ties go to the lower row. Each query's hits are the same whatever else is asked in the call.
    Fewer than `k` rows are given where the base has no more. `BadOption` if the queries are of
    another encoder's dimension, or `k` is below 1.
    """
    check(base, probe, k)
    best = _Best(probe, k)
    out = _Left(excluded, len(probe))
    for block in base.blocks(BLOCK):
        audio = None if probe.audio is None else single(block.audio)
        text = None if probe.text is None else single(block.text)
        for start in range(0, len(probe), QUERIES):
            part = slice(start, min(start + QUERIES, len(probe)))
            found = _products(probe.at(part), audio, text)
            queries, rows = out.inside(part.start, part.stop, block.first, found.shape[1])
            found[queries - part.start, rows - block.first] = -np.inf
            best.meet(part.start, found, block)
    return best.hits()


def check(base: KnowledgeBase, probe: Probe, k: int) -> None:
    """Raise `BadOption` for queries that the base cannot be asked."""
    if k < 1:
        raise BadOption(f"{k} neighbours are too few.", "Ask for 1 or more.")
    for half in (probe.audio, probe.text):
        if half is not None and half.shape[1:] != (base.dim,):
            raise BadOption(
                f"A query of {half.shape[-1]} numbers does not fit {base.path}, which "
                f"{base.encoder} filled with {base.dim} a side.",
                "Embed the query with that encoder, or build a base with yours: aacbench kb build",
            )


def rounding(probe: Probe, dim: int) -> npt.NDArray[np.float64]:
    """(queries,) how far a product in single precision may be off, in whatever order it is summed:
    one rounding for each of the terms, on rows of unit length."""
    return 1.02 * (dim + 4) * 2.0**-24 * probe.lengths


def double_scores(probe: Probe, queries: Numbers, audio: Half | None, text: Half | None) -> Rows:
    """(pairs,) the scores of pairs: a query each, and the two halves of a row, (pairs, dim), of
    which the one that the queries do not ask for may be None.

    A pair's score depends on that pair alone.
    """
    scores = np.zeros(len(queries), np.float64)
    for half, rows in ((probe.audio, audio), (probe.text, text)):
        if half is not None and rows is not None:
            asked = half[queries].astype(np.float64)
            scores += np.einsum("ij,ij->i", asked, single(rows).astype(np.float64))
    return scores.astype(np.float32)


def single(half: Half) -> Rows:
    """Half precision as single, by torch, which is far quicker at it than numpy."""
    import torch

    given = half if half.flags.writeable else np.array(half)
    converted: Rows = torch.from_numpy(np.ascontiguousarray(given)).float().numpy()
    return converted


def ranked(
    queries: Numbers, rows: Numbers, scores: Rows, k: int
) -> tuple[Numbers, Numbers, Rows, Numbers]:
    """The `k` best of each query, of ties the lower row: queries, rows, scores and ranks."""
    order = np.lexsort((rows, -scores, queries))
    queries, rows, scores = queries[order], rows[order], scores[order]
    first = np.searchsorted(queries, queries)
    rank = np.arange(len(queries)) - first
    kept = rank < k
    return queries[kept], rows[kept], scores[kept], rank[kept]


def _products(probe: Probe, audio: Rows | None, text: Rows | None) -> Rows:
    """(queries, rows) inner products in single precision."""
    import torch

    sums = [
        torch.from_numpy(np.ascontiguousarray(asked)) @ torch.from_numpy(rows).T
        for asked, rows in ((probe.audio, audio), (probe.text, text))
        if asked is not None and rows is not None
    ]
    total: Rows = (sums[0] if len(sums) == 1 else sums[0].add_(sums[1])).numpy()
    return total


class _Left:
    """The pairs of query and row that do not count, found by block."""

    def __init__(self, excluded: Excluded | None, queries: int) -> None:
        if excluded is not None and len(excluded) != queries:
            raise ValueError("one collection of excluded rows is due for each query")
        pairs = [(row, query) for query, rows in enumerate(excluded or ()) for row in rows]
        self._pairs = np.array(sorted(pairs), np.int64).reshape(-1, 2)

    def inside(self, start: int, end: int, first: int, rows: int) -> tuple[Numbers, Numbers]:
        """The pairs of queries `start` to `end` and of a block: query numbers and row numbers."""
        low, high = np.searchsorted(self._pairs[:, 0], [first, first + rows])
        here = self._pairs[low:high]
        here = here[(start <= here[:, 1]) & (here[:, 1] < end)]
        return here[:, 1], here[:, 0]


class _Best:
    """The best rows of each query so far, with their scores in double precision."""

    def __init__(self, probe: Probe, k: int) -> None:
        self._probe = probe
        self._k = k
        self._rows = np.full((len(probe), k), -1, np.int64)
        self._scores = np.full((len(probe), k), -np.inf, np.float32)
        half = probe.audio if probe.audio is not None else probe.text
        self._slack = 2 * rounding(probe, 0 if half is None else 2 * half.shape[1])

    def hits(self) -> Hits:
        """What was found."""
        return Hits(self._rows, self._scores)

    def meet(self, start: int, found: Rows, block: Block) -> None:
        """Take in a block's products with the queries from `start` on, (queries, rows)."""
        known = self._scores[start : start + len(found), -1].astype(np.float64)
        if found.shape[1] > self._k and np.isneginf(known).any():
            place = found.shape[1] - self._k
            known = np.maximum(known, np.partition(found, place, axis=1)[:, place])
        bar = (known - self._slack[start : start + len(found)]).astype(np.float32)
        bar = np.nextafter(bar, np.float32(-np.inf))
        # Few queries find anything in a block when many have been seen: the others are passed by.
        some = np.flatnonzero(found.max(axis=1) >= bar)
        near, rows = np.nonzero((found[some] >= bar[some, None]) & (found[some] > -np.inf))
        if not len(rows):
            return
        queries = some[near] + start
        scores = np.empty(len(rows), np.float32)
        for low in range(0, len(rows), PAIRS):
            part = slice(low, low + PAIRS)
            audio, text = block.audio[rows[part]], block.text[rows[part]]
            scores[part] = double_scores(self._probe, queries[part], audio, text)
        self._merge(queries, rows + block.first, scores)

    def _merge(self, queries: Numbers, rows: Numbers, scores: Rows) -> None:
        touched = np.unique(queries)
        old_rows, old_scores = self._rows[touched].ravel(), self._scores[touched].ravel()
        there = old_rows >= 0
        several = np.concatenate([np.repeat(touched, self._k)[there], queries])
        several, rows, scores, rank = ranked(
            several,
            np.concatenate([old_rows[there], rows]),
            np.concatenate([old_scores[there], scores]),
            self._k,
        )
        self._rows[several, rank] = rows
        self._scores[several, rank] = scores

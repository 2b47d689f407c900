"""The best so many of a stream of scores, for many queries at once, whatever order ties come in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
Items = npt.NDArray[np.int64]


class Best:
    """The `k` best items of each query, from scores that come a stretch of items at a time.

    `items`, (queries, k), are the items' numbers, best first, -1 where there are no more; `scores`
    are theirs. Stretches come in the items' order. Of equal scores the lower item is the better;
    an item with a score of -inf does not count.
    """

    def __init__(self, queries: int, k: int) -> None:
        self.items: Items = np.full((queries, k), -1, np.int64)
        self.scores: Scores = np.full((queries, k), -np.inf, np.float32)

    def offer(self, scores: Scores, first: int) -> None:
        """Take in the scores, (queries, n), of the items `first` to `first` + n - 1."""
        k, n = self.items.shape[1], scores.shape[1]
        wanted = scores > self.scores[:, -1:]
        if n > k:  # what is worse than the k-th best of this stretch has no chance
            wanted &= scores >= np.partition(scores, n - k, axis=1)[:, n - k, None]
        queries, columns = np.nonzero(wanted)
        if not len(queries):
            return
        counts = np.bincount(queries, minlength=len(scores))
        places = np.arange(len(queries)) - np.repeat(np.cumsum(counts) - counts, counts)
        value = np.full((len(scores), counts.max()), -np.inf, np.float32)
        item = np.full(value.shape, -1, np.int64)
        value[queries, places] = scores[queries, columns]
        item[queries, places] = columns + first
        value, item = np.hstack([self.scores, value]), np.hstack([self.items, item])
        order = np.argsort(-value, axis=1, kind="stable")[:, :k]
        self.scores = np.take_along_axis(value, order, 1)
        self.items = np.take_along_axis(item, order, 1)

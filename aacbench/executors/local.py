"""This machine: sounds are decoded ahead on threads, captions are made in batches here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def batches(
    prepare: Callable[[Given], Made], groups: Sequence[Sequence[Given]], workers: int
) -> Iterator[list[Made]]:
    """`prepare` every item on `workers` threads, and give the groups whole and in order.

    At most two groups are prepared ahead, so memory does not grow with the run.
    """
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        waiting: deque[list[Future[Made]]] = deque()
        try:
            for group in groups:
                waiting.append([pool.submit(prepare, item) for item in group])
                if len(waiting) > 2:
                    yield [future.result() for future in waiting.popleft()]
            while waiting:
                yield [future.result() for future in waiting.popleft()]
        finally:
            for futures in waiting:
                for future in futures:
                    future.cancel()

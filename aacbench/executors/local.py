"""This machine: items are prepared ahead on threads, groups are worked on here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")
Result = TypeVar("Result")

AHEAD = 2  # groups prepared beyond the one that is worked on, so that memory does not grow


class Local:
    """The executor that needs nothing: `workers` threads prepare, this thread works."""

    def __init__(self, workers: int = 2) -> None:
        self.workers = max(1, workers)

    def run(
        self,
        prepare: Callable[[Given], Made],
        worker: Callable[[], Callable[[list[Made]], Result]],
        groups: Sequence[Sequence[Given]],
    ) -> Generator[Result, None, None]:
        """See `Executor.run`."""
        work = worker()
        return (work(made) for made in self._prepared(prepare, groups))

    def _prepared(
        self, prepare: Callable[[Given], Made], groups: Sequence[Sequence[Given]]
    ) -> Iterator[list[Made]]:
        with ThreadPoolExecutor(max_workers=self.workers) as pool:
            waiting: deque[list[Future[Made]]] = deque()
            try:
                for group in groups:
                    waiting.append([pool.submit(prepare, item) for item in group])
                    if len(waiting) > AHEAD:
                        yield [future.result() for future in waiting.popleft()]
                while waiting:
                    yield [future.result() for future in waiting.popleft()]
            finally:
                for futures in waiting:
                    for future in futures:
                        future.cancel()

"""Stages of captioning, named where they happen and measured where somebody listens.

    with stage("retrieve"):
        neighbours = index.nearest(heard)

A captioner, an encoder or a guide names its stages so; `aacbench profile` listens. While nobody
does, a stage costs one look at a context variable. The names that profiles know are in `STAGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from types import TracebackType

STAGES = ("decode", "resample", "encode", "retrieve", "guide", "generate")
"""In the order in which a clip goes through them."""

REST = "overhead"

Meter = Callable[[], float]
"""Reads what is spent so far: seconds, floating-point operations; never goes back."""


class Listener:
    """Charges each stage with what its meter says was spent in it, and in no stage inside it.

    `spent` maps a stage to its sum; what lies in no stage is `REST`'s. The sums add up to all that
    the meter counted from the first to the last reading.
    """

    def __init__(self, meter: Meter) -> None:
        self.spent: dict[str, float] = {}
        self._meter = meter
        self._open = [REST]
        self._read = meter()

    def enter(self, name: str) -> None:
        """What follows is charged to this stage."""
        self._charge()
        self._open.append(name)

    def leave(self) -> None:
        """What follows is charged to the stage around the newest."""
        self._charge()
        self._open.pop()

    def stop(self) -> None:
        """Charge what was spent since the last reading."""
        self._charge()

    def _charge(self) -> None:
        now = self._meter()
        name = self._open[-1]
        self.spent[name] = self.spent.get(name, 0) + now - self._read
        self._read = now


_listener: ContextVar[Listener | None] = ContextVar("aacbench_stages", default=None)


class stage(ContextDecorator):
    """A stage of captioning: a context, or a decorator of the function that is the stage."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        listener = _listener.get()
        if listener is not None:
            listener.enter(self._name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        listener = _listener.get()
        if listener is not None:
            listener.leave()


@contextmanager
def listening(meter: Meter) -> Iterator[Listener]:
    """Listen to the stages of what runs inside, in this thread."""
    listener = Listener(meter)
    token = _listener.set(listener)
    try:
        yield listener
    finally:
        listener.stop()
        _listener.reset(token)

"""Where work is done: on this machine, or on the machines of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from importlib.util import find_spec
from typing import Protocol, TypeVar

from aacbench.errors import BadOption, MissingRequirement, nearest
from aacbench.executors.local import Local

Given = TypeVar("Given")
Made = TypeVar("Made")
Result = TypeVar("Result")

NAMES = ("local", "ray")


class Executor(Protocol):
    """Does the same work to many groups of items. What comes out never depends on which one."""

    def run(
        self,
        prepare: Callable[[Given], Made],
        worker: Callable[[], Callable[[list[Made]], Result]],
        groups: Sequence[Sequence[Given]],
    ) -> Generator[Result, None, None]:
        """The result of each group, whole and in the groups' order.

        `prepare` is applied to every item ahead of need, on threads or in other processes, and to
        a bounded number of groups. `worker` is called once in each process that works, where it
        builds the model; what it returns is applied to one group's prepared items at a time. The
        first worker stands when `run` returns: what `worker` raises is raised here, and whatever
        else is raised comes with the group it belongs to. Functions, items and results must be
        picklable (by cloudpickle), and prepared items may be written into. Closing the results lets
        everybody go.
        """
        ...


def choose(name: str, workers: int = 2, device: str = "cpu") -> Executor:
    """The executor of that name.

    `workers` are threads that prepare on ``local``, and on ``ray`` processes that each hold a
    model, on `device`. `MissingRequirement` where Ray is asked for and not installed.
    """
    if name == "local":
        return Local(workers)
    if name != "ray":
        raise BadOption(f"There is no executor '{name}'.", nearest(name, NAMES))
    if find_spec("ray") is None:
        raise MissingRequirement(
            "The executor 'ray' needs the package 'ray', which is not installed.",
            "Type: pip install 'aacbench[ray]'",
        )
    from aacbench.executors.ray import Ray

    return Ray(workers, device)

"""Many processes, on one machine or many: Ray tasks prepare, Ray actors hold a model each and work.

Nothing here is collective: a process that dies takes one group with it, which another one is given.
The driver holds the order and the bounds: at most `AHEAD` groups for each worker are under way, so
neither memory nor the object store grows with the run.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable, Generator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar

import ray

from aacbench.errors import AacbenchError
from aacbench.executors.cluster import Places, connected, needs

LOG = logging.getLogger(__name__)

Given = TypeVar("Given")
Made = TypeVar("Made")
Result = TypeVar("Result")

AHEAD = 3  # for each worker: one that it works on, one that is ready, one that is prepared
PATIENCE = 60.0  # seconds without a worker after which it is said what the cluster has free
ATTEMPTS = 3  # processes that a group may take down before it is at fault


class Ray:
    """Runs groups on the cluster that RAY_ADDRESS names, or on one started here and stopped after.

    `workers` is how many processes build a model, on `device`; where that is a GPU they share
    what the cluster has.
    """

    def __init__(self, workers: int = 2, device: str = "cpu") -> None:
        self.workers = max(1, workers)
        self.device = device

    def run(
        self,
        prepare: Callable[[Given], Made],
        worker: Callable[[], Callable[[list[Made]], Result]],
        groups: Sequence[Sequence[Given]],
    ) -> Generator[Result, None, None]:
        """See `Executor.run`. Raises `AacbenchError` where a group takes down `ATTEMPTS` processes.

        Files and settings are looked up where the work is done, in the folder of the same name.
        """
        return _begun(self._steps(prepare, worker, groups))

    def _steps(
        self, prepare: Callable[..., Any], worker: Callable[..., Any], groups: Sequence[Any]
    ) -> Generator[Any, None, None]:
        workers = max(1, min(self.workers, len(groups)))
        with connected(workers) as told:
            make = _maker(prepare, {**told, "scheduling_strategy": "SPREAD"})
            needed = needs(self.device, workers)
            hire = _hirer(worker, {**told, **needed}, Places(self.device))
            shift = Shift(make, hire, groups, workers)
            try:
                shift.await_worker()
                yield None
                for number in range(len(groups)):
                    yield shift.result(number)
            finally:
                shift.close()


def _begun(steps: Generator[Any, None, None]) -> Generator[Any, None, None]:
    """The steps after the first, which is taken at once."""
    next(steps)
    return steps


@dataclass(frozen=True)
class Tried:
    """What a function gave, or what it raised, as data: Ray would wrap it in its own kinds."""

    value: Any = None
    error: BaseException | None = None

    def opened(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


def tried(function: Callable[..., Any], *given: Any) -> Tried:
    """Call it, and keep what it raises in a form that can be sent."""
    try:
        return Tried(function(*given))
    except Exception as error:
        if isinstance(error, AacbenchError):
            return Tried(error=error)
        text = "".join(traceback.format_exception(error))
        try:
            ray.cloudpickle.loads(ray.cloudpickle.dumps(error))
        except Exception:
            error = RuntimeError(f"{type(error).__name__}: {error}")
        error.add_note(f"In another process:\n{text}")
        return Tried(error=error)


def prepared(prepare: Callable[[Any], Any], folder: str, group: Sequence[Any]) -> Tried:
    """A Ray task: one group, prepared."""
    go_to(folder)
    return tried(lambda: [prepare(item) for item in group])


class Worker:
    """A Ray actor: a process with a model in it."""

    def __init__(self, folder: str) -> None:
        go_to(folder)
        self._work: Callable[[list[Any]], Any] | None = None

    def build(self, worker: Callable[[], Callable[[list[Any]], Any]]) -> Tried:
        """Make ready for work."""
        found = tried(worker)
        self._work = found.value
        return Tried(error=found.error)

    def work(self, given: Tried) -> Tried:
        """The result of a group. What comes out of the object store is read-only; a captioner may
        write into the sounds that it is given, so it is given copies."""
        if given.error is not None or self._work is None:
            return given
        return tried(self._work, deepcopy(given.value))


def go_to(folder: str) -> None:
    """Relative paths mean what they mean to the driver, where its folder is there too."""
    if os.path.isdir(folder) and os.getcwd() != folder:
        os.chdir(folder)


def _maker(prepare: Callable[..., Any], settings: dict[str, Any]) -> Callable[[Any], Any]:
    """A group -> where it will be, prepared."""
    task, how = ray.remote(prepared).options(**settings), ray.put(prepare)
    folder = os.getcwd()
    return lambda group: task.remote(how, folder, group)


def _hirer(
    worker: Callable[..., Any], settings: dict[str, Any], place: Places
) -> Callable[[], tuple[Any, Any]]:
    """Gives a new worker each time, after what tells when it stands."""
    actors, who = ray.remote(Worker), ray.put(worker)
    folder = os.getcwd()

    def hire() -> tuple[Any, Any]:
        actor = actors.options(**settings, **place()).remote(folder)
        return actor.build.remote(who), actor

    return hire


@dataclass
class Job:
    """A group under way: where it has been prepared, and how many processes died of it."""

    number: int
    made: Any = None
    lost: int = 0


class Shift:
    """What is under way: groups being prepared, ready, or with a worker, and workers."""

    def __init__(
        self,
        make: Callable[[Any], Any],
        hire: Callable[[], tuple[Any, Any]],
        groups: Sequence[Any],
        workers: int,
    ) -> None:
        self._make = make
        self._hire = hire
        self._groups = groups
        self._ahead = AHEAD * workers
        self._given = 0
        self._preparing: dict[Any, Job] = {}
        self._ready: list[Job] = []
        self._building: dict[Any, Any] = dict(hire() for _ in range(workers))
        self._idle: list[Any] = []
        self._working: dict[Any, tuple[Job, Any]] = {}
        self._done: dict[int, Tried] = {}
        self._lost_building = 0

    def await_worker(self) -> None:
        """Wait until one stands; raises what building it raised."""
        self._give(self._ahead)
        while not self._idle:
            if not self._wait(PATIENCE):
                free = {n: v for n, v in ray.available_resources().items() if n in {"CPU", "GPU"}}
                LOG.warning("Still no worker that stands; the Ray cluster has free: %s", free)

    def result(self, number: int) -> Any:
        """The result of a group; called with every number in turn."""
        self._give(number + self._ahead)
        self._wait(0.0)
        self._hand_out()
        while number not in self._done:
            self._wait()
            self._hand_out()
        return self._done.pop(number).opened()

    def close(self) -> None:
        """Let everybody go."""
        for ref in [*self._preparing]:
            ray.cancel(ref)
        actors = [*self._idle, *self._building.values(), *(a for _, a in self._working.values())]
        for actor in actors:
            ray.kill(actor)

    def _give(self, end: int) -> None:
        """Have the groups before `end` prepared."""
        while self._given < min(end, len(self._groups)):
            self._send(Job(self._given))
            self._given += 1

    def _send(self, job: Job) -> None:
        job.made = self._make(self._groups[job.number])
        self._preparing[job.made] = job

    def _replace(self) -> None:
        ref, actor = self._hire()
        self._building[ref] = actor

    def _hand_out(self) -> None:
        """Groups in their order to whoever is free."""
        self._ready.sort(key=lambda job: job.number)
        while self._ready and self._idle:
            job, actor = self._ready.pop(0), self._idle.pop()
            self._working[actor.work.remote(job.made)] = job, actor

    def _wait(self, seconds: float | None = None) -> bool:
        """Until something has happened, which False says has not; sounds stay where they are.

        Of 0 seconds, everything that has happened.
        """
        under_way = [*self._preparing, *self._building, *self._working]
        if not under_way:
            return False
        many = len(under_way) if seconds == 0 else 1
        happened = ray.wait(under_way, num_returns=many, timeout=seconds, fetch_local=False)[0]
        for ref in happened:
            if ref in self._preparing:
                self._ready.append(self._preparing.pop(ref))
            elif ref in self._building:
                self._built(ref)
            else:
                self._worked(ref)
        return bool(happened)

    def _built(self, ref: Any) -> None:
        actor = self._building.pop(ref)
        try:
            found = ray.get(ref)
        except ray.exceptions.RayActorError as error:
            self._lost_building += 1
            if self._lost_building >= ATTEMPTS:
                raise _died("building the model", error) from error
            self._replace()
            return
        self._idle.append(actor)
        found.opened()
        self._lost_building = 0

    def _worked(self, ref: Any) -> None:
        job, actor = self._working.pop(ref)
        try:
            self._done[job.number] = ray.get(ref)
        except ray.exceptions.RayTaskError:  # what came out cannot be sent: it never can
            raise
        except ray.exceptions.RayError as error:
            self._lose(job, actor, error)
        else:
            self._idle.append(actor)

    def _lose(self, job: Job, actor: Any, error: Exception) -> None:
        """A worker died, or what had been prepared went with the machine that held it."""
        job.lost += 1
        if job.lost >= ATTEMPTS:
            first = repr(self._groups[job.number][0])
            what = f"group {job.number + 1} of {len(self._groups)}, which begins with {first:.100}"
            raise _died(what, error) from error
        if isinstance(error, ray.exceptions.RayActorError):
            self._replace()
            self._ready.append(job)
        else:
            self._idle.append(actor)
            self._send(job)


def _died(what: str, error: Exception) -> AacbenchError:
    last = " ".join(str(error).split())
    return AacbenchError(
        f"{ATTEMPTS} processes in a row were lost at {what}. Ray says: {last:.500}",
        "Where memory ran out: fewer --workers or a smaller --batch-size. What is done is kept.",
    )

"""Whether the machine was fit to measure on: what else ran, whether clocks and memory held still.

Everything is read from the kernel's own counters before and after; what a system does not count is
left out and named. A figure that was measured beside other work is INVALID with the reason.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BEFORE_SECONDS = 0.5
OTHERS = 0.10  # of all cores, that others may keep busy
STEAL = 0.02  # of all cores' time, that the host may take away
DRIFT = 0.10  # by which the same piece of work may change
ASLEEP = 0.05  # seconds in which the clock that counts sleep may run ahead
WORK = 20_000

PROC_STAT, VMSTAT = Path("/proc/stat"), Path("/proc/vmstat")
THROTTLES = "/sys/devices/system/cpu"
CGROUPS = (Path("/sys/fs/cgroup/cpu.stat"), Path("/sys/fs/cgroup/cpu/cpu.stat"))


@dataclass(frozen=True)
class Reading:
    """Counters at one moment; None for one that this system does not keep.

    `busy` and `steal` are seconds summed over cores, `own` this process's seconds of processor.
    """

    clock: float
    awake: float | None
    own: float
    busy: float | None
    steal: float | None
    swapped: int | None
    throttled: int | None


@dataclass(frozen=True)
class Conditions:
    """What was seen, as shares of the machine, and the sentences against it."""

    seen: Mapping[str, Any]
    reasons: tuple[str, ...] = field(default=())


def read() -> Reading:
    """The counters now."""
    busy, steal = _processor_seconds()
    spent = os.times()
    own = spent.user + spent.system + spent.children_user + spent.children_system
    return Reading(time.perf_counter(), _boot_time(), own, busy, steal, _swapped(), _throttled())


def reference_seconds() -> float:
    """Seconds of processor of a fixed piece of work, the quickest of some runs: others that wait
    for the same core do not count, a slower clock does."""
    quickest = float("inf")
    for _ in range(9):
        began = time.thread_time()
        sum(number * number for number in range(WORK))
        quickest = min(quickest, time.thread_time() - began)
    return quickest


class Watch:
    """Watches from its making, before anything is measured, to `end`."""

    def __init__(self) -> None:
        self._load = _load()
        first = read()
        time.sleep(BEFORE_SECONDS)
        self._before = _others(first, read())
        self._work = reference_seconds()
        self._start = read()

    def begin(self) -> None:
        """What is measured begins now; loading a captioner before it does not count."""
        self._start = read()

    def end(self) -> Conditions:
        """What was seen since `begin`."""
        last = read()
        cores = os.cpu_count() or 1
        elapsed = max(1e-9, last.clock - self._start.clock)
        steal = _difference(self._start.steal, last.steal)
        seen = {
            "load_before": self._load,
            "others_before": self._before,
            "others_during": _others(self._start, last),
            "steal": None if steal is None else steal / (elapsed * cores),
            "clock_drift": reference_seconds() / self._work - 1,
            "pages_swapped": _difference(self._start.swapped, last.swapped),
            "throttled": _difference(self._start.throttled, last.throttled),
            "asleep_s": _asleep(self._start, last),
        }
        return Conditions(seen, tuple(against(seen)))


def against(seen: Mapping[str, Any]) -> list[str]:
    """The sentences against a measurement; empty where nothing speaks against it."""
    found = []
    for name, when in (("others_before", "before the start"), ("others_during", "meanwhile")):
        if (seen[name] or 0) > OTHERS:
            found.append(f"other processes kept {seen[name]:.0%} of the processor busy {when}")
    if (seen["steal"] or 0) > STEAL:
        found.append(f"the host took {seen['steal']:.0%} of the processor's time away (steal)")
    if abs(seen["clock_drift"]) > DRIFT:
        found.append(
            f"the processor's speed drifted: the same work took {seen['clock_drift']:+.0%} of its "
            "time at the end"
        )
    if seen["throttled"]:
        found.append(f"the processor was throttled {seen['throttled']} times")
    if seen["pages_swapped"]:
        found.append(f"{seen['pages_swapped']} pages of memory were swapped")
    if (seen["asleep_s"] or 0) > ASLEEP:
        found.append(f"the machine slept for {seen['asleep_s']:.1f} s meanwhile")
    return found


def _others(first: Reading, last: Reading) -> float | None:
    """The share of the machine that processes other than this one kept busy."""
    busy = _difference(first.busy, last.busy)
    elapsed = last.clock - first.clock
    if busy is None or elapsed <= 0:
        return None
    others: float = busy - (last.own - first.own)
    return max(0.0, others / (elapsed * (os.cpu_count() or 1)))


def _difference(first: Any, last: Any) -> Any:
    return None if first is None or last is None else last - first


def _asleep(first: Reading, last: Reading) -> float | None:
    slept = _difference(first.awake, last.awake)
    return None if slept is None else max(0.0, slept)


def _boot_time() -> float | None:
    """By how much the clock that counts sleep is ahead of the one that does not, in seconds."""
    with suppress(AttributeError, OSError):
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    return None


def _load() -> float | None:
    with suppress(AttributeError, OSError):
        return os.getloadavg()[0]
    return None


def _processor_seconds() -> tuple[float | None, float | None]:
    """Seconds that all cores were busy, and those that a host took, since the start."""
    with suppress(OSError, ValueError, IndexError):
        line = PROC_STAT.read_text(encoding="ascii").splitlines()[0].split()
        ticks = [int(number) for number in line[1:]]
        a_second = os.sysconf("SC_CLK_TCK")
        user, nice, system, _, _, interrupts, soft, steal = ticks[:8]
        return (user + nice + system + interrupts + soft) / a_second, steal / a_second
    return None, None


def _swapped() -> int | None:
    with suppress(OSError, ValueError):
        lines = VMSTAT.read_text(encoding="ascii").splitlines()
        counts = dict(line.split() for line in lines)
        return int(counts["pswpin"]) + int(counts["pswpout"])
    return None


def _throttled() -> int | None:
    """Times that heat or a container's quota slowed the processor."""
    counts = [
        int(path.read_text(encoding="ascii"))
        for path in Path(THROTTLES).glob("cpu*/thermal_throttle/core_throttle_count")
    ]
    for path in CGROUPS:
        with suppress(OSError, ValueError):
            lines = dict(line.split() for line in path.read_text(encoding="ascii").splitlines())
            if "nr_throttled" in lines:
                counts.append(int(lines["nr_throttled"]))
                break
    return sum(counts) if counts else None

"""INVALID with its reason: whatever else kept the machine busy is seen and named."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from aacbench.profiling import conditions
from aacbench.profiling.conditions import Watch, against

QUIET = {
    "load_before": 0.1,
    "others_before": 0.01,
    "others_during": 0.02,
    "steal": 0.0,
    "clock_drift": 0.01,
    "pages_swapped": 0,
    "throttled": 0,
    "asleep_s": 0.0,
}


@pytest.fixture
def busy() -> Iterator[None]:
    """Processes that keep every core busy."""
    code = "print(1, flush=True)\nwhile True: pass"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            process.stdout.read(1)
        yield
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_other_processes_make_a_measurement_invalid(busy: None):
    watch = Watch()
    time.sleep(0.3)
    reasons = " ".join(watch.end().reasons)
    assert "of the processor busy before the start" in reasons
    assert "of the processor busy meanwhile" in reasons


def test_ones_own_work_is_not_held_against_one():
    first = conditions.Reading(0.0, 0.0, 5.0, 100.0, 0.0, 0, 0)
    alone = conditions.Reading(10.0, 0.0, 15.0, 110.0, 0.0, 0, 0)
    beside = conditions.Reading(10.0, 0.0, 15.0, 115.0, 0.0, 0, 0)
    assert conditions._others(first, alone) == 0.0
    assert conditions._others(first, beside) == pytest.approx(0.5 / (os.cpu_count() or 1))


def test_a_quiet_machine_has_nothing_against_it():
    assert against(QUIET) == []


def test_what_a_system_does_not_count_is_not_held_against_it():
    nothing = dict.fromkeys(QUIET) | {"clock_drift": 0.0}
    assert against(nothing) == []


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"others_before": 0.4}, "40% of the processor busy before the start"),
        ({"others_during": 0.4}, "40% of the processor busy meanwhile"),
        ({"steal": 0.1}, "took 10% of the processor's time away (steal)"),
        ({"clock_drift": 0.2}, "drifted: the same work took +20%"),
        ({"clock_drift": -0.2}, "drifted: the same work took -20%"),
        ({"pages_swapped": 7}, "7 pages of memory were swapped"),
        ({"throttled": 3}, "throttled 3 times"),
        ({"asleep_s": 2.0}, "slept for 2.0 s"),
    ],
)
def test_each_disturbance_is_named(seen: dict[str, float], said: str):
    (reason,) = against({**QUIET, **seen})
    assert said in reason

"""Stages: charged once each, to the innermost, and to nobody while nobody listens."""

from __future__ import annotations

import threading

import pytest

from aacbench.timing import REST, listening, stage


class Counter:
    """A meter that a test moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def spend(self, amount: float) -> None:
        self.now += amount


def test_a_stage_inside_another_is_not_charged_to_both():
    meter = Counter()
    with listening(meter) as heard:
        meter.spend(1)
        with stage("generate"):
            meter.spend(2)
            with stage("guide"):
                meter.spend(4)
            meter.spend(8)
        meter.spend(16)
    assert heard.spent == {REST: 17, "generate": 10, "guide": 4}
    assert sum(heard.spent.values()) == meter.now


def test_a_function_can_be_a_stage_and_be_called_within_itself():
    meter = Counter()

    @stage("retrieve")
    def find(depth: int) -> int:
        meter.spend(1)
        return depth and find(depth - 1)

    with listening(meter) as heard:
        find(2)
        find(0)
    assert heard.spent["retrieve"] == 4


def test_a_stage_that_fails_is_left():
    meter = Counter()

    @stage("encode")
    def fail() -> None:
        meter.spend(1)
        raise ValueError("broken")

    with listening(meter) as heard:
        with pytest.raises(ValueError, match="broken"):
            fail()
        meter.spend(2)
    assert heard.spent == {"encode": 1, REST: 2}


def test_nothing_is_measured_where_nobody_listens():
    meter = Counter()
    with listening(meter) as heard:
        pass
    with stage("encode"):
        meter.spend(1)
    assert "encode" not in heard.spent


def test_another_thread_is_not_charged_to_the_one_that_listens():
    meter = Counter()

    def work() -> None:
        with stage("encode"):
            meter.spend(3)

    with listening(meter) as heard, stage("generate"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert set(heard.spent) == {REST, "generate"}

"""The executor of this machine, and how one is chosen."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from pitches import planned

from aacbench import running
from aacbench.errors import BadOption, MissingRequirement
from aacbench.executors import choose
from aacbench.executors.local import AHEAD, Local


def test_results_come_whole_and_in_order_though_some_items_take_longer():
    late = threading.Event()

    def prepare(item: int) -> int:
        if item == 0:
            late.wait(5)
        if item == 3:
            late.set()
        return 10 * item

    groups = [[0, 1], [2], [3, 4, 5], [], [6]]
    results = Local(2).run(prepare, lambda: lambda made: made, groups)
    assert list(results) == [[0, 10], [20], [30, 40, 50], [], [60]]


def test_no_more_groups_are_prepared_than_are_soon_needed():
    prepared: list[int] = []
    groups = [[2 * number, 2 * number + 1] for number in range(50)]
    results = Local(8).run(lambda x: prepared.append(x), lambda: lambda made: len(made), groups)
    for number, _ in enumerate(results):
        assert len(prepared) <= 2 * (number + 1 + AHEAD)


def test_a_worker_that_cannot_be_built_is_known_before_anything_is_prepared():
    prepared: list[int] = []

    def worker() -> None:
        raise BadOption("no weights")

    with pytest.raises(BadOption, match="no weights"):
        Local().run(prepared.append, worker, [[1], [2]])
    assert prepared == []


def test_without_ray_the_run_says_what_to_install(
    sounds: Path, file: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "ray", None)
    made = planned(f"{file}:Tone", sounds, out, executor="ray")
    with pytest.raises(MissingRequirement, match="'ray'") as caught:
        running.run(made)
    assert "pip install 'aacbench[ray]'" in caught.value.hint
    assert not (made.folder.path / "manifest.json").exists()


def test_an_executor_that_there_is_not_is_refused_with_the_nearest():
    with pytest.raises(BadOption, match="'rya'") as caught:
        choose("rya")
    assert "ray" in caught.value.hint

"""Ray: the captions of one machine, in as many processes as one likes, whichever of them die."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from pitches import planned, without_times

from aacbench import running
from aacbench.errors import AacbenchError, BadOption, PluginFault
from aacbench.executors import choose

pytestmark = pytest.mark.usefixtures("shared_ray")


def both(captioner: object, target: object, out: Path, **settings: Any) -> tuple[Path, Path]:
    """The folders of two runs of the same: on this machine, and in two processes of Ray."""
    found = []
    for name in ("local", "ray"):
        made = planned(captioner, target, out / name, executor=name, workers=2, **settings)
        found.append(running.run(made).folder.path)
    return found[0], found[1]


def test_captions_are_those_of_this_machine(sounds: Path, file: Path, out: Path):
    local, ray = both(f"{file}:Tone", sounds, out, batch_size=2)
    assert without_times(ray) == without_times(local)
    assert len({line["text"] for line in without_times(ray)}) == 12


def test_two_workers_work_at_once_and_neither_is_this_process(tmp_path: Path):
    def work(made: list[int]) -> int:
        """Each waits for the other."""
        (tmp_path / str(os.getpid())).touch()
        enough = time.monotonic() + 120
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < enough:
            time.sleep(0.01)
        return os.getpid()

    pids = set(choose("ray", 2).run(abs, lambda: work, [[1], [2]]))
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_a_captioner_may_write_into_sounds_as_it_may_on_this_machine(
    sounds: Path, file: Path, out: Path
):
    local, ray = both(f"{file}:Rude", sounds, out, batch_size=4)
    assert without_times(ray) == without_times(local)
    assert len(without_times(ray)) == 12


@pytest.mark.slow
def test_a_trained_captioner_says_the_same_to_the_last_bit(out: Path):
    local, ray = both("nac:mini@events", "soundbox-events", out, limit=16, batch_size=4)
    lines = without_times(local)
    assert without_times(ray) == lines
    assert len({line["text"] for line in lines}) > 1
    assert all(line["score"] < 0 for line in lines)


def test_a_worker_killed_in_mid_run_loses_nothing(
    sounds: Path, file: Path, out: Path, tmp_path: Path
):
    died = tmp_path / "died"
    expression = f"{file}:Mortal(dies_of=350, remembers={died}, log={tmp_path / 'log'})"
    made = planned(expression, sounds, out, executor="ray", batch_size=2)
    outcome = running.run(made)
    assert died.exists()
    assert (outcome.captioned, outcome.failed) == (12, 0)
    whole = running.run(planned(f"{file}:Tone", sounds, out, batch_size=2)).folder.path
    assert without_times(outcome.folder.path) == without_times(whole)


def test_a_clip_that_kills_whoever_hears_it_ends_the_run_and_is_named(
    sounds: Path, file: Path, out: Path
):
    made = planned(f"{file}:Mortal(dies_of=500)", sounds, out, executor="ray", batch_size=1)
    with pytest.raises(AacbenchError, match="group 7 of 12") as caught:
        running.run(made)
    assert "06.wav" in caught.value.message
    assert "kept" in caught.value.hint
    kept = [line["id"] for line in without_times(made.folder.path)]
    assert kept == [f"{number:02d}.wav" for number in range(6)]


def test_clips_fail_as_they_do_on_this_machine(sounds: Path, file: Path, out: Path):
    (sounds / "05.wav").write_bytes(b"RIFF but not a sound at all")
    local, ray = both(f"{file}:Picky", sounds, out, batch_size=4)
    assert without_times(ray) == without_times(local)
    errors = {line["id"]: line["error"] for line in without_times(ray) if "error" in line}
    assert set(errors) == {"02.wav", "05.wav"}
    assert errors["02.wav"] == "RuntimeError: 300 Hz hurts"


def test_a_captioner_that_fails_on_everything_is_refused_as_on_this_machine(
    sounds: Path, file: Path, out: Path
):
    made = planned(f"{file}:Broken", sounds, out, executor="ray")
    with pytest.raises(PluginFault, match=r"failed on all of the first 12 clips.*out of order"):
        running.run(made)
    assert without_times(made.folder.path) == []


def test_a_captioner_that_cannot_be_built_says_why_and_leaves_no_manifest(
    sounds: Path, file: Path, out: Path
):
    made = planned(f"{file}:Unborn", sounds, out, executor="ray")
    with pytest.raises(PluginFault, match="no such thing"):
        running.run(made)
    assert not (made.folder.path / "manifest.json").exists()


def test_groups_prepared_ahead_are_bounded_though_results_wait(tmp_path: Path):
    from aacbench.executors.ray import AHEAD

    log = tmp_path / "prepared"

    def prepare(item: int) -> int:
        with log.open("a") as file:
            file.write(f"{item}\n")
        return item

    workers, groups = 2, [[number] for number in range(40)]
    taken = 0
    for result in choose("ray", workers).run(prepare, lambda: sum, groups):
        taken += 1
        assert result == taken - 1
        if taken % 10 == 0:
            time.sleep(0.3)  # what could be prepared by now has been
            assert len(log.read_text().split()) <= taken + AHEAD * workers
    assert taken == 40


def test_what_a_worker_raises_comes_with_its_own_kind_and_where_it_was_raised():
    class Unsendable(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__("cannot be sent")

    def work(made: list[int]) -> int:
        if made == [3]:
            raise Unsendable(1, 2)
        if made == [1]:
            raise BadOption("a bad one", "a hint")
        return made[0]

    def once() -> Any:
        return work

    results = choose("ray").run(abs, once, [[0], [1]])
    assert next(results) == 0
    with pytest.raises(BadOption) as caught:
        next(results)
    assert caught.value.hint == "a hint"
    with pytest.raises(RuntimeError, match="Unsendable: cannot be sent") as other:
        list(choose("ray").run(abs, once, [[3]]))
    assert "in work" in other.value.__notes__[0]


def test_what_cannot_be_prepared_is_raised_with_its_group():
    results = choose("ray").run(lambda item: 10 // item, lambda: sum, [[1, 2], [0]])
    assert next(results) == 15
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_a_result_that_cannot_be_sent_is_an_error_and_not_a_wait():
    import threading

    with pytest.raises(TypeError, match="pickle"):
        list(choose("ray").run(abs, lambda: lambda made: threading.Lock(), [[1]]))


def test_nothing_to_do_is_no_work_and_no_error():
    assert list(choose("ray").run(abs, lambda: sum, [])) == []

"""Ray from the outside: started for a run and gone with it, or many machines that come and go."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pitches import planned, without_times

from aacbench import running
from aacbench.errors import AacbenchError
from aacbench.store import CAPTIONS

pytest.importorskip("ray", reason="ray is not installed: pip install 'aacbench[ray]'")

MAIN = [sys.executable, "-c", "from aacbench.cli import main; main()"]


def started(file: Path, sounds: Path, out: Path, scratch: Path) -> subprocess.Popen[str]:
    """`aacbench run` on a Ray of its own, whose files it keeps in `scratch`."""
    scratch.mkdir(exist_ok=True)
    arguments = ["run", "-c", f"{file}:Tone(seconds=0.05)", "-t", sounds, "--out", out]
    options = ["--executor", "ray", "--workers", "2", "--batch-size", "1", "--no-score"]
    environment = {name: text for name, text in os.environ.items() if name != "RAY_ADDRESS"}
    return subprocess.Popen(
        [*MAIN, *map(str, arguments), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "TMPDIR": str(scratch)},
    )


def left_running(scratch: Path) -> list[str]:
    """The processes of a Ray that keeps its files in `scratch`."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        told = " ".join(process.info["cmdline"] or [])
        if str(scratch) in told:
            found.append(told)
    return found


@pytest.mark.slow
def test_a_driver_that_is_killed_leaves_nothing_running_and_goes_on_to_the_same_captions(
    sounds: Path, file: Path, out: Path, tmp_path: Path
):
    scratch = Path(f"/tmp/aac-{os.getpid()}")  # a socket's path may not be long
    whole = running.run(planned(f"{file}:Tone(seconds=0.05)", sounds, out / "whole")).folder.path
    victim = started(file, sounds, out / "killed", scratch)
    try:
        _wait_for(
            victim, lambda: any(p.stat().st_size for p in out.glob(f"killed/*/*/*/{CAPTIONS}"))
        )
        assert left_running(scratch)
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        (captions,) = out.glob(f"killed/*/*/*/{CAPTIONS}")
        before = captions.read_bytes()
        assert 0 < before.count(b"\n") < 12
        again = started(file, sounds, out / "killed", scratch)
        _, errors = again.communicate(timeout=240)
        assert again.returncode == 0, errors
        assert captions.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
        assert without_times(captions.parent) == without_times(whole)
        enough = time.monotonic() + 60
        while left_running(scratch) and time.monotonic() < enough:
            time.sleep(0.5)
        assert left_running(scratch) == []
    finally:
        victim.kill()
        shutil.rmtree(scratch, ignore_errors=True)  # a killed run leaves its Ray's files


def _wait_for(process: subprocess.Popen[str], happened: Any) -> None:
    enough = time.monotonic() + 240
    while process.poll() is None and not happened() and time.monotonic() < enough:
        time.sleep(0.01)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two machines, as far as Ray can tell; the second has what only it has."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    yield made
    made.shutdown()


@pytest.mark.slow
def test_two_machines_caption_as_one_and_one_of_them_may_go(
    cluster: Any, sounds: Path, file: Path, out: Path, tmp_path: Path
):
    import ray

    log = tmp_path / "machines"
    whole = running.run(planned(f"{file}:Tone", sounds, out / "whole")).folder.path
    second = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    expression = f"{file}:Placed(seconds=0.3, log={log})"
    made = planned(expression, sounds, out / "two", executor="ray", workers=2, batch_size=1)
    lost_at: list[int] = []

    def report(done: int, of: int) -> None:
        if not lost_at and len(set(log.read_text().split())) == 2:
            cluster.remove_node(second, allow_graceful=False)
            lost_at.append(done)

    outcome = running.run(made, report)
    assert lost_at, "a worker was on each machine"
    assert lost_at[0] < 12, "and one machine went before the end"
    assert (outcome.captioned, outcome.failed) == (12, 0)
    assert without_times(outcome.folder.path) == without_times(whole)
    assert not ray.is_initialized(), "disconnected, and the cluster goes on"


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:10001", "nonsense"])
def test_a_cluster_that_is_not_there_is_a_sentence(
    address: str, sounds: Path, file: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(AacbenchError) as caught:
        running.run(planned(f"{file}:Tone", sounds, out, executor="ray"))
    assert address in caught.value.message
    assert "RAY_ADDRESS" in caught.value.message + caught.value.hint

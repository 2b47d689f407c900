"""The Ray cluster that work is done on: found or started, quiet, and left as it was."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
import ray.util.scheduling_strategies

from aacbench.errors import AacbenchError, BadOption

ANSWERS = 10.0  # seconds that the head of a cluster may take to answer

# What workers see of the driver's environment: where things lie, and how many threads compute.
TOLD = (
    "HF_HOME",
    "HF_HUB_OFFLINE",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
)


@contextmanager
def connected(workers: int) -> Iterator[dict[str, Any]]:
    """Within, Ray is there: as the caller connected it, at RAY_ADDRESS, or started on this
    machine. What was begun here is ended after. Gives what tasks and actors have to be told."""
    if ray.is_initialized():
        yield {"runtime_env": surroundings()}
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    address = os.environ.get("RAY_ADDRESS")
    folder = None if address else tempfile.mkdtemp(prefix="aacbench-ray-")
    try:
        _begin(address, folder, workers)
        yield {}
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _begin(address: str | None, folder: str | None, workers: int) -> None:
    quiet: dict[str, Any] = {
        "logging_level": logging.ERROR,
        "log_to_driver": False,
        "runtime_env": surroundings(),
    }
    if address:
        _refuse_absent(address)
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise AacbenchError(
                f"The Ray cluster at {address} (RAY_ADDRESS) cannot be used: {reason:.500}",
                "Its machines need the same versions of Python and Ray as this one.",
            ) from None
        return
    cpus = max(2, min(_processors(), 2 * workers))
    ray.init(address="local", num_cpus=cpus, include_dashboard=False, _temp_dir=folder, **quiet)


def _refuse_absent(address: str) -> None:
    """Ray itself would look for it for minutes."""
    host, _, port = address.rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdecimal() or "://" in address:
        raise AacbenchError(
            f"RAY_ADDRESS is {address}, and must be the address of a cluster's head.",
            "Write it as in: RAY_ADDRESS=10.0.0.1:6379. Drivers run on a machine of the cluster.",
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS).close()
    except OSError as error:
        raise AacbenchError(
            f"There is no Ray cluster at {address} (RAY_ADDRESS): {error}.",
            "Start one with: ray start --head. Or unset RAY_ADDRESS, to work on this machine.",
        ) from None


def surroundings() -> dict[str, Any]:
    """The environment of workers, as Ray takes it.

    They compute on as many threads as this process would: sums are the same to the last bit.
    """
    import torch

    told = {name: os.environ[name] for name in TOLD if name in os.environ}
    ours = {name: text for name, text in os.environ.items() if name.startswith("AACBENCH_")}
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    if not {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"} & os.environ.keys():
        threads["OPENBLAS_NUM_THREADS"] = str(_processors())
    return {"env_vars": {**told, **ours, **threads}}


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def needs(device: str, workers: int) -> dict[str, float]:
    """What Ray is to set aside for each worker: its share of the GPUs, where it computes there."""
    if not device.startswith("cuda"):
        return {}
    gpus = ray.cluster_resources().get("GPU", 0.0)
    if not gpus:
        raise BadOption("The Ray cluster has no GPU.", "Write --device cpu.")
    return {"num_cpus": 0, "num_gpus": min(1.0, int(10_000 * gpus / workers) / 10_000)}


class Places:
    """Where the next worker goes: to the machine that has most room for each that it was given.

    Ray's own spreading goes by what it last heard of the machines, and may put all on one.
    """

    def __init__(self, device: str) -> None:
        self._kind = "GPU" if device.startswith("cuda") else "CPU"
        self._given: Counter[str] = Counter()

    def __call__(self) -> dict[str, Any]:
        """As an option of an actor; another machine will do where that one is gone or full."""
        room = {
            node["NodeID"]: node["Resources"].get(self._kind, 0.0)
            for node in ray.nodes()
            if node["Alive"]
        }
        there = sorted(name for name, units in room.items() if units > 0)
        if not there:
            return {}
        best = max(there, key=lambda name: room[name] / (1 + self._given[name]))
        self._given[best] += 1
        affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(best, soft=True)
        return {"scheduling_strategy": affinity}

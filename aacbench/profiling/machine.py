"""Which machine a latency belongs to: a description that names no host and no user, and its hash.

Two profiles are compared only where the hash is the same.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aacbench import provenance

DECIDES = ("processor", "cores", "memory_gib", "system", "python", "torch", "threads", "gpu")


def describe(environment: dict[str, Any], device: str) -> dict[str, Any]:
    """The machine and what runs on it; `id` is a digest of `DECIDES`."""
    found: dict[str, Any] = {
        "processor": environment["machine"]["processor"],
        "cores": os.cpu_count(),
        "memory_gib": _memory(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": environment["python"],
        "torch": environment["packages"].get("torch"),
        "threads": threads(),
        "gpu": _gpu(device),
    }
    return {"id": provenance.digest({name: found[name] for name in DECIDES})[:16], **found}


def threads() -> int | None:
    """Threads that torch computes with on the processor; None where torch is not in use."""
    torch = sys.modules.get("torch")
    return int(torch.get_num_threads()) if torch else None


@contextmanager
def computing_with(wanted: int | None) -> Iterator[None]:
    """Have torch compute with so many threads inside; None leaves them as they are."""
    if wanted is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def synchroniser(device: str) -> Callable[[], None] | None:
    """What waits until the device has done all that was asked of it; None where nothing waits."""
    if not device.startswith("cuda"):
        return None
    import torch

    def wait() -> None:
        torch.cuda.synchronize(device)

    return wait


def _memory() -> int | None:
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return round(pages * size / 2**30)


def _gpu(device: str) -> str | None:
    if not device.startswith("cuda"):
        return None
    import torch

    return str(torch.cuda.get_device_name(device))

"""Peak memory of each phase of a measurement: resident on the processor's side, allocated on a
GPU."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MIB = 2**20


class Peaks:
    """The peak of each phase, in MiB; `absent` says why there is none."""

    def __init__(self, device: str) -> None:
        self.phases: dict[str, dict[str, float]] = {}
        self.absent: str | None = None
        self._gpu = device if device.startswith("cuda") else None
        self.before = resident()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure the peak of what happens inside."""
        reset = self._reset()
        yield
        found: dict[str, float] = {}
        if reset and (peak := peak_resident()) is not None:
            found["resident_mib"] = peak
        if self._gpu:
            import torch

            found["gpu_mib"] = torch.cuda.max_memory_allocated(self._gpu) / MIB
        self.phases[name] = found

    def _reset(self) -> bool:
        if self._gpu:
            import torch

            torch.cuda.reset_peak_memory_stats(self._gpu)
        try:
            RESET.write_text("5", encoding="ascii")  # the peak starts anew from what is held now
        except OSError as error:
            self.absent = f"this system cannot begin a new peak: {error.strerror}"
            return False
        return True

    def as_json(self) -> dict[str, Any]:
        """Phases, what was held before them, and the highest of all."""
        peaks = [one["resident_mib"] for one in self.phases.values() if "resident_mib" in one]
        gpu = [one["gpu_mib"] for one in self.phases.values() if "gpu_mib" in one]
        return {
            "before_mib": self.before,
            "phases": self.phases,
            "peak_mib": max(peaks) if peaks else _peak_of_all(),
            "gpu_peak_mib": max(gpu) if gpu else None,
        }


def resident() -> float | None:
    """Memory that this process holds now, in MiB; None where the system does not say."""
    return _status("VmRSS")


def peak_resident() -> float | None:
    """The most that it held since the last reset, in MiB."""
    return _status("VmHWM")


def _status(name: str) -> float | None:
    with suppress(OSError):
        text = STATUS.read_text(encoding="ascii")
        if found := re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE):
            return int(found[1]) / 1024
    return None


def _peak_of_all() -> float | None:
    """The highest since the process began, where phases cannot be told apart."""
    try:
        import resource
    except ImportError:
        return None
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024

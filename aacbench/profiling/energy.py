"""Energy from the counters that machines keep: RAPL for the processor's package, NVML for a GPU.

Both count the whole package or card, whoever uses it, so the figure belongs to a quiet machine.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
NVML = ("libnvidia-ml.so.1", "nvml.dll")


@dataclass(frozen=True)
class Joules:
    """Counters' readings: joules since some start, by counter."""

    counters: dict[str, float]
    wraps: dict[str, float]

    def since(self, first: Joules) -> dict[str, float]:
        """What each counter went on by; one that began anew is carried over."""
        found = {}
        for name, now in self.counters.items():
            if name in first.counters:
                spent = now - first.counters[name]
                found[name] = spent if spent >= 0 else spent + self.wraps.get(name, 0.0)
        return found


def read(device: str) -> Joules:
    """Whatever this machine tells."""
    counters: dict[str, float] = {}
    wraps: dict[str, float] = {}
    for zone in sorted(POWERCAP.glob("*-rapl:[0-9]*")):
        if zone.name.count(":") > 1:
            continue  # a part of a package, which its package counts already
        with suppress(OSError, ValueError):
            counters[f"rapl {zone.name}"] = int((zone / "energy_uj").read_text()) / 1e6
            wraps[f"rapl {zone.name}"] = int((zone / "max_energy_range_uj").read_text()) / 1e6
    if device.startswith("cuda") and (joules := _gpu_joules(device)) is not None:
        counters["nvml"] = joules
    return Joules(counters, wraps)


def why_absent(device: str) -> str:
    """Why this machine tells nothing of energy."""
    zones = list(POWERCAP.glob("*-rapl:*"))
    if zones:
        return f"{zones[0].name}'s energy counter may be read by root alone"
    told = "this machine has no energy counter of its processor (RAPL)"
    return f"{told}, and its GPU's cannot be read (NVML)" if device != "cpu" else told


def _gpu_joules(device: str) -> float | None:
    """What the card has used since its driver was loaded."""
    import torch

    index = torch.device(device).index or 0
    bus = getattr(torch.cuda.get_device_properties(index), "pci_bus_id", None)
    for name in NVML:
        with suppress(OSError, AttributeError):
            library = ctypes.CDLL(name)
            if library.nvmlInit_v2():
                continue
            return _read_nvml(library, index, bus)
    return None


def _read_nvml(library: ctypes.CDLL, index: int, bus: int | None) -> float | None:
    """NVML counts all cards and torch the visible ones: the one on torch's bus is meant."""
    count = ctypes.c_uint()
    library.nvmlDeviceGetCount_v2(ctypes.byref(count))
    for number in range(count.value):
        handle = ctypes.c_void_p()
        library.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(handle))
        place = _PciInfo()
        library.nvmlDeviceGetPciInfo_v3(handle, ctypes.byref(place))
        if (place.bus if bus is not None else number) != (bus if bus is not None else index):
            continue
        spent = ctypes.c_ulonglong()
        if library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(spent)) == 0:
            return spent.value / 1000
    return None


class _PciInfo(ctypes.Structure):
    """NVML's nvmlPciInfo_t."""

    _fields_ = (
        ("bus_id_legacy", ctypes.c_char * 16),
        ("domain", ctypes.c_uint),
        ("bus", ctypes.c_uint),
        ("device", ctypes.c_uint),
        ("pci_device_id", ctypes.c_uint),
        ("pci_subsystem_id", ctypes.c_uint),
        ("bus_id", ctypes.c_char * 32),
    )

"""A figure as printed -> a number, with how many decimals were printed of it.

``0.464``, ``.464``, ``27,839``, ``59.8%``, ``8.9M`` and ``154h`` read by themselves; a dash or an
empty cell is no figure.  All else needs a value beside it and a note that says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aacbench.errors import BadData

FACTORS = {
    "fraction": 1.0,
    "percent": 100.0,
    "x10": 10.0,
    "number": 1.0,
    "count": 1.0,
    "ms": 1.0,
    "s": 1.0,
    "h": 1.0,
    "thousands": 1e-3,
    "millions": 1e-6,
}
"""By what a printed figure of each scale is divided to stand in the project's scale."""
NO_FIGURE = frozenset({"", "-", "\u2013", "\u2014", "\u2212", "n/a", "N/A"})
MULTIPLES = {"": 0, "k": 3, "m": 6, "b": 9, "g": 9}
FIGURE = re.compile(
    r"^(?P<sign>[+-]?)(?P<whole>\d{1,3}(?:,\d{3})+|\d*)(?:\.(?P<decimals>\d+))?"
    r"\s?(?P<multiple>[KkMBG]?)(?:h|ms|s|%)?$"
)


@dataclass(frozen=True)
class Figure:
    """`read` in the printed scale; `digits` decimals printed, negative where units were left out:
    8.9M has -5."""

    read: float
    digits: int


def parse(printed: str) -> Figure | None:
    """What `printed` says by itself; None where it is not a figure."""
    found = FIGURE.match(printed.strip())
    if found is None or not (found["whole"] or found["decimals"]):
        return None
    decimals = found["decimals"] or ""
    power = MULTIPLES[found["multiple"].lower()]
    number = float(f"{found['sign']}{found['whole'].replace(',', '') or '0'}.{decimals or '0'}")
    return Figure(round(number * 10**power, 12), len(decimals) - power)


def read_figure(
    printed: str, value: float | str | None, unreadable: bool, note: str | None, where: str
) -> Figure | None:
    """The figure of a cell: as printed, or the `value` that its `note` explains.

    None where nothing is printed or nothing can be read; raises `BadData` where the cell does not
    say which of these holds.
    """
    itself = parse(printed)
    if unreadable:
        if value is not None or not note:
            raise BadData(
                f"{where}: {printed!r} is marked unreadable, with a value or without a note.",
                'Write: { printed = "...", unreadable = true, note = "what the scan shows" }',
            )
        return None
    if value is None:
        if itself is None and printed.strip() not in NO_FIGURE:
            raise BadData(
                f"{where}: {printed!r} does not read as a figure.",
                f'Write: {{ printed = "{printed}", value = ..., note = "why" }}, or unreadable.',
            )
        return itself
    read = _given(value, printed, where)
    if (itself is None or itself.read != read.read) and not note:
        raise BadData(
            f"{where}: {printed!r} is printed and {read.read:g} is read, with no word why.",
            'Add to the cell: note = "why the two differ"',
        )
    return itself if itself is not None and itself.read == read.read else read


def _given(value: float | str, printed: str, where: str) -> Figure:
    """A value beside what is printed; as text ("0.350") it says its own number of decimals."""
    if isinstance(value, str):
        read = parse(value)
        if read is None:
            raise BadData(f"{where}: value {value!r} is no figure.", "Write a number there.")
        return read
    shown = re.search(r"[.,](\w+)\W*$", printed)
    own = parse(f"{value!r}")
    decimals = own.digits if own is not None and value != int(value) else 0
    return Figure(float(value), max(decimals, len(shown[1]) if shown else 0))

"""Slips of a pen or a scanner that would make wrong figures right: hints, no verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from aacbench.leaderboard.audit.entries import NEARLY, Entry

DIGITS = "0123456789"
SCALES = (10.0, 100.0, 0.1, 0.01)


def slip(entry: Entry, low: float, high: float) -> str | None:
    """The figure one slip away from `entry` that lies in [low, high] (project's scale), in words.

    Tried in order: another scale, two neighbouring digits exchanged, one digit different; of
    several the nearest to the middle of the interval.
    """
    if entry.shown != entry.shown.strip() or not set(entry.shown) <= set(DIGITS + "."):
        return None
    for scale in SCALES:
        if low - NEARLY <= entry.value * scale <= high + NEARLY:
            times = f"{scale:g} times" if scale > 1 else f"a {1 / scale:g}th of"
            return f"{times} the {entry.name} printed, another scale"
    middle = (low + high) / 2
    for what, candidates in (
        ("two digits exchanged", _exchanged(entry.shown)),
        ("one digit different", _replaced(entry.shown)),
    ):
        fitting = [text for text in candidates if _fits(text, entry, low, high)]
        if fitting:
            best = min(fitting, key=lambda text: abs(float(text) / entry.factor - middle))
            return f"{entry.name} {best}, {what}"
    return None


def _fits(text: str, entry: Entry, low: float, high: float) -> bool:
    value = float(text) / entry.factor
    return low - entry.step / 2 - NEARLY <= value <= high + entry.step / 2 + NEARLY


def _exchanged(text: str) -> Iterator[str]:
    places = [place for place, sign in enumerate(text) if sign in DIGITS]
    for first, second in pairwise(places):
        if text[first] != text[second]:
            signs = list(text)
            signs[first], signs[second] = signs[second], signs[first]
            yield "".join(signs)


def _replaced(text: str) -> Iterator[str]:
    for place, sign in enumerate(text):
        if sign in DIGITS:
            for digit in DIGITS:
                if digit != sign:
                    yield text[:place] + digit + text[place + 1 :]

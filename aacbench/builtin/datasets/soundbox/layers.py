"""How a class of sound is made, as data: layers of four kinds, and when they are called.

A pair of numbers is a range; a value is drawn from it once an event, and then varied a little from
call to call. The tables are `tables/*.toml`; `synthesis.py` turns them into samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

Range = tuple[float, float]
Peaks = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What all layers have: level, and how it moves in time.

    `gain` is in dB; `delay`, `attack` (linear rise), `decay` (time constant, 0 for none) and
    `release` (linear fall at the end) are in seconds. `beat` is a periodic amplitude modulation in
    hertz of `depth` 0 to 1, the more pulse-like the higher `sharp`; `swell` is the depth of a
    random one whose speed is `swell_rate` hertz.
    """

    gain: Range = (0.0, 0.0)
    delay: Range = (0.0, 0.0)
    attack: Range = (0.002, 0.002)
    decay: Range = (0.0, 0.0)
    release: Range = (0.01, 0.01)
    beat: Range = (0.0, 0.0)
    depth: Range = (0.5, 0.5)
    sharp: Range = (1.0, 1.0)
    swell: Range = (0.0, 0.0)
    swell_rate: Range = (1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Tone(Layer):
    """A harmonic stack that glides.

    `path` multiplies the pitch (hertz) along the call, or along every `cycle` seconds where that
    is given. Partial h has amplitude h ** -slope, raised by `formants` (hertz, dB); `vowel` scales
    the formants of a vowel that changes from call to call (1 is a man's vocal tract). `rough` is
    the depth of irregular amplitude and pitch.
    """

    pitch: Range
    path: tuple[float, ...] = (1.0,)
    cycle: Range = (0.0, 0.0)
    harmonics: int = 1
    odd: bool = False
    slope: Range = (1.0, 1.0)
    formants: Peaks = ()
    vowel: Range = (0.0, 0.0)
    vibrato: Range = (0.0, 0.0)
    vibrato_rate: Range = (5.0, 5.0)
    rough: Range = (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Noise(Layer):
    """Noise between `low` and `high` hertz, tilted by `slope` dB an octave, with `peaks`."""

    low: Range
    high: Range
    slope: Range = (0.0, 0.0)
    peaks: Peaks = ()


@dataclass(frozen=True, kw_only=True)
class Grains(Layer):
    """Short bursts at random times: `density` a second, each ringing for `ring` seconds.

    `uneven` is the spread (natural log) of their levels.
    """

    density: Range
    low: Range
    high: Range
    ring: Range
    uneven: Range = (0.4, 0.4)


@dataclass(frozen=True, kw_only=True)
class Ring(Layer):
    """A struck body: partials at `pitch` times each ratio; `decay` is that of the lowest."""

    pitch: Range
    partials: tuple[float, ...] = (1.0,)


@dataclass(frozen=True, kw_only=True)
class Sound:
    """When the layers sound.

    `calls` counts the calls of an event and `call` and `gap` are their lengths in seconds; without
    `calls` the event lasts `length` seconds, filled with calls (`pause` is the chance of a longer
    gap) or, without `call`, one long sound. `jitter` moves calls by a share of their spacing;
    `spread` is the relative variation of every range from call to call.
    """

    layers: tuple[Layer, ...]
    calls: tuple[int, int] | None = None
    call: Range | None = None
    gap: Range = (0.1, 0.3)
    length: Range = (1.0, 4.0)
    pause: float = 0.0
    jitter: float = 0.1
    spread: float = 0.05

    @property
    def lasting(self) -> bool:
        """Whether the event can be as long as wanted."""
        return self.calls is None


KINDS: Mapping[str, type[Layer]] = {"tone": Tone, "noise": Noise, "grains": Grains, "ring": Ring}
_LISTS = {"path", "partials"}
_PEAKS = {"formants", "peaks"}
_PLAIN = {"harmonics", "odd"}


def range_fields(layer: Layer) -> tuple[str, ...]:
    """The names of the fields of `layer` that hold ranges."""
    return tuple(f.name for f in fields(layer) if f.type == "Range")


def _value(name: str, raw: Any) -> Any:
    if name in _PLAIN:
        return raw
    if name in _LISTS:
        return tuple(float(part) for part in raw)
    if name in _PEAKS:
        return tuple((float(hertz), float(decibels)) for hertz, decibels in raw)
    low, high = raw if isinstance(raw, list) else (raw, raw)
    return (float(low), float(high))


def parse_layer(table: Mapping[str, Any]) -> Layer:
    """A layer from its table; an unknown `kind` or field is an error of the table."""
    kind = KINDS[table["kind"]]
    return kind(**{name: _value(name, raw) for name, raw in table.items() if name != "kind"})


def parse_sound(table: Mapping[str, Any]) -> Sound:
    """A class's `sound` table as data."""
    plain = dict(table)
    for name in ("call", "gap", "length"):
        if name in plain:
            plain[name] = _value(name, plain[name])
    if "calls" in plain:
        plain["calls"] = tuple(plain["calls"])
    plain["layers"] = tuple(parse_layer(layer) for layer in table["layers"])
    return Sound(**plain)

"""What happens in a clip: which events, when, how loud, against what and in which room.

A scene is drawn without making a sound, so that annotations cost nothing. Two events either do not
overlap at all or the later one lies wholly inside the other: what comes first is never in doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from aacbench.builtin.datasets.soundbox.classes import DOMAINS, SoundClass, sound_classes
from aacbench.builtin.datasets.soundbox.dice import Dice, Wheel
from aacbench.builtin.datasets.soundbox.grammar import grammar, shared_words
from aacbench.errors import BadOption, nearest

SPLITS: dict[str, int] = {"train": 4000, "validation": 500, "test": 1500}
SCENE, CAPTIONS, SOUND = 0, 1, 2  # purposes of the random streams of one clip
Motion = Literal["steady", "rising", "falling", "passing"]
Window = tuple[float, float]
_EDGE = 0.1


@dataclass(frozen=True)
class Placed:
    """One event; times are in seconds, `level` in dB against the clip's loudest event.

    `count` calls of `call` seconds begin `period` seconds apart; `count` is 0 for an event that
    lasts.
    """

    label: str
    onset: float
    offset: float
    level: float = 0.0
    count: int = 0
    period: float = 0.0
    call: float = 0.0
    motion: Motion = "steady"

    @property
    def length(self) -> float:
        return self.offset - self.onset


@dataclass(frozen=True)
class Scene:
    """A clip before it is heard: `events` by onset; `snr` in dB; `reverberation` is (RT60 s, wet).

    `key` is what all of the clip's random streams start from.
    """

    key: tuple[int, int, int]
    domain: str
    duration: float
    events: tuple[Placed, ...]
    background: str
    snr: float
    reverberation: tuple[float, float] | None


def scene_number(split: str, index: int) -> int:
    """A number that no other clip of the domain has, whatever its split."""
    if split not in SPLITS:
        raise BadOption(f"soundbox has no split {split!r}", nearest(split, SPLITS))
    if not 0 <= index < SPLITS[split]:
        raise BadOption(
            f"soundbox {split} has no clip {index}", f"Clips run from 0 to {SPLITS[split] - 1}."
        )
    names = list(SPLITS)
    return sum(SPLITS[name] for name in names[: names.index(split)]) + index


def draw_scene(domain: str, split: str, index: int, seed: int) -> Scene:
    """The scene of one clip; the same arguments give the same scene."""
    key = (seed, DOMAINS.index(domain), scene_number(split, index))
    dice = Dice(*key, SCENE)
    rules = grammar(domain)
    duration = round(dice.between(*rules.duration), 2)
    placed = _Composer(dice, domain, duration).compose(dice.weighted(rules.layouts))
    events = tuple(sorted(placed, key=lambda event: (event.onset, event.label)))
    return Scene(
        key=key,
        domain=domain,
        duration=duration,
        events=_levels(events, dice),
        background=dice.weighted(shared_words().backgrounds),
        snr=dice.between(0.0, 20.0),
        reverberation=_room(dice),
    )


def _room(dice: Dice) -> tuple[float, float] | None:
    if dice.chance(0.35):
        return None
    return (dice.ratio(0.2, 1.4), dice.ratio(0.08, 0.7))


def _levels(events: tuple[Placed, ...], dice: Dice) -> tuple[Placed, ...]:
    loudest = dice.integer(0, len(events) - 1)
    return tuple(
        event if place == loudest else _with_level(event, round(-dice.between(0.0, 12.0), 2))
        for place, event in enumerate(events)
    )


def _with_level(event: Placed, level: float) -> Placed:
    return Placed(**{**event.__dict__, "level": level})


@lru_cache(maxsize=4)
def _wheel(domain: str, lasting: bool) -> Wheel[SoundClass]:
    chosen = [c for c in sound_classes().values() if c.sound.lasting or not lasting]
    return Wheel(chosen, [c.prior[domain] for c in chosen])


class _Composer:
    """Places the events of one scene."""

    def __init__(self, dice: Dice, domain: str, duration: float) -> None:
        self.dice = dice
        self.domain = domain
        self.whole: Window = (_EDGE, duration - _EDGE)
        self.kin: set[str] = set()

    def compose(self, layout: str) -> list[Placed]:
        """The events of a layout; its name says their relations in the order of onset."""
        if layout == "one":
            return [self.any_in(self.whole)]
        if layout == "with":
            return self.pair_in(self.whole)
        if layout in ("then", "then-then"):
            return [self.any_in(part) for part in self.cut(self.whole, layout.count("then") + 1)]
        if layout in ("with-then", "then-with"):
            first, second = self.cut(self.whole, 2)
            pair, single = (first, second) if layout == "with-then" else (second, first)
            return [*self.pair_in(pair), self.any_in(single)]
        base = self.lasting_in(self.whole, fill=True)
        inside = (base.onset, base.offset)
        if layout == "over-then":
            return [base, *(self.any_in(part) for part in self.cut(inside, 2))]
        return [base, *self.pair_in(inside)]

    def cut(self, window: Window, parts: int) -> list[Window]:
        """`window` in about equal parts with silence between them."""
        start, end = window
        width = (end - start) / parts
        edges = [start]
        edges += [start + width * (n + self.dice.between(-0.15, 0.15)) for n in range(1, parts)]
        gaps = [0.0] + [self.dice.between(0.05, 0.35) for _ in range(1, parts)]
        lows = [edge + gap for edge, gap in zip(edges, gaps, strict=True)]
        return list(zip(lows, [*edges[1:], end], strict=True))

    def pick(self, lasting: bool) -> SoundClass:
        """A class by the domain's priors, unlike those already in the scene."""
        while True:
            chosen = self.dice.weighted(_wheel(self.domain, lasting))
            if chosen.kin not in self.kin:
                self.kin.add(chosen.kin)
                return chosen

    def any_in(self, window: Window) -> Placed:
        """An event of any class within `window`."""
        chosen = self.pick(lasting=False)
        if chosen.sound.lasting:
            return self._last(chosen, window, self.dice.between(0.6, 1.0))
        return self._call(chosen, window)

    def lasting_in(self, window: Window, fill: bool = False) -> Placed:
        """An event that lasts for most of `window`."""
        share = self.dice.between(0.85, 1.0) if fill else self.dice.between(0.55, 1.0)
        return self._last(self.pick(lasting=True), window, share, fill=True)

    def pair_in(self, window: Window) -> list[Placed]:
        """Two events, the second inside the first."""
        base = self.lasting_in(window)
        return [base, self.any_in((base.onset, base.offset))]

    def _last(self, chosen: SoundClass, window: Window, share: float, fill: bool = False) -> Placed:
        room = window[1] - window[0]
        length = room * share
        if not fill:
            length = min(length, self.dice.between(*chosen.sound.length))
        onset = window[0] + self.dice.fraction() * (room - length)
        motion: Motion = "steady"
        if chosen.moves and self.dice.chance(0.6):
            motion = self.dice.pick(("rising", "falling", "passing"))
        return Placed(chosen.label, round(onset, 3), round(onset + length, 3), motion=motion)

    def _call(self, chosen: SoundClass, window: Window) -> Placed:
        sound = chosen.sound
        assert sound.calls is not None
        assert sound.call is not None
        room = window[1] - window[0]
        count = self.dice.integer(*sound.calls)
        call = min(self.dice.ratio(*sound.call), 0.95 * room)
        period = call + self.dice.ratio(*sound.gap)
        count = max(1, min(count, 1 + int((room - call) / period)))
        length = call + (count - 1) * period
        onset = window[0] + self.dice.fraction() * (room - length)
        return Placed(
            chosen.label,
            round(onset, 3),
            round(onset + length, 3),
            count=count,
            period=period,
            call=call,
        )

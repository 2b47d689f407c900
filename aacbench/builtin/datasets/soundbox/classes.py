"""The classes of sound events: their phrases, their priors and how they sound, from the tables."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

from aacbench.builtin.datasets.soundbox.layers import Sound, parse_sound

DOMAINS: tuple[str, ...] = ("events", "scenes")
_FILES = ("animals", "people", "nature", "home", "machines")
Calls = Literal["any", "many", "single"]


@dataclass(frozen=True)
class Phrase:
    """One way to say that a class sounds: "a dog", "barks", "barking", object, tail.

    `calls` says how many calls an event must have for the phrase to be true.
    """

    subject: str
    finite: str
    ing: str
    object: str = ""
    tail: str = ""
    calls: Calls = "any"

    @property
    def plural(self) -> bool:
        """Whether the subject takes a plural verb."""
        return not self.finite.endswith("s") or self.finite.endswith("ss")

    def words(self, verb: str) -> str:
        """The bare clause with this form of the verb."""
        return " ".join(part for part in (self.subject, verb, self.object, self.tail) if part)


@dataclass(frozen=True)
class SoundClass:
    """A class of events. Classes of the same `kin` are too alike to share a clip."""

    label: str
    kin: str
    category: str
    place: str
    counts: bool
    moves: bool
    prior: Mapping[str, float]
    phrases: Mapping[str, tuple[Phrase, ...]]
    cues: tuple[str, ...]
    sound: Sound


def read_table(name: str) -> dict[str, Any]:
    """`tables/<name>.toml`."""
    folder = resources.files("aacbench.builtin.datasets.soundbox") / "tables"
    return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))


def _phrase(text: str) -> Phrase:
    calls: Calls = "many" if text[0] == "+" else "single" if text[0] == "1" else "any"
    subject, finite, ing, *rest = text.lstrip("+1").split("|")
    object_, tail = [*rest, "", ""][:2]
    return Phrase(subject, finite, ing, object_, tail, calls)


def _sound_class(label: str, table: Mapping[str, Any]) -> SoundClass:
    both = [_phrase(text) for text in table["both"]]
    return SoundClass(
        label=label,
        kin=table.get("kin", label),
        category=table["category"],
        place=table["place"],
        counts=table.get("counts", False),
        moves=table.get("moves", False),
        prior=dict(zip(DOMAINS, table["prior"], strict=True)),
        phrases={
            domain: tuple(both + [_phrase(text) for text in table[domain]]) for domain in DOMAINS
        },
        cues=tuple(table["cues"]),
        sound=parse_sound(table["sound"]),
    )


@lru_cache(maxsize=1)
def sound_classes() -> Mapping[str, SoundClass]:
    """Every class by its label, in the tables' order."""
    return {
        label: _sound_class(label, table)
        for name in _FILES
        for label, table in read_table(name).items()
    }

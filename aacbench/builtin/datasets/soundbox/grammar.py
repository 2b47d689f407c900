"""What a domain's captions and scenes are made of, from the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from aacbench.builtin.datasets.soundbox.classes import read_table
from aacbench.builtin.datasets.soundbox.dice import Wheel

Words = tuple[str, ...]


@dataclass(frozen=True)
class Grammar:
    """One domain: length of clips, layouts, sentence templates, adverbs, and how often each."""

    duration: tuple[float, float]
    full_stop: bool
    adverb_rate: float
    room_rate: float
    omission_rate: float
    inaudible_rate: float
    layouts: Wheel[str]
    templates: Mapping[str, Words]
    adverbs: Mapping[str, Words]
    rooms: Mapping[str, Words]


@dataclass(frozen=True)
class SharedWords:
    """Words that both domains draw on, and what the lexicon knows of English."""

    backgrounds: Wheel[str]
    again: Mapping[str, str]
    person_nouns: frozenset[str]
    worn: Words
    adjectives: Mapping[str, Words]
    phrases: Mapping[str, Words]
    looks: Words
    skipped: frozenset[str]
    irregular: Mapping[str, str]


def _wheel(weights: Mapping[str, float]) -> Wheel[str]:
    return Wheel(tuple(weights), tuple(weights.values()))


def _words(table: Mapping[str, list[str]]) -> dict[str, Words]:
    return {name: tuple(words) for name, words in table.items()}


@lru_cache(maxsize=2)
def grammar(domain: str) -> Grammar:
    """The grammar of `domain`, "events" or "scenes"."""
    table = read_table(domain)
    low, high = table["duration"]
    rates = ("full_stop", "adverb_rate", "room_rate", "omission_rate", "inaudible_rate")
    return Grammar(
        duration=(low, high),
        layouts=_wheel(table["layouts"]),
        templates=_words(table["templates"]),
        adverbs=_words(table["adverbs"]),
        rooms=_words(table["rooms"]),
        **{rate: table[rate] for rate in rates},
    )


@lru_cache(maxsize=1)
def shared_words() -> SharedWords:
    """The words of `tables/shared.toml`."""
    table = read_table("shared")
    inaudible, lexicon = table["inaudible"], table["lexicon"]
    return SharedWords(
        backgrounds=_wheel(table["backgrounds"]),
        again=table["again"],
        person_nouns=frozenset(inaudible["person_nouns"]),
        worn=tuple(inaudible["worn"]),
        adjectives=_words(inaudible["adjectives"]),
        phrases=_words(inaudible["phrases"]),
        looks=tuple(lexicon["looks"]),
        skipped=frozenset(lexicon["skipped"]),
        irregular=lexicon["irregular"],
    )

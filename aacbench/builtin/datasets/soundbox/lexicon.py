"""Which classes of events a caption names, and which of its words no listener could know.

The lexicon is made from the same tables as the captions, so it is exact on them; short cues and
inflections let it read captions from elsewhere. Words that name several classes ("a bang") are left
out: they name none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from aacbench.builtin.datasets.soundbox.classes import DOMAINS, sound_classes
from aacbench.builtin.datasets.soundbox.grammar import grammar, shared_words

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[.,;:!?]")
_VOWEL = re.compile(r"[aeiouy]")
Stems = tuple[str, ...]


def labels() -> tuple[str, ...]:
    """The labels of all classes, in a stable order."""
    return tuple(sound_classes())


def prompt(label: str) -> str:
    """A class as text, for zero-shot classification: "the sound of a dog barking"."""
    phrase = sound_classes()[label].phrases[DOMAINS[0]][0]
    return f"the sound of {phrase.words(phrase.ing)}"


def stem(word: str) -> str:
    """One form for a word's inflections; no English word in itself."""
    word = shared_words().irregular.get(word, word)
    for ending in ("ing", "ed", "es", "s"):
        bare = word.removesuffix(ending)
        if bare != word and len(bare) >= 3 and _VOWEL.search(bare) and not word.endswith("ss"):
            word = bare
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    word = word.removesuffix("e") if len(word) > 3 else word
    return word[:-1] + "y" if word.endswith("i") else word


def _words(text: str) -> list[str]:
    skipped = shared_words().skipped
    return [word for word in _WORD.findall(text.lower()) if word not in skipped]


def _stems(text: str) -> Stems:
    return tuple(stem(word) for word in _words(text))


class _Matcher:
    """Finds known sequences of stems, the longest first; no stem is used twice."""

    def __init__(self, entries: Mapping[Stems, str | None]) -> None:
        self._by_first: dict[str, list[tuple[Stems, str | None]]] = defaultdict(list)
        for stems, label in sorted(entries.items(), key=lambda entry: -len(entry[0])):
            self._by_first[stems[0]].append((stems, label))

    def matches(self, stems: Stems) -> Iterable[tuple[int, int, str | None]]:
        """Start, end and label of each match, none overlapping another."""
        found = [
            (at, at + len(known), label)
            for at in range(len(stems))
            for known, label in self._by_first.get(stems[at], ())
            if stems[at : at + len(known)] == known
        ]
        taken: set[int] = set()
        for start, end, label in sorted(found, key=lambda match: (match[0] - match[1], match[0])):
            if taken.isdisjoint(range(start, end)):
                taken.update(range(start, end))
                yield start, end, label


@lru_cache(maxsize=1)
def _adverbs() -> _Matcher:
    said = {
        adverb
        for domain in DOMAINS
        for table in (grammar(domain).adverbs, grammar(domain).rooms)
        for adverbs in table.values()
        for adverb in adverbs
    }
    return _Matcher({_stems(adverb): None for adverb in said if _stems(adverb)})


def ways_to_say(label: str, domain: str | None) -> list[str]:
    """All that names a class: its phrases in `domain` (None: in both) and its cues."""
    known = sound_classes()[label]
    phrases = [p for name in DOMAINS if domain in (None, name) for p in known.phrases[name]]
    forms = [phrase.words(verb) for phrase in phrases for verb in (phrase.finite, phrase.ing)]
    return [*forms, *known.cues]


@lru_cache(maxsize=4)
def _events(domain: str | None) -> _Matcher:
    owners: dict[Stems, set[str]] = defaultdict(set)
    for label in labels():
        for text in ways_to_say(label, domain):
            stems = _stems(text)
            owners[stems].add(label)
            for first, other in shared_words().again.items():
                if text.startswith(first + " "):
                    owners[_stems(other + text.removeprefix(first))].add(label)
    return _Matcher({s: next(iter(who)) if len(who) == 1 else None for s, who in owners.items()})


def _without(stems: Stems, matcher: _Matcher) -> Stems:
    gone = {at for start, end, _ in matcher.matches(stems) for at in range(start, end)}
    return tuple(word for at, word in enumerate(stems) if at not in gone)


def mentioned_events(text: str, domain: str | None = None) -> frozenset[str]:
    """The labels of the classes that a caption names.

    Names of both domains count; `domain` ("events" or "scenes") keeps to the phrases of one.
    """
    audible = _blank(text, inaudible_mentions(text))
    stems = _without(_stems(audible), _adverbs())
    found = (label for _, _, label in _events(domain).matches(stems))
    return frozenset(label for label in found if label is not None)


@lru_cache(maxsize=1)
def _inaudible() -> re.Pattern[str]:
    words = shared_words()
    known: set[str] = {*words.worn, *words.looks}
    for table in (words.adjectives, words.phrases):
        known.update(phrase for phrases in table.values() for phrase in phrases)
    longest_first = sorted(known, key=lambda phrase: (-len(phrase), phrase))
    joined = "|".join(re.escape(phrase).replace(r"\ ", r"\s+") for phrase in longest_first)
    return re.compile(rf"\b(?:{joined})\b", re.IGNORECASE)


def inaudible_mentions(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each stretch of a caption that cannot be heard: colours, looks, settings."""
    return tuple(found.span() for found in _inaudible().finditer(text))


def _blank(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text

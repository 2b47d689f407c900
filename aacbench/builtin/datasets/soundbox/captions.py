"""Five references for a scene: the same truth in different words, as five people would put it.

What no listener could know (colours, looks, the sky) is put between two
control characters while a sentence grows, and becomes spans when it is done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations

from aacbench.builtin.datasets.soundbox.classes import Phrase, SoundClass, sound_classes
from aacbench.builtin.datasets.soundbox.dice import Dice
from aacbench.builtin.datasets.soundbox.grammar import Grammar, grammar, shared_words
from aacbench.builtin.datasets.soundbox.scene import CAPTIONS, Placed, Scene

REFERENCES = 5
_OPEN, _CLOSE = "\x02", "\x03"
_SLOT = re.compile(r"\{([FGPT])(\d)\}")
_ARTICLE = re.compile(r"\b([Aa])n?(?= \x02?([a-z]))")


@dataclass(frozen=True)
class Reference:
    """One reference: its text, the inaudible stretches of it, and the classes it names."""

    text: str
    inaudible: tuple[tuple[int, int], ...]
    labels: frozenset[str]


def overlapping(first: Placed, second: Placed) -> bool:
    """Whether two events sound together for a moment."""
    return min(first.offset, second.offset) > max(first.onset, second.onset)


def structure(events: tuple[Placed, ...]) -> tuple[str, tuple[Placed, ...]]:
    """How one to three events, by onset, relate: a template's name, and the events in its order."""
    if len(events) == 1:
        return "one", events
    pairs = {(a, b) for a, b in combinations(range(len(events)), 2)}
    together = {(a, b) for a, b in pairs if overlapping(events[a], events[b])}
    if len(events) == 2:
        return ("with", _louder_first(events)) if together else ("then", events)
    if not together:
        return "then-then", events
    if together == pairs:
        return "with-with", _louder_first(events)
    if together == {(0, 1)}:
        return "with-then", (*_louder_first(events[:2]), events[2])
    if together == {(1, 2)}:
        return "then-with", (events[0], *_louder_first(events[1:]))
    over = 0 if (0, 1) in together and (0, 2) in together else 1
    return "over-then", (events[over], *(e for n, e in enumerate(events) if n != over))


def _louder_first(events: tuple[Placed, ...]) -> tuple[Placed, ...]:
    return tuple(sorted(events, key=lambda event: -event.level))


def write_references(scene: Scene) -> tuple[Reference, ...]:
    """The scene's five references, all different where its words allow."""
    dice = Dice(*scene.key, CAPTIONS)
    written: dict[str, Reference] = {}
    spare: list[Reference] = []
    for _ in range(3 * REFERENCES):
        reference = _Writer(scene, dice).write()
        if reference.text in written:
            spare.append(reference)
        written.setdefault(reference.text, reference)
        if len(written) == REFERENCES:
            break
    return (*written.values(), *spare)[:REFERENCES]


class _Writer:
    """Writes one reference."""

    def __init__(self, scene: Scene, dice: Dice) -> None:
        self.scene = scene
        self.dice = dice
        self.rules: Grammar = grammar(scene.domain)
        self.subjects: set[str] = set()
        self.look_at: int | None = None  # the event whose subject gets a look

    def write(self) -> Reference:
        kept = self._kept()
        name, events = structure(kept)
        template = self.dice.pick(self._templates(name, events))
        inaudible = self.dice.chance(self.rules.inaudible_rate)
        if inaudible and self.dice.chance(0.6):
            self.look_at = self.dice.integer(0, len(events) - 1)
        text = _SLOT.sub(lambda slot: self._slot(slot[1], int(slot[2]) - 1, events), template)
        text = text.replace("in the distance in the background", "in the background")
        text += self._room()
        if inaudible and _OPEN not in text:
            text = self._with_setting(text, events)
        return _finish(text, self.rules.full_stop, frozenset(event.label for event in events))

    def _kept(self) -> tuple[Placed, ...]:
        events = self.scene.events
        if len(events) == 1 or not self.dice.chance(self.rules.omission_rate):
            return events
        minor = min(events, key=lambda event: event.level)
        return tuple(event for event in events if event is not minor)

    def _templates(self, name: str, events: tuple[Placed, ...]) -> tuple[str, ...]:
        templates = self.rules.templates[name]
        if name == "with" and events[1].level <= events[0].level - 5.0:
            templates += self.rules.templates["with-quiet"]
        return templates

    def _slot(self, form: str, place: int, events: tuple[Placed, ...]) -> str:
        event = events[place]
        sound = sound_classes()[event.label]
        phrase = self.dice.pick(_true_phrases(sound, event, self.scene.domain))
        subject = phrase.subject
        if subject in self.subjects:
            subject = shared_words().again.get(subject, subject)
        self.subjects.add(phrase.subject)
        if self.look_at == place:
            subject = self._with_look(subject, phrase, sound)
        copula = "are" if phrase.plural else "is"
        if form == "F":
            verb, lead = phrase.finite, ""
        else:
            verb = f"{copula} {phrase.ing}" if form == "G" else phrase.ing
            lead = f"there {copula} " if form == "T" else ""
            subject = subject.removeprefix("the ") if lead else subject
        return lead + self._clause(subject, verb, phrase, self._adverb(event, sound, phrase))

    def _clause(self, subject: str, verb: str, phrase: Phrase, adverb: str) -> str:
        at_end = " " in adverb
        parts = (subject, verb, phrase.object, "" if at_end else adverb, phrase.tail)
        return " ".join(part for part in (*parts, adverb if at_end else "") if part)

    def _adverb(self, event: Placed, sound: SoundClass, phrase: Phrase) -> str:
        if not self.dice.chance(self.rules.adverb_rate):
            return ""
        kinds = _true_adverbs(event, sound, phrase, self.scene)
        return self.dice.pick(self.rules.adverbs[self.dice.pick(kinds)]) if kinds else ""

    def _with_look(self, subject: str, phrase: Phrase, sound: SoundClass) -> str:
        words = shared_words()
        article = subject.startswith(("a ", "an ", "the "))
        person = sound.category == "person"
        if person and (not article or subject.split()[-1] not in words.person_nouns):
            return subject
        if person and self.dice.chance(0.4):
            return f"{subject} {_OPEN}{self.dice.pick(words.worn)}{_CLOSE}"
        adjectives = words.adjectives.get(sound.category)
        if not adjectives or not (article or phrase.plural):
            return subject
        look = f"{_OPEN}{self.dice.pick(adjectives)}{_CLOSE}"
        if not article:
            return f"{look} {subject}"
        first, rest = subject.split(" ", 1)
        return f"{first} {look} {rest}"

    def _room(self) -> str:
        heard = []
        if self.scene.reverberation and self.scene.reverberation[1] > 0.4:
            heard.append("echo")
        if self.scene.snr < 12.0 and self.scene.background in ("hum", "white"):
            heard.append("hum" if self.scene.background == "hum" else "hiss")
        if not heard or not self.dice.chance(self.rules.room_rate * 2):
            return ""
        return " " + self.dice.pick(self.rules.rooms[self.dice.pick(heard)])

    def _with_setting(self, text: str, events: tuple[Placed, ...]) -> str:
        place = sound_classes()[self.dice.pick(events).label].place
        setting = self.dice.pick(shared_words().phrases[place])
        if self.rules.full_stop and text[0].islower() and self.dice.chance(0.4):
            return f"{_OPEN}{setting}{_CLOSE}, {text}"
        return f"{text} {_OPEN}{setting}{_CLOSE}"


def _true_phrases(sound: SoundClass, event: Placed, domain: str) -> list[Phrase]:
    many = event.count != 1
    wrong = "single" if many else "many"
    return [phrase for phrase in sound.phrases[domain] if phrase.calls != wrong]


def _true_adverbs(event: Placed, sound: SoundClass, phrase: Phrase, scene: Scene) -> list[str]:
    """The kinds of adverb that are true of an event."""
    kinds = []
    if event.level >= -1.0 and (scene.snr >= 12.0 or scene.background == "none"):
        kinds.append("loud")
    if event.level <= -8.0:
        kinds.append("faint")
    if event.motion in ("rising", "falling"):
        return [event.motion]
    if event.motion == "passing":
        return kinds
    if event.count == 0 and event.length >= 0.6 * scene.duration:
        kinds.append("steady")
    if event.count == 0 and event.length <= 0.25 * scene.duration:
        kinds.append("brief")
    exact = sound.counts and not phrase.plural and phrase.calls == "any"
    if exact and 1 <= event.count <= 3:
        kinds.append(("one", "two", "three")[event.count - 1])
    if event.count >= 4 and phrase.calls == "any":
        kinds.append("many")
    return kinds


def _finish(text: str, full_stop: bool, labels: frozenset[str]) -> Reference:
    """Mend articles, capitalise, and turn the marks into spans."""
    text = _ARTICLE.sub(lambda found: found[1] + ("n" if found[2] in "aeiou" else ""), text)
    start = 1 if text[0] == _OPEN else 0
    text = text[:start] + text[start].upper() + text[start + 1 :] + ("." if full_stop else "")
    spans, plain = [], ""
    for piece in re.split(f"({_OPEN}[^{_CLOSE}]*{_CLOSE})", text):
        bare = piece.strip(_OPEN + _CLOSE)
        if bare != piece:
            spans.append((len(plain), len(plain) + len(bare)))
        plain += bare
    return Reference(plain, tuple(spans), labels)

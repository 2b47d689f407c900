"""Sentences made of sentences: what a classifier of captions must learn besides whole ones.

It will read captions that are not finished, and captions that say two things. So it also learns
from beginnings of sentences, from several joined into one, and from positive sentences into which
a word or a phrase of another was put. A joined text is positive when all of its parts are; a part
that is cut off after one word has said nothing yet; one word of the other kind is enough to spoil
a sentence. All of it is made of the sentences themselves, by the random generator alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from aacbench.builtin.classifiers.options import ClassifierTrainOptions
from aacbench.builtin.classifiers.sentences import Sentences, word_table, words_of

JOINTS: tuple[str, ...] = tuple(word_table()["joints"])
OPENERS = frozenset(word_table()["openers"].split())
ARTICLES = frozenset({"a", "an", "the"})
_SLOT = re.compile(r"\{(\w+)\}")
PHRASE_WORDS = (2, 6)  # of a phrase, its first word among them
SPOKEN = 2  # words of a part, from which on it counts
PLAIN_ODDS, FOREIGN_ODDS = 0.3, -1.0  # log odds of a word that may be put in


@dataclass(frozen=True)
class Mixture:
    """How often a text is a beginning, a composition, has a phrase added, a word put in or a detail
    of ours; else it is a whole sentence."""

    beginning: float = 0.15
    composition: float = 0.2
    phrase: float = 0.1
    graft: float = 0.12
    detail: float = 0.0


def mixture_of(options: ClassifierTrainOptions) -> Mixture:
    """As the options ask."""
    # The labels of details are ours, and would tell a control what its sentences may not.
    detail = 0.0 if options.shuffle_labels else options.detail
    return Mixture(options.beginning, options.composition, options.phrase, options.graft, detail)


def bare(sentence: str) -> str:
    """Without the full stop, and without a capital unless the whole word has them."""
    text = sentence.rstrip(" .!")
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if not first[1:].isupper() else text


def phrases(sentences: Sequence[str]) -> list[str]:
    """What follows a preposition to the end of its sentence, where that is a few words."""
    found: dict[str, None] = {}
    for sentence in sentences:
        words = bare(sentence).split()
        for place, word in enumerate(words[1:], start=1):
            length = len(words) - place
            if word.lower() in OPENERS and PHRASE_WORDS[0] <= length <= PHRASE_WORDS[1]:
                found[" ".join(words[place:])] = None
    return list(found)


def telling_words(sentences: Sentences) -> dict[bool, list[str]]:
    """Words that stand almost only in sentences of the negative kind (under False), and words that
    are more at home in those of the positive kind (under True)."""
    counts = {
        side: Counter(
            word for text in sentences.at(sentences.positive == side).texts
            for word in set(words_of(text))
        )
        for side in (True, False)
    }  # fmt: skip
    met = counts[True] + counts[False]
    odds = {
        word: log((counts[True][word] + 0.5) / (counts[False][word] + 0.5))
        for word in sorted(met)
        if met[word] > 1 and len(word) > 2
    }
    return {
        True: [word for word, value in odds.items() if value > PLAIN_ODDS],
        False: [word for word, value in odds.items() if value < FOREIGN_ODDS],
    }


class Author:
    """Writes texts with known labels from `sentences`, as often of the one kind as of the other."""

    def __init__(self, sentences: Sentences, mixture: Mixture) -> None:
        self._texts = {
            side: sentences.at(sentences.positive == side).texts for side in (True, False)
        }
        self._phrases = {side: phrases(texts) for side, texts in self._texts.items()}
        self._words = telling_words(sentences)
        self._mixture = mixture

    def write(self, rng: np.random.Generator, count: int) -> tuple[list[str], list[bool]]:
        """`count` texts, and whether each is positive."""
        mixture = self._mixture
        ways: list[Callable[[np.random.Generator, bool], tuple[str, bool]]] = [
            self._beginning, self._composition, self._phrase, self._graft, self._detail,
            self._whole,
        ]  # fmt: skip
        shares = [
            mixture.beginning, mixture.composition, mixture.phrase, mixture.graft, mixture.detail,
        ]  # fmt: skip
        chosen = rng.choice(len(ways), size=count, p=[*shares, 1 - sum(shares)])
        made = [ways[way](rng, bool(rng.random() < 0.5)) for way in chosen]
        return [_dressed(text, rng) for text, _ in made], [positive for _, positive in made]

    def _one(self, rng: np.random.Generator, positive: bool) -> str:
        texts = self._texts[positive]
        return texts[rng.integers(len(texts))]

    def _whole(self, rng: np.random.Generator, positive: bool) -> tuple[str, bool]:
        return self._one(rng, positive), positive

    def _beginning(self, rng: np.random.Generator, positive: bool) -> tuple[str, bool]:
        """The start of a sentence stands for how it will go on; sometimes a word is cut short."""
        text = self._one(rng, positive)
        words = text.split()
        kept = " ".join(words[: rng.integers(1, len(words) + 1)])
        if rng.random() < 0.3:
            kept = kept[: max(2, len(kept) - int(rng.integers(1, 5)))]
        return kept, positive

    def _composition(self, rng: np.random.Generator, positive: bool) -> tuple[str, bool]:
        count = 2 if rng.random() < 0.75 else 3
        sides = [True] * count
        if not positive:
            sides[rng.integers(count)] = False
        parts = [bare(self._one(rng, side)) for side in sides]
        text, ends = parts[0], [len(parts[0].split())]
        starts = [0]
        for part in parts[1:]:
            joint = JOINTS[rng.integers(len(JOINTS))]
            starts.append(len((text + joint).split()))
            text += joint + part
            ends.append(len(text.split()))
        if rng.random() < 0.4:
            words = text.split()
            kept = int(rng.integers(2, len(words) + 1))
            heard = [
                side
                for side, start, end in zip(sides, starts, ends, strict=True)
                if kept >= min(end, start + SPOKEN)
            ]
            return " ".join(words[:kept]), all(heard)
        return text, positive

    def _phrase(self, rng: np.random.Generator, positive: bool) -> tuple[str, bool]:
        """A sentence of the positive kind with a phrase that was at home in either."""
        store = self._phrases[positive]
        if not store:
            return self._whole(rng, positive)
        text, phrase = bare(self._one(rng, True)), store[rng.integers(len(store))]
        if rng.random() < 0.75:
            return f"{text} {phrase}", positive
        return f"{phrase}, {text}", positive

    def _graft(self, rng: np.random.Generator, positive: bool) -> tuple[str, bool]:
        """A sentence of the positive kind with a word put in that was at home in either."""
        store = self._words[positive]
        if not store:
            return self._whole(rng, positive)
        words = bare(self._one(rng, True)).split()
        words.insert(int(rng.integers(len(words) + 1)), store[rng.integers(len(store))])
        return " ".join(words), positive

    def _detail(self, rng: np.random.Generator, positive: bool) -> tuple[str, bool]:
        """A sentence of the positive kind with something said of it that is heard, or is not."""
        words = bare(self._one(rng, True)).split()
        articles = [place for place, word in enumerate(words[:-1]) if word.lower() in ARTICLES]
        if articles and rng.random() < 0.5:
            place = articles[rng.integers(len(articles))]
            words[place : place + 1] = _fitted(words[place], details(positive, "adjective", rng))
            return " ".join(words), positive
        aside, text = details(positive, "aside", rng), " ".join(words)
        return (f"{text} {aside}" if rng.random() < 0.8 else f"{aside}, {text}"), positive


def details(heard: bool, kind: str, rng: np.random.Generator) -> str:
    """An adjective or an aside of what can be heard, or of what cannot."""
    table = word_table()["heard" if heard else "unheard"]

    def drawn(name: str) -> str:
        listed = table[name]
        if isinstance(listed, str):
            several = "|" in listed
            listed = [word.strip() for word in (listed.split("|") if several else listed.split())]
        return str(listed[rng.integers(len(listed))])

    return _SLOT.sub(lambda slot: drawn(slot[1]), drawn(kind))


def _fitted(article: str, word: str) -> list[str]:
    """The article that goes before the word, and the word."""
    if article.lower() == "the":
        return [article, word]
    return [article[0] + ("n" if word[0] in "aeiou" else ""), word]


def _dressed(text: str, rng: np.random.Generator) -> str:
    """With or without a capital and a full stop, whichever it came with."""
    if rng.random() < 0.5:
        text = text[:1].upper() + text[1:]
    return text.rstrip(".") + ("." if rng.random() < 0.5 else "")

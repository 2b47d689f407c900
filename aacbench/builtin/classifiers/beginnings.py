"""Texts that begin alike, read together: a beginning once, and of each text its last word.

Whoever weighs the next word of a caption asks about hundreds of texts that differ in their last
word alone. `Evidence` looks at two neighbours on either side, so the last word changes what the
last three places say and nothing before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from aacbench.builtin.classifiers.evidence import Evidence, bend, in_rows, with_neighbours
from aacbench.builtin.classifiers.pieces import LONGEST_TEXT, spoken_words

ALIKE = 16  # texts that must begin alike to be read so
CHUNK = 1024  # of them read at once: few enough to stay in a core's cache
FEWEST = 3  # places of a beginning, those before its first word among them


@dataclass(frozen=True)
class Alike:
    """Texts at `places` of a list: the words of ``beginnings[of]`` and one `last` word each."""

    beginnings: list[list[str]]
    of: list[int]
    last: list[str]
    places: list[int]


def alike(texts: Sequence[str]) -> Alike:
    """Those texts that share all but their last word with many others."""
    groups: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        groups.setdefault(text[: text.rfind(" ") + 1], []).append(place)
    found = Alike([], [], [], [])
    for beginning, places in groups.items():
        words = spoken_words(beginning) if len(places) >= ALIKE else []
        if len(places) < ALIKE or len(words) >= LONGEST_TEXT:
            continue
        for place in places:
            ending = texts[place][len(beginning) :]
            plain = ending.isascii() and ending.isalpha()
            spoken = [ending.lower()] if plain else spoken_words(ending)
            if len(spoken) == 1:
                found.of.append(len(found.beginnings))
                found.last.append(spoken[0])
                found.places.append(place)
        found.beginnings.append(words)
    return found


def read_alike(
    evidence: Evidence,
    products: Tensor,
    beginnings: Sequence[Sequence[int]],
    of: Tensor,
    last: Tensor,
) -> Tensor:
    """(texts,) log odds of texts that are ``beginnings[of]`` and the word `last`; words are rows of
    `products` (words, 3 * hidden), which `Evidence.project` gave, row 0 being none."""
    begun = _begun(evidence, products, beginnings)
    chunks = zip(torch.split(of, CHUNK), torch.split(last, CHUNK), strict=True)
    return torch.cat([_ended(evidence, begun, some, products[words]) for some, words in chunks])


@dataclass(frozen=True)
class _Begun:
    """Beginnings, a row each, right-aligned; `open` is the first layer's sum at the last place and
    `gift` what that place's word gives to the next; `near` is the state before the last place;
    `closing` (rows, 3, hidden) is the second layer's sum at the last three places of a text, all
    but what its last two states add; `voices` and `states` are those of all places that are
    settled; `real` (rows, 3) says which of the last three places hold a word."""

    open: Tensor
    gift: Tensor
    near: Tensor
    closing: Tensor
    voices: Tensor
    states: Tensor
    counts: Tensor
    real: Tensor


def _begun(evidence: Evidence, products: Tensor, beginnings: Sequence[Sequence[int]]) -> _Begun:
    longest = max(FEWEST, max(map(len, beginnings)))
    numbers, real = in_rows([[0] * (longest - len(one)) + list(one) for one in beginnings])
    real = (numbers > 0).to(products.device)
    mask = real[..., None].to(products.dtype)
    rows = products[numbers.to(products.device)]
    sums = evidence.around(rows)
    states = bend(sums) * mask  # of the last place still without the word after it
    settled = (
        states[:, :-2]
        + bend(evidence.second(with_neighbours(states[:, :-1])[:, :-1])) * (mask[:, :-2])
    )
    earlier, here, _ = evidence.second.weight.tensor_split(3, 1)
    before, near = states[:, -3], states[:, -2]
    bias = evidence.second.bias
    closing = [before @ earlier.T + near @ here.T + bias, near @ earlier.T + bias]
    voices = evidence.voices(settled).masked_fill(~real[:, :-2, None], -torch.inf)
    return _Begun(
        sums[:, -1],
        rows[:, -1].tensor_split(3, 1)[0],
        near,
        torch.stack([*closing, bias.expand_as(near)], 1),
        voices,
        settled.sum(1),
        mask.sum(1),
        torch.cat([real[:, -2:], torch.ones_like(real[:, :1])], 1),
    )


def _ended(evidence: Evidence, begun: _Begun, of: Tensor, words: Tensor) -> Tensor:
    """(texts,) log odds, the last word's products being `words`, (texts, 3 * hidden)."""
    _, here, after = words.tensor_split(3, 1)
    mask = begun.real[of][..., None].to(words.dtype)
    last = bend(begun.open[of] + after) * mask[:, 1]
    word = bend(begun.gift[of] + here + evidence.first_bias)
    left, middle, right = evidence.second.weight.tensor_split(3, 1)
    by_last = torch.cat([right, middle, left])  # (3 * hidden, hidden), to the last three places
    by_word = torch.cat([torch.zeros_like(right), right, middle])
    moved = torch.cat([last, word], 1) @ torch.cat([by_last, by_word], 1).T
    sums = moved.view(len(words), 3, -1) + begun.closing[of]
    states = torch.stack([begun.near[of], last, word], 1) + bend(sums) * mask
    voices = evidence.voices(states).masked_fill(mask == 0, -torch.inf)
    mean = (begun.states[of] + (states * mask).sum(1)) / (begun.counts[of] + 1)
    return evidence.verdict(torch.cat([begun.voices[of], voices], 1), mean)

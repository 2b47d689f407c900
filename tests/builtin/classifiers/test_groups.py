"""No near-duplicate may stand on the other side of a split."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aacbench.builtin.classifiers.groups import deal, near_duplicates, parts_of, stems
from aacbench.builtin.classifiers.sentences import read_sentences


def test_same_thing_said_twice_is_one_group() -> None:
    groups = near_duplicates(
        ["The hum of a fridge.", "A fridge hums", "A loud fridge hums", "Dogs bark."]
    )
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_friends_of_friends_are_one_group() -> None:
    chain = ["red green blue", "green blue white", "blue white black"]
    assert len(stems(chain[0]) & stems(chain[2])) < 2  # too little of their own
    assert len(set(near_duplicates(chain).tolist())) == 1


def test_sentences_of_nothing_but_stop_words_do_not_all_collapse() -> None:
    groups = near_duplicates(["it is on", "over there", "a dog barks"])
    assert len(set(groups.tolist())) == 3


def test_real_near_duplicates_never_cross_a_split(audibility: tuple[Path, Path]) -> None:
    texts = read_sentences(*audibility).texts
    dealt = deal(texts, near_duplicates(texts))
    part = np.select(list(dealt.values()), range(len(dealt)), -1)
    assert (part >= 0).all()
    assert sum(chosen.sum() for chosen in dealt.values()) == len(texts)
    # Every pair that shares half of its stems, found without the code under test.
    held: dict[str, list[int]] = {}
    sets = [stems(text) for text in texts]
    for number, words in enumerate(sets):
        for word in words:
            held.setdefault(word, []).append(number)
    compared = 0
    for number in range(0, len(texts), 97):
        near = {other for word in sets[number] for other in held[word]}
        for other in near:
            shared = len(sets[number] & sets[other])
            if shared / len(sets[number] | sets[other]) >= 0.5:
                compared += other != number
                assert part[number] == part[other], (number, other)
    assert compared > 50


def test_split_does_not_depend_on_the_order_of_the_files(audibility: tuple[Path, Path]) -> None:
    texts = read_sentences(*audibility).texts[:3000]
    dealt = deal(texts, near_duplicates(texts))
    turned = texts[::-1]
    again = deal(turned, near_duplicates(turned))
    for name, chosen in dealt.items():
        assert (chosen == again[name][::-1]).all()


def test_halves_share_nothing_with_each_other_or_with_what_is_held_out(
    audibility: tuple[Path, Path],
) -> None:
    texts = read_sentences(*audibility).texts
    dealt = deal(texts, near_duplicates(texts))
    first, second = (np.logical_or(*parts_of(dealt, half)) for half in ("first", "second"))
    assert not (first & second).any()
    assert not ((first | second) & dealt["held_out"]).any()
    assert 0.12 < dealt["held_out"].mean() < 0.18
    assert abs(first.sum() - second.sum()) < 0.05 * len(texts)

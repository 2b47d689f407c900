"""Reading captions: which classes they name and what of them cannot be heard."""

from __future__ import annotations

from collections import defaultdict

import pytest

from aacbench.builtin.datasets.soundbox.captions import write_references
from aacbench.builtin.datasets.soundbox.classes import DOMAINS
from aacbench.builtin.datasets.soundbox.dataset import Soundbox
from aacbench.builtin.datasets.soundbox.lexicon import (
    inaudible_mentions,
    labels,
    mentioned_events,
    prompt,
    stem,
    ways_to_say,
)
from aacbench.builtin.datasets.soundbox.scene import draw_scene


@pytest.mark.parametrize("domain", DOMAINS)
def test_our_own_references_are_read_exactly(domain: str) -> None:
    for index in range(500):
        scene = draw_scene(domain, "validation", index, 2024)
        true = {event.label for event in scene.events}
        for reference in write_references(scene):
            found = mentioned_events(reference.text)
            assert found == reference.labels, reference.text
            assert found <= true
            assert found == mentioned_events(reference.text, domain), reference.text


@pytest.mark.parametrize("domain", DOMAINS)
def test_inaudible_words_of_our_own_references_are_found_exactly(domain: str) -> None:
    for annotation in Soundbox(domain).annotations("validation").values():
        for number, text in enumerate(annotation.references):
            marked = tuple((s.start, s.end) for s in annotation.inaudible if s.reference == number)
            assert inaudible_mentions(text) == marked, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A dog is barking loudly and a man is speaking", {"dog_bark", "man_speech"}),
        ("a person coughed twice while a phone rang", {"cough", "phone_ring"}),
        ("A man speaking with birds chirping in the background", {"man_speech", "bird_chirp"}),
        ("Crickets chirp as a bird chirps", {"cricket_chirp", "bird_chirp"}),
        ("A gun is fired repeatedly", {"gun_shot"}),
        ("an alarm clock rings", {"alarm"}),
        ("a clock ticks and church bells are ringing", {"clock_tick", "bell"}),
        ("Water drips, then water pours", {"dripping", "water_pouring"}),
        ("A truck horn honks", {"car_horn"}),
        ("a helicopter engine running", {"helicopter"}),
        ("A sheep was bleating; the kittens mewed.", {"sheep_bleat", "cat_meow"}),
        ("A black cat sleeps in a red kitchen", {"cat_meow"}),
        ("A woman in a blue jacket talks", {"woman_speech"}),
    ],
)
def test_other_wordings_and_inflections_are_read(text: str, expected: set[str]) -> None:
    assert mentioned_events(text) == expected


@pytest.mark.parametrize("text", ["", "...", "A bang is heard", "Noise", "someone is in a room"])
def test_words_that_could_be_anything_name_nothing(text: str) -> None:
    assert mentioned_events(text) == frozenset()


def test_no_wording_belongs_to_two_classes() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for label in labels():
        for text in ways_to_say(label, None):
            owners[text].add(label)
    assert {text: who for text, who in owners.items() if len(who) > 1} == {}


def test_every_cue_and_prompt_names_its_own_class() -> None:
    for label in labels():
        assert prompt(label).startswith("the sound of ")
        assert mentioned_events(prompt(label)) == {label}
        for text in ways_to_say(label, None):
            assert mentioned_events(text) == {label}, text


def test_labels_are_many_and_stable_identifiers() -> None:
    assert len(labels()) >= 40
    assert len(set(labels())) == len(labels())
    assert all(label.isidentifier() and label.islower() for label in labels())
    assert {"dog_bark", "rain", "siren", "man_speech"} <= set(labels())


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("A brown dog barks", ["brown"]),
        ("A happy man talks in a red kitchen.", ["happy", "in a red kitchen"]),
        ("The Red car passes a pink house", ["Red", "pink"]),
        ("A dog barks in a hundred ways", []),
        ("A child is bored", ["bored"]),
    ],
)
def test_inaudible_words_of_other_captions_are_found(text: str, stretches: list[str]) -> None:
    assert [text[start:end] for start, end in inaudible_mentions(text)] == stretches


@pytest.mark.parametrize(
    "forms",
    [
        ("bark", "barks", "barking", "barked"),
        ("drip", "drips", "dripping", "dripped"),
        ("cry", "cries", "crying", "cried"),
        ("sneeze", "sneezes", "sneezing", "sneezed"),
        ("pass", "passes", "passing", "passed"),
        ("buzz", "buzzes", "buzzing", "buzzed"),
        ("ring", "rings", "ringing", "rang", "rung"),
        ("saw", "saws", "sawing"),
    ],
)
def test_inflections_share_a_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1

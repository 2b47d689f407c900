"""The annotations of soundbox: five true sentences a clip, and what of them cannot be heard."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import pytest

from aacbench.api import load_dataset
from aacbench.builtin.datasets import soundbox
from aacbench.builtin.datasets.soundbox.captions import (
    Reference,
    overlapping,
    structure,
    write_references,
)
from aacbench.builtin.datasets.soundbox.classes import DOMAINS, sound_classes
from aacbench.builtin.datasets.soundbox.dataset import Soundbox
from aacbench.builtin.datasets.soundbox.grammar import shared_words
from aacbench.builtin.datasets.soundbox.scene import SPLITS, Placed, Scene, draw_scene, scene_number
from aacbench.errors import BadOption

COUNTS = {"once": 1, "a single time": 1, "twice": 2, "two times": 2, "thrice": 3, "three times": 3}


@pytest.fixture(scope="module", params=DOMAINS)
def written(request: pytest.FixtureRequest) -> list[tuple[Scene, tuple[Reference, ...]]]:
    scenes = [draw_scene(request.param, "validation", n, 2024) for n in range(500)]
    return [(scene, write_references(scene)) for scene in scenes]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_split_has_its_clips_with_five_references_each(domain: str) -> None:
    box = Soundbox(domain)
    for split, size in (("train", 4000), ("validation", 500), ("test", 1500)):
        clips = box.clips(split)
        assert len({clip.id for clip in clips}) == len(clips) == size
        if split == "train":
            continue  # the same code, and it is the longest
        annotations = box.annotations(split)
        assert [clip.id for clip in clips] == list(annotations)
        assert all(len(a.references) == 5 for a in annotations.values())
        assert all(1 <= len(a.events) <= 3 for a in annotations.values())
        assert all(clip.source_id == annotations[clip.id].source_id for clip in clips)


def test_ids_and_sources_are_as_documented() -> None:
    clip = Soundbox("events").clips("test")[17]
    assert clip.id == "events-test-00017"
    assert clip.source_id == "soundbox:events:test:17"


def test_no_scene_number_is_used_by_two_splits() -> None:
    numbers = [scene_number(split, index) for split in SPLITS for index in range(SPLITS[split])]
    assert len(set(numbers)) == len(numbers) == 6000


def test_annotations_change_only_with_the_version() -> None:
    digest = sha256()
    for domain in DOMAINS:
        for annotation in Soundbox(domain).annotations("validation").values():
            digest.update(repr(annotation).encode())
    known = {"1": "0ce371ead1134990"}
    assert known[soundbox.VERSION] == digest.hexdigest()[:16]


def test_references_of_a_clip_differ(written: list[tuple[Scene, tuple[Reference, ...]]]) -> None:
    assert all(len({r.text for r in references}) == 5 for _, references in written)


def test_events_lie_in_the_clip_in_order_and_overlap_wholly_or_not_at_all(
    written: list[tuple[Scene, tuple[Reference, ...]]],
) -> None:
    for scene, _ in written:
        onsets = [event.onset for event in scene.events]
        assert onsets == sorted(onsets)
        assert len({sound_classes()[event.label].kin for event in scene.events}) == len(onsets)
        for event in scene.events:
            assert 0.0 <= event.onset < event.offset <= scene.duration
        for first, second in combinations(scene.events, 2):
            nested = second.offset <= first.offset + 0.002
            assert nested or not overlapping(first, second)


def test_the_words_for_order_follow_the_order_of_onsets() -> None:
    dog, rain, bell = Placed("dog_bark", 1, 2), Placed("rain", 3, 9), Placed("bell", 4, 5)
    last = Placed("siren", 9.5, 9.9)
    assert structure((dog,)) == ("one", (dog,))
    assert structure((dog, rain)) == ("then", (dog, rain))
    assert structure((rain, bell))[0] == "with"
    assert structure((dog, rain, bell)) == ("then-with", (dog, rain, bell))
    assert structure((rain, bell, last)) == ("with-then", (rain, bell, last))
    assert structure((dog, bell, last)) == ("then-then", (dog, bell, last))
    over = Placed("wind", 0.5, 9.9)
    assert structure((over, dog, bell)) == ("over-then", (over, dog, bell))
    assert structure((over, rain, bell))[0] == "with-with"


def test_two_events_in_a_row_are_told_in_their_order(
    written: list[tuple[Scene, tuple[Reference, ...]]],
) -> None:
    told = 0
    for scene, references in written:
        if structure(scene.events)[0] != "then":
            continue
        first, second = (_verbs(event.label, scene.domain) for event in scene.events)
        if first & second:
            continue
        for reference in references:
            said = words(reference.text)
            places = [
                next((n for n, w in enumerate(said) if w in v), None) for v in (first, second)
            ]
            if None in places:
                continue
            told += 1
            swapped = " after " in reference.text and not reference.text.startswith("After")
            assert (places[0] > places[1]) == (swapped and "after a while" not in reference.text)
    assert told > 200


def _verbs(label: str, domain: str) -> set[str]:
    phrases = sound_classes()[label].phrases[domain]
    return {verb for phrase in phrases for verb in (phrase.finite, phrase.ing)}


def test_numbers_of_calls_are_true(written: list[tuple[Scene, tuple[Reference, ...]]]) -> None:
    told = 0
    for scene, references in written:
        counts = {event.count for event in scene.events}
        for reference in references:
            for said, count in COUNTS.items():
                if re.search(rf"\b{said}\b", reference.text):
                    told += 1
                    assert count in counts, reference.text
    assert told > 20


def test_sentences_are_well_formed(written: list[tuple[Scene, tuple[Reference, ...]]]) -> None:
    for scene, references in written:
        for reference in references:
            text = reference.text
            assert text[0].isupper()
            assert text.endswith(".") == (scene.domain == "scenes")
            assert not re.search(r"  | [,.]|[{}|+\x02\x03]", text), text
            assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text, re.IGNORECASE), text
            assert not re.search(r"\b(\w+) \1\b", text), text


def test_verbs_agree_with_their_subjects() -> None:
    for known in sound_classes().values():
        for domain in DOMAINS:
            for phrase in known.phrases[domain]:
                head = phrase.subject.split()
                single = head[0] in ("a", "an") or head[-1] in ("someone", "something")
                assert not (single and phrase.plural), phrase
                assert phrase.ing.endswith("ing"), phrase
                assert phrase.ing[:2] == phrase.finite[:2], phrase


def test_every_class_has_words_for_one_call_and_for_many() -> None:
    for known in sound_classes().values():
        for domain in DOMAINS:
            for wrong in ("single", "many"):
                assert [p for p in known.phrases[domain] if p.calls != wrong], known.label


def test_marked_spans_are_whole_inaudible_phrases() -> None:
    shared = shared_words()
    known = set(shared.worn)
    for table in (shared.adjectives, shared.phrases):
        known.update(phrase for phrases in table.values() for phrase in phrases)
    for domain in DOMAINS:
        marked = 0
        for annotation in Soundbox(domain).annotations("validation").values():
            for span in annotation.inaudible:
                stretch = annotation.references[span.reference][span.start : span.end]
                assert stretch.lower() in known
                marked += 1
            with_spans = {span.reference for span in annotation.inaudible}
            for number, text in enumerate(annotation.references):
                said = any(re.search(rf"\b{re.escape(k)}\b", text, re.IGNORECASE) for k in known)
                assert said == (number in with_spans), text
        assert 0.12 < marked / 2500 < 0.18


def test_some_references_leave_out_a_minor_event(
    written: list[tuple[Scene, tuple[Reference, ...]]],
) -> None:
    full, short = 0, 0
    for scene, references in written:
        loudest = max(scene.events, key=lambda event: event.level).label
        for reference in references:
            assert loudest in reference.labels
            if len(scene.events) > 1:
                short += len(reference.labels) < len(scene.events)
                full += 1
    assert 0.07 < short / full < 0.17


def test_the_domains_favour_different_classes_and_both_have_them_all() -> None:
    shares = []
    for domain in DOMAINS:
        annotations = [
            a for s in ("validation", "test") for a in Soundbox(domain).annotations(s).values()
        ]
        seen = Counter(event.label for annotation in annotations for event in annotation.events)
        assert set(seen) == set(sound_classes())
        assert min(seen.values()) >= 5
        shares.append({label: count / seen.total() for label, count in seen.items()})
    apart = sum(abs(shares[0][label] - shares[1][label]) for label in sound_classes()) / 2
    assert 0.3 < apart < 0.8


def test_the_domains_speak_differently() -> None:
    lengths, vocabularies = [], []
    for domain in DOMAINS:
        texts = [t for a in Soundbox(domain).annotations("test").values() for t in a.references]
        lengths.append(sum(len(words(text)) for text in texts) / len(texts))
        vocabularies.append({word for text in texts for word in words(text)})
    assert lengths[1] > lengths[0] + 1.5
    assert all(250 <= len(vocabulary) <= 550 for vocabulary in vocabularies)
    shared = len(vocabularies[0] & vocabularies[1]) / len(vocabularies[0] | vocabularies[1])
    assert 0.3 < shared < 0.75


def test_the_catalogue_builds_both_domains_with_their_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AACBENCH_DATA", str(tmp_path))
    for spec in soundbox.SPECS:
        assert set(spec.splits) == set(SPLITS)
        kept = load_dataset(spec.name)
        assert kept.clips(spec.default_split)[0].audio.cache == tmp_path / "soundbox"
        free = load_dataset(f"{spec.name}(seed=7, cache=false)")
        assert free.clips("test")[0].audio.cache is None
        assert free.clips("test")[0].audio.seed == 7
        assert free.annotations("validation") != kept.annotations("validation")


def test_an_unknown_split_or_domain_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(BadOption, match="test"):
        Soundbox("events").clips("tests")
    with pytest.raises(BadOption, match="events"):
        Soundbox("event")
    with pytest.raises(BadOption, match="1499"):
        scene_number("test", 1500)

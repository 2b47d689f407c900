"""Retrievers and `+rag` on real sounds: what is found, what is shown, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import aacbench
from aacbench.audio import read
from aacbench.catalog import choose, fingerprint, trained_on
from aacbench.errors import BadOption, UnknownName
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.building import encoder_fingerprint
from aacbench.knowledge.entries import Entry
from aacbench.knowledge.writing import write
from aacbench.workshop import Workshop
from aacbench_p2p.rag import Rag

CLIPS = 24
SPLIT = "soundbox-events/validation"


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture(scope="module")
def clips() -> list[aacbench.Clip]:
    found = aacbench.load_dataset("soundbox-events(cache=false)").clips("validation")[:CLIPS]
    return [replace(clip, audio=read(clip.audio)) for clip in found]


@pytest.fixture(scope="module")
def captions(clips: list[aacbench.Clip]) -> dict[str, tuple[str, ...]]:
    annotations = aacbench.load_dataset("soundbox-events").annotations("validation")
    return {clip.id: annotations[clip.id].references for clip in clips}


@pytest.fixture(scope="module")
def base(
    workshop: Workshop,
    clips: list[aacbench.Clip],
    captions: dict[str, tuple[str, ...]],
    tmp_path_factory: pytest.TempPathFactory,
) -> KnowledgeBase:
    """Every clip with each of its captions, in the space of clap:mini."""
    encoder = workshop.build("encoders", "clap:mini")
    heard = encoder.embed_audio(clips)
    entries, audio, text = [], [], []
    for clip, row in zip(clips, heard, strict=True):
        for caption in captions[clip.id]:
            entries.append(Entry(clip.id, SPLIT, caption, clip.source_id))
            audio.append(row)
            text.append(encoder.embed_text([caption])[0])
    told = {
        "expression": "clap:mini",
        "fingerprint": encoder_fingerprint("clap:mini"),
        "dim": encoder.dim,
    }
    block = (entries, np.stack(audio).astype(np.float16), np.stack(text).astype(np.float16))
    return write(tmp_path_factory.mktemp("bases") / "small", told, [block])


def expression(name: str, base: KnowledgeBase, **options: object) -> str:
    told = "".join(f", {key}={value}" for key, value in options.items())
    return f'{name}(knowledge="{base.path}"{told})'


WAYS = ("audio-to-audio", "audio-to-text", "audio-to-mixture", "p2p")


@pytest.mark.parametrize("way", WAYS)
def test_a_clip_never_finds_its_own_recording(
    way: str,
    workshop: Workshop,
    base: KnowledgeBase,
    clips: list[aacbench.Clip],
    captions: dict[str, tuple[str, ...]],
) -> None:
    retriever = workshop.build("retrievers", expression(way, base))
    said = [captions[clip.id][0] for clip in clips]
    found = retriever.retrieve(clips, 10, said)
    assert all(len(shown) == 10 for shown in found)
    for clip, shown in zip(clips, found, strict=True):
        assert clip.id not in {one.clip_id for one in shown}
        assert [one.score for one in shown] == sorted((one.score for one in shown), reverse=True)


@pytest.mark.parametrize("way", WAYS)
def test_the_nearest_is_the_one_with_the_highest_sum_of_products(
    way: str,
    workshop: Workshop,
    base: KnowledgeBase,
    clips: list[aacbench.Clip],
    captions: dict[str, tuple[str, ...]],
) -> None:
    encoder = workshop.build("encoders", "clap:mini")
    said = [captions[clip.id][0] for clip in clips]
    heard, written = encoder.embed_audio(clips), encoder.embed_text(said)
    audio, text = (half.astype(np.float32) for half in base.vectors(range(len(base))))
    products = {
        "audio-to-audio": heard @ audio.T,  # equation 10
        "audio-to-text": heard @ text.T,  # equation 11
        "audio-to-mixture": heard @ audio.T + heard @ text.T,  # equation 12
        "p2p": 0.3 * heard @ audio.T + 0.7 * written @ text.T,  # equation 4
    }[way]
    entries = base.entries(range(len(base)))
    options = {"weight": 0.3} if way == "p2p" else {}
    retriever = workshop.build("retrievers", expression(way, base, **options))
    for clip, row, shown in zip(clips, products, retriever.retrieve(clips, 1, said), strict=True):
        others = [value for value, e in zip(row, entries, strict=True) if e.id != clip.id]
        assert shown[0].score == pytest.approx(max(others), abs=1e-4)


def test_neighbours_do_not_depend_on_who_is_asked_for_together(
    workshop: Workshop, base: KnowledgeBase, clips: list[aacbench.Clip]
) -> None:
    retriever = workshop.build("retrievers", expression("audio-to-mixture", base))
    together = retriever.retrieve(clips, 5)
    alone = [retriever.retrieve([clip], 5)[0] for clip in clips]
    assert together == alone


def test_more_than_there_is_gives_what_there_is(
    workshop: Workshop, base: KnowledgeBase, clips: list[aacbench.Clip]
) -> None:
    (found,) = workshop.build("retrievers", expression("audio-to-audio", base)).retrieve(
        clips[:1], 10_000
    )
    own = sum(entry.id == clips[0].id for entry in base.all_entries())
    assert own > 0
    assert len(found) == len(base) - own


def test_generative_retrieval_looks_for_what_its_captioner_says(
    workshop: Workshop, base: KnowledgeBase, clips: list[aacbench.Clip]
) -> None:
    own = workshop.build("retrievers", expression("p2p", base, captioner="nac:mini@events"))
    asked = workshop.build("retrievers", expression("p2p", base))
    said = [c.text for c in workshop.build("captioners", "nac:mini@events").caption(clips)]
    assert own.retrieve(clips, 3) == asked.retrieve(clips, 3, said)
    with pytest.raises(ValueError, match="captions"):
        asked.retrieve(clips, 3)


def test_rag_shows_the_captioner_what_was_found(
    workshop: Workshop, base: KnowledgeBase, clips: list[aacbench.Clip]
) -> None:
    retriever = expression("p2p", base)
    augmented = workshop.build("captioners", f"nac:mini@events+rag(retriever={retriever}, k=4)")
    plain = workshop.build("captioners", "nac:mini@events")
    captions = [caption.text for caption in plain.caption(clips)]
    found = workshop.build("retrievers", retriever).retrieve(clips, 4, captions)
    assert [c.text for c in augmented.caption(clips)] == [
        c.text for c in plain.caption(clips, found)
    ]
    assert [c.text for c in augmented.caption(clips)] != captions
    assert [c.text for c in augmented.caption(clips[3:4])] == [augmented.caption(clips)[3].text], (
        "who shares the batch changed a caption"
    )


def test_rag_without_examples_is_the_captioner_alone(
    workshop: Workshop, base: KnowledgeBase, clips: list[aacbench.Clip]
) -> None:
    retriever = expression("audio-to-audio", base)
    alone = workshop.build("captioners", "nac:mini@events").caption(clips[:6])
    none = workshop.build("captioners", f"nac:mini@events+rag(retriever={retriever}, k=0)")
    assert [c.text for c in none.caption(clips[:6])] == [c.text for c in alone]


def test_a_guide_steers_an_augmented_captioner_whichever_stands_first(
    workshop: Workshop, base: KnowledgeBase, clips: list[aacbench.Clip]
) -> None:
    rag = f"rag(retriever={expression('audio-to-text', base)})"
    one = workshop.build("captioners", f"nac:mini@events+{rag}+guide(steps=1)")
    other = workshop.build("captioners", f"nac:mini@events+guide(steps=1)+{rag}")
    first, second = one.caption(clips[:2]), other.caption(clips[:2])
    assert [c.text for c in first] == [c.text for c in second]
    assert all(c.steered for c in first)


def test_what_is_looked_up_counts_as_training_data() -> None:
    learnt = trained_on(choose("captioners", "nac:mini@events+rag@scenes"))
    assert learnt.knowledge_base == ("soundbox-scenes/train",)
    refined = trained_on(choose("captioners", "nac:mini@events+rag@refined-events"))
    assert set(refined.knowledge_base or ()) == {"soundbox-events/train", "soundbox-scenes/train"}


def test_another_base_gives_another_fingerprint(base: KnowledgeBase) -> None:
    named = fingerprint(choose("retrievers", "p2p@events"))
    assert named != fingerprint(choose("retrievers", "p2p@scenes"))
    folder = fingerprint(choose("retrievers", expression("p2p", base)))
    assert folder["knowledge"] == base.digest


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("nac:mini@events+rag(k=101)", "less than or equal to 100"),
        ("frequent@soundbox-events+rag", "takes none"),
        ("raft:mini@events+rag(k=11)", "more than the 10 examples"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong: str, told: str, workshop: Workshop) -> None:
    with pytest.raises(BadOption, match=told):
        workshop.build("captioners", wrong)


class Elsewhere:
    """A retriever that looks in another space than the captioner hears in."""

    encoder = "clap:small"
    needs_captions = False

    def retrieve(
        self, clips: Sequence[aacbench.Clip], k: int, captions: Sequence[str] | None = None
    ) -> list[list[aacbench.Example]]:
        return [[] for _ in clips]


def test_examples_of_another_space_are_refused_by_name(workshop: Workshop) -> None:
    with pytest.raises(BadOption, match="hears examples in the space of clap:mini"):
        Rag(Elsewhere(), 4).around(workshop.build("captioners", "raft:mini@events"))


def test_a_retriever_without_a_base_says_which_there_are(
    clips: list[aacbench.Clip], workshop: Workshop
) -> None:
    with pytest.raises(BadOption, match="which"):
        workshop.build("retrievers", "audio-to-audio").retrieve(clips[:1], 1)
    with pytest.raises(UnknownName, match="evnts"):
        workshop.build("retrievers", "audio-to-audio@evnts")


def test_the_consensus_of_neighbours_is_the_caption_most_like_the_others(
    workshop: Workshop, clips: list[aacbench.Clip]
) -> None:
    one = workshop.build("captioners", "nearest@soundbox-events(encoder=clap:mini)")
    five = workshop.build("captioners", "nearest@soundbox-events(encoder=clap:mini, k=15)")
    encoder = workshop.build("encoders", "clap:mini")
    said = [c.text for c in five.caption(clips)]
    assert said != [c.text for c in one.caption(clips)]
    for heard, text in zip(encoder.embed_audio(clips), said, strict=True):
        near = np.argsort(-(one.embedded @ heard), kind="stable")[:15]
        vectors = one.embedded[near]
        best = near[np.argmax((vectors @ vectors.T).mean(1))]
        assert text == one.captions[int(best)]


def test_augmented_captions_land_in_a_run_with_their_own_key(
    base: KnowledgeBase, tmp_path: Path
) -> None:
    retriever = expression("audio-to-audio", base)
    rag = f"nac:mini@events+rag(retriever={retriever})"
    folder = aacbench.run(rag, "soundbox-events@validation", limit=4, out=tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert str(base.path) not in json.dumps(manifest["decides"]), "a path in the run key"
    assert base.digest in json.dumps(manifest["decides"])
    assert manifest["trained_on"]["knowledge_base"] == [SPLIT]


def test_similarities_with_texts_weigh_the_sound_and_what_is_said_of_it(
    base: KnowledgeBase, clips: list[aacbench.Clip], workshop: Workshop
) -> None:
    texts = ["a dog barks", "an engine idles"]
    encoder = workshop.build("encoders", "clap:mini")
    heard, said = encoder.embed_audio(clips[:5]), encoder.embed_text(texts)
    captioner = workshop.build("captioners", "nac:mini@events")
    written = encoder.embed_text([c.text for c in captioner.caption(clips[:5])])
    cross = workshop.build("retrievers", "audio-to-text")
    np.testing.assert_allclose(cross.similarities(clips[:5], texts), heard @ said.T, atol=1e-5)
    own = workshop.build("retrievers", "p2p(captioner=nac:mini@events, weight=0.2)")
    expected = 0.2 * heard @ said.T + 0.8 * written @ said.T
    np.testing.assert_allclose(own.similarities(clips[:5], texts), expected, atol=1e-4)
    assert not hasattr(workshop.build("retrievers", "audio-to-audio"), "similarities")

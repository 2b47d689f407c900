"""`zeroshot` with real ears and text sides: against the plain algorithm, and what may go wrong."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from llama_folder import make_llama
from zeroshot_oracle import Oracle

from aacbench import catalog
from aacbench.decoding import GuidedCaptioner
from aacbench.errors import BadData, BadOption, MissingAsset
from aacbench.testing import check_captioner
from aacbench.types import Clip, GuidableCaptioner
from aacbench.workshop import Workshop
from aacbench_zeroshot.hearing import Likeness, Reader
from aacbench_zeroshot.options import TrainOptions, ZeroshotOptions
from aacbench_zeroshot.small import read_small
from aacbench_zeroshot.train import train

pytestmark = pytest.mark.usefixtures("alone")

QUICK = {
    "candidates": 10,
    "steps": 2,
    "max_tokens": 3,
    "step_size": 0.3,
    "fluency_weight": 0.2,
    "rescore": True,
    "read_prompt": True,
}


@pytest.fixture(scope="module")
def workshop(alone: None) -> Workshop:
    return Workshop()


@pytest.fixture(scope="module")
def boxes(workshop: Workshop) -> list[Clip]:
    """Validation clips of soundbox."""
    return list(workshop.build("datasets", "soundbox-events").clips("validation")[:7])


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> Path:
    return make_llama(tmp_path_factory.mktemp("llama"), captions)


def inside(folder: Path, **more: Any) -> str:
    given = {"weights": folder, "encoder": "clap:mini", "context": "''", **QUICK, **more}
    return "zeroshot(" + ", ".join(f"{name}={value}" for name, value in given.items()) + ")"


def zeroshot(workshop: Workshop, folder: Path, **more: Any) -> Any:
    return workshop.build("captioners", inside(folder, **more))


def similarity(workshop: Workshop, clips: list[Clip], texts: list[str]) -> float:
    """The mean cosine of sounds to texts."""
    ears = workshop.build("encoders", "clap:mini")
    return float((ears.embed_audio(clips) * ears.embed_text(texts)).sum(1).mean())


@pytest.mark.parametrize("model", ["gpt2", "llama"])
def test_it_says_what_the_plain_algorithm_says_token_for_token(
    workshop: Workshop, boxes: list[Clip], model: str, request: pytest.FixtureRequest
):
    captioner = zeroshot(workshop, request.getfixturevalue(model))
    clips = boxes if model == "gpt2" else boxes[:3]
    with torch.no_grad():
        wanted = [Oracle(captioner).zeroshot(clip) for clip in clips]
    assert len(set(wanted)) > 1, "it does not listen"
    for batch in (1, 3, 7):
        starts = range(0, len(clips), batch)
        found = [c for start in starts for c in captioner.caption(clips[start : start + batch])]
        assert [caption.tokens for caption in found] == wanted


def test_the_first_token_is_steered_as_well(workshop: Workshop, boxes: list[Clip], gpt2: Path):
    loud = zeroshot(workshop, gpt2, max_tokens=1, step_size=2)
    first = {caption.tokens for caption in loud.caption(boxes)}
    assert len(first) > 1


def test_hearing_brings_captions_nearer_to_their_sounds(workshop: Workshop, boxes: list[Clip]):
    deaf = workshop.build("captioners", "zeroshot:mini@events(max_tokens=8, steps=0)").caption(
        boxes[:4]
    )
    heard = workshop.build("captioners", "zeroshot:mini@events(max_tokens=8)").caption(boxes[:4])
    assert len({caption.text for caption in deaf}) == 1, "without hearing all sound alike"
    near = [similarity(workshop, boxes[:4], [c.text for c in cs]) for cs in (heard, deaf)]
    assert near[0] > near[1] + 0.1


def test_a_guide_joins_the_captioners_own(workshop: Workshop, boxes: list[Clip], gpt2: Path):
    alone = zeroshot(workshop, gpt2)
    guide = "guide(lookahead=0, classifier_weight=50)"
    both = workshop.build("captioners", f"{inside(gpt2)}+{guide}")
    assert isinstance(both, GuidedCaptioner)
    told = [c.tokens for c in both.caption(boxes[:3])]
    assert told != [c.tokens for c in alone.caption(boxes[:3])], "the guide adds nothing"
    silent = workshop.build("guides", "guide(lookahead=0, classifier_weight=0, fluency_weight=0)")
    unchanged = GuidedCaptioner(alone, [silent]).caption(boxes[:3])
    assert [c.tokens for c in unchanged] == [c.tokens for c in alone.caption(boxes[:3])], (
        "what the captioner hears, or how it steers, was lost beside a guide"
    )


def test_it_keeps_the_contract_of_captioners(workshop: Workshop, gpt2: Path):
    captioner = zeroshot(workshop, gpt2, candidates=6, steps=1, max_tokens=3)
    assert isinstance(captioner, GuidableCaptioner)
    check_captioner(captioner)


def test_beams_are_the_same_in_any_batch(workshop: Workshop, boxes: list[Clip], gpt2: Path):
    captioner = zeroshot(workshop, gpt2, candidates=6, steps=1, beams=3, keep=2)
    together = captioner.caption(boxes[:4])
    alone = [captioner.caption([clip])[0] for clip in boxes[:4]]
    assert [c.tokens for c in together] == [c.tokens for c in alone]
    assert all(len(c.alternatives) == 1 for c in together)


def test_forbidden_tokens_are_never_said(workshop: Workshop, boxes: list[Clip], gpt2: Path):
    captioner = zeroshot(
        workshop, gpt2, candidates=6, steps=1, max_tokens=6, forbidden="'[^ac-z ]'"
    )
    texts = [caption.text.lower() for caption in captioner.caption(boxes[:4])]
    assert all(set(text) <= set("acdefghijklmnopqrstuvwxyz ") for text in texts)
    assert any(texts)


def test_a_full_stop_or_its_like_ends_a_caption(workshop: Workshop, gpt2: Path):
    captioner = zeroshot(workshop, gpt2, end="'s'")
    words = captioner.words
    scores = torch.randn(2, words.size)
    spoken = captioner.manner(scores)
    own = zeroshot(workshop, gpt2).words.end
    ends = scores[:, [words.end, own]]
    assert own != words.end
    assert (spoken[:, words.end] >= ends.logsumexp(-1) - 1e-5).all()
    assert (spoken[:, own] < -1e3).all(), "the model's own end would be said as a word"


def test_the_prompt_is_kept_where_it_is_asked_for(
    workshop: Workshop, boxes: list[Clip], gpt2: Path
):
    dropped = zeroshot(workshop, gpt2).caption(boxes[:2])
    kept = zeroshot(workshop, gpt2, keep_prompt=True).caption(boxes[:2])
    assert [c.tokens for c in kept] == [c.tokens for c in dropped], "the encoder read it twice"
    for with_prompt, without in zip(kept, dropped, strict=True):
        assert with_prompt.text.startswith("This is a sound of")
        assert with_prompt.text.lower().endswith(without.text.lower())


def test_a_repetition_penalty_lowers_what_was_just_said(workshop: Workshop, gpt2: Path):
    captioner = zeroshot(workshop, gpt2, repetition_penalty=2, repetition_window=2)
    scores = torch.tensor([[4.0, -4.0, 2.0, 1.0]])
    said = torch.tensor([[2, 0, 1, -1, -1]])
    lowered = captioner._less_of_the_same(scores, said, 3)
    assert lowered.tolist() == [[2.0, -8.0, 2.0, 1.0]], "token 2 was said before the window"


def test_a_text_is_embedded_once_and_forgotten_in_time(workshop: Workshop):
    asked: list[str] = []

    class Counting:
        dim = 3

        def embed_text(self, texts: Any) -> Any:
            asked.extend(texts)
            return np.ones((len(texts), 3), np.float32)

    counting: Any = Counting()
    reader = Reader(counting, remember=2)
    assert reader.embed(["rain", "wind", "rain"]).shape == (3, 3)
    reader.embed(["wind"])
    assert asked == ["rain", "wind"]
    reader.embed(["hail", "wind"])
    reader.embed(["rain"])
    assert asked == ["rain", "wind", "hail", "rain"], "more was remembered than was allowed"


def test_what_all_sounds_share_is_taken_out_where_it_is_known(
    workshop: Workshop, boxes: list[Clip], gpt2: Path, monkeypatch: pytest.MonkeyPatch
):
    captioner = zeroshot(workshop, gpt2, centre=True)
    plain = captioner.encoder.embed_audio(boxes[:2])
    np.testing.assert_allclose(captioner.hear(boxes[:2]), plain, atol=1e-6)
    middle = plain.mean(axis=0)
    monkeypatch.setattr(type(captioner.encoder), "audio_mean", middle, raising=False)
    moved = captioner.hear(boxes[:2]).numpy()
    assert float(moved[0] @ moved[1]) == pytest.approx(-1.0, abs=0.2), "two clips about their mean"


def test_a_caption_without_words_is_like_no_sound(workshop: Workshop):
    ears = workshop.build("encoders", "clap:mini")
    likeness = Likeness(ears, ZeroshotOptions(), read_prompt=True)
    cosines = likeness(["", "Rain"], torch.ones(2, ears.dim) / ears.dim**0.5)
    assert cosines[0] == -1.0 < cosines[1]


def test_it_captions_without_network(
    workshop: Workshop, boxes: list[Clip], monkeypatch: pytest.MonkeyPatch
):
    def refuse(*given: Any) -> Any:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    fresh = Workshop().build("captioners", "zeroshot:mini@events(steps=1)")
    assert fresh.caption(boxes[:1])[0].text


def test_mini_owns_up_to_the_captions_it_has_read():
    learnt = catalog.trained_on(catalog.choose("captioners", "zeroshot:mini@events"))
    assert learnt.captions == learnt.language_model == ("soundbox-events/train",)
    small = catalog.trained_on(catalog.choose("captioners", "zeroshot:small"))
    assert small.captions == ()
    own = catalog.trained_on(catalog.choose("captioners", "zeroshot:small(weights=.)"))
    assert own.captions is None, "nobody knows what a model of one's own has read"


class Deaf:
    """An encoder that does not read."""

    dim = 4

    def embed_audio(self, clips: Any) -> Any:
        return np.ones((len(clips), 4), np.float32)


def test_an_encoder_that_cannot_read_is_refused(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(workshop, "build", lambda kind, expression: Deaf())
    choice = catalog.choose("captioners", "zeroshot:mini")
    with pytest.raises(BadOption, match="has no embed_text") as caught:
        workshop._made(choice)
    assert "clap:small" in caught.value.hint


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("prompt=' '", "an empty prompt"),
        ("forbidden='['", "no regular expression"),
        ("forbidden='.'", "no token to say"),
        ("max_tokens=5000", "does not fit"),
        ("language_model=gpt2-medium", "is another"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    workshop: Workshop, boxes: list[Clip], given: str, told: str
):
    with pytest.raises(BadOption, match=told) as caught:
        workshop.build("captioners", f"zeroshot:mini({given})").caption(boxes[:1])
    assert caught.value.hint


def test_an_unknown_language_model_is_named(workshop: Workshop, tmp_path: Path):
    (tmp_path / "something.safetensors").write_bytes(
        next(iter(catalog.weights(catalog.choose("captioners", "nac:mini")).values())).read_bytes()
    )
    with pytest.raises(BadData, match="does not hold a language model"):
        zeroshot(workshop, tmp_path / "something.safetensors")
    with pytest.raises(MissingAsset, match="is not there"):
        zeroshot(workshop, tmp_path / "none")


def test_training_twice_gives_the_same_bytes_and_words(workshop: Workshop, tmp_path: Path):
    options = TrainOptions(
        limit=20, steps=6, batch_size=8, warmup=2, width=16, heads=2, layers=1, vocabulary=200
    )
    first = train(options, workshop, tmp_path / "a")
    second = train(options, workshop, tmp_path / "b")
    assert first["sha256"] == second["sha256"]
    model = read_small(tmp_path / "a" / "zeroshot.safetensors")
    caption = "A dog barks while rain falls"
    assert model.words.decode(model.words.encode(caption)) == caption
    assert model.words.end not in model.words.encode(caption)

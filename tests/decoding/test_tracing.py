"""What a trace says of a guided caption: the probabilities of the tokens that were really taken."""

from __future__ import annotations

import pytest
import torch
from random_models import END, Prefixed, clips
from wishes import PLAIN, SETTINGS, Wish, guided

from aacbench.decoding import Decoding, Steering, decode
from aacbench.types import Caption


def alone(captioner: Prefixed, index: int, said: tuple[int, ...]) -> torch.Tensor:
    """The captioner's own next-token probabilities, everything read anew."""
    prefix = captioner.open([clips(index + 1)[index]])
    words = captioner.model.transformer.wte(torch.tensor([said], dtype=torch.long))
    with torch.no_grad():
        return (
            captioner.model(inputs_embeds=torch.cat([prefix, words], 1)).logits[0, -1].softmax(-1)
        )


@pytest.mark.parametrize("beams", [1, 3])
def test_the_plain_probabilities_are_the_captioners_own(beams: int):
    captioner = Prefixed()
    settings = Decoding(beams=beams, max_tokens=6, keep=beams)
    told = decode(captioner, clips(4), settings, [Wish(3, 5, steering=PLAIN)])
    ranked = [(n, c) for n, best in enumerate(told) for c in (best, *best.alternatives)]
    assert any(one.instead is not None for _, c in ranked for one in c.steered)
    for index, caption in ranked:
        assert len(caption.steered) == len(caption.tokens)
        for place, one in enumerate(caption.steered):
            own = alone(captioner, index, caption.tokens[:place])
            own[END] = own[END] if place else 0.0
            assert one.plain == pytest.approx(float(own[caption.tokens[place]]), abs=1e-5)
            first = int(own.argmax())
            if one.instead is None:
                assert first == caption.tokens[place]
            else:
                assert one.instead_plain == pytest.approx(float(own[first]), abs=1e-5)


def test_the_guided_probabilities_are_those_that_the_caption_was_scored_by():
    for caption in guided(Prefixed(), clips(6), Wish(3, 5)):
        ended = len(caption.tokens) < SETTINGS.max_tokens
        logs = torch.tensor([one.guided for one in caption.steered]).log().sum()
        if not ended:
            assert caption.score == pytest.approx(float(logs) / len(caption.tokens), abs=1e-4)
        else:
            assert caption.score * (len(caption.tokens) + 1) <= float(logs) + 1e-4


def test_a_guide_that_moves_nothing_leaves_every_probability_as_it_was():
    still = Steering(steps=0)
    for caption in guided(Prefixed(), clips(3), Wish(3, steering=still)):
        for one in caption.steered:
            assert one.instead is None
            assert one.guided == pytest.approx(one.plain, abs=1e-6)


def test_a_token_that_the_guide_brought_in_was_less_likely_without_it():
    told = guided(Prefixed(), clips(8), Wish(3, 5))
    changed = [one for caption in told for one in caption.steered if one.instead is not None]
    assert changed
    assert all(one.plain <= one.instead_plain for one in changed)
    assert all(one.guided >= one.instead_guided for one in changed)


def test_what_each_token_adds_makes_up_the_caption():
    for caption in guided(Prefixed(), clips(5), Wish(3, 5)):
        assert "".join(one.text for one in caption.steered) == caption.text


def test_captions_without_guides_carry_no_trace():
    told: list[Caption] = decode(Prefixed(), clips(2), SETTINGS)
    assert [caption.steered for caption in told] == [(), ()]

"""Guides that a captioner brings along: at work alone and beside others, and told which clip a row
is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from random_models import Prefixed, clips
from torch import Tensor
from wishes import PLAIN, SETTINGS, Wish, guided

from aacbench.decoding import Decoding, GuidedCaptioner, Prediction, decode
from aacbench.errors import BadOption
from aacbench.types import Caption, Clip, GuidableCaptioner


class Steered(Prefixed):
    """A captioner that is nothing without its own guides."""

    def __init__(self, *guides: Any, layers: int = 2) -> None:
        super().__init__(layers=layers)
        self.guides = guides
        self.decoding = SETTINGS

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return decode(self, clips, self.decoding, guides=self.guides)


def tokens_of(captions: Sequence[Caption]) -> list[tuple[int, ...]]:
    return [caption.tokens for caption in captions]


def test_a_captioner_is_steered_by_its_own_guides_whoever_asks_it():
    own, several = Wish(5), clips(8)
    captioner = Steered(own)
    assert isinstance(captioner, GuidableCaptioner)
    expected = tokens_of(guided(Prefixed(layers=2), several, Wish(5)))
    assert expected != tokens_of(decode(Prefixed(layers=2), several, SETTINGS))
    assert tokens_of(captioner.caption(several)) == expected
    assert tokens_of(decode(captioner, several, SETTINGS)) == expected


def test_a_guide_that_is_added_adds_its_loss_to_the_captioners_own():
    several = clips(12)
    expected = tokens_of(guided(Prefixed(layers=2), several, Wish(5), Wish(7)))
    assert expected != tokens_of(guided(Prefixed(layers=2), several, Wish(5)))
    captioner = Steered(Wish(5))
    assert tokens_of(GuidedCaptioner(captioner, [Wish(7)]).caption(several)) == expected


def test_the_captioners_own_steering_is_used_for_all():
    several = clips(12)
    other = Wish(7, steering=replace(PLAIN, steps=1, moved="keys"))
    joined = GuidedCaptioner(Steered(Wish(5)), [other])
    expected = guided(Prefixed(layers=2), several, Wish(5), Wish(7))
    assert tokens_of(joined.caption(several)) == tokens_of(expected)


def test_guides_that_one_captioner_brings_must_agree():
    other = Wish(7, steering=replace(PLAIN, steps=9))
    with pytest.raises(BadOption, match="differ in steps"):
        GuidedCaptioner(Steered(Wish(5), other), [Wish(3)])


class ByClip(Wish):
    """Wants of each row what its clip's state says: one token or the other."""

    def loss(self, prediction: Prediction) -> Tensor:
        state = prediction.state
        assert len(state) == len(prediction.prefixes)
        wanted = (state.mean((1, 2)) > 0).long() * 2 + 5  # 5 or 7
        return -prediction.log_probabilities.gather(1, wanted[:, None])[:, 0]


@pytest.mark.parametrize("beams", [1, 3])
def test_a_guide_knows_each_rows_clip_after_rows_were_picked_and_left(beams: int):
    """A guide that takes a row's clip from its state steers as one that was made for the clip."""
    settings = Decoding(beams=beams, max_tokens=8)
    several = clips(12)
    captioner = Prefixed(layers=2)
    positive = [bool(captioner.open([clip]).mean() > 0) for clip in several]
    assert 2 < sum(positive) < 10
    together = decode(Steered(ByClip()), several, settings)
    for clip, caption, first in zip(several, together, positive, strict=True):
        alone = guided(captioner, [clip], Wish(7 if first else 5), settings=settings)
        assert alone[0].tokens == caption.tokens


def test_a_state_of_several_tensors_reaches_the_guide_as_it_is():
    class Pair(Steered):
        def open(self, clips: Sequence[Clip]) -> Any:
            return super().open(clips), torch.tensor([int(clip.id) for clip in clips])

        def step(self, state: Any, tokens: Tensor | None, cache: Any) -> Any:
            return super().step(state[0], tokens, cache)

    class Watching(Wish):
        def loss(self, prediction: Prediction) -> Tensor:
            prefix, numbers = prediction.state
            assert len(prefix) == len(numbers) == len(prediction.prefixes)
            self.numbers = numbers.tolist()
            return super().loss(prediction)

    watching = Watching(5)
    found = decode(Pair(watching), clips(5, first=3), SETTINGS)
    assert len(found) == 5
    assert set(watching.numbers) <= {3, 4, 5, 6, 7}

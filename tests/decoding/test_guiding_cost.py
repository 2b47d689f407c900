"""What guiding takes: passes of the language model, precision, and rows of cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from random_models import PREFIX, Prefixed, clips
from torch import Tensor
from wishes import PLAIN, SETTINGS, Wish, guided

from aacbench.decoding import Prediction, decode, looking_ahead
from aacbench.decoding.guiding import Guiding
from aacbench.types import Clip, Step


class Counting(Prefixed):
    """Counts its passes, and positions read over all of them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.read: list[tuple[int, bool]] = []

    def step(self, state: Tensor, tokens: Tensor | None, cache: Any) -> Step:
        whole = tokens is None and cache is None
        self.read.append((state.shape[1] if whole else 1, torch.is_grad_enabled()))
        return super().step(state, tokens, cache)


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_a_token_takes_one_pass_more_than_there_are_steps_and_each_reads_one_token(steps: int):
    captioner = Counting()
    (caption,) = guided(captioner, clips(1), Wish(5, steering=replace(PLAIN, steps=steps)))
    tokens = min(len(caption.tokens) + 1, SETTINGS.max_tokens)
    assert len(captioner.read) == tokens * (steps + 1) + 1
    assert [positions for positions, _ in captioner.read] == [PREFIX] + [1] * tokens * (steps + 1)
    assert sum(with_gradient for _, with_gradient in captioner.read) == tokens * steps


def test_moves_that_are_carried_along_take_one_pass_more():
    captioner = Counting()
    (caption,) = guided(captioner, clips(1), Wish(5, steering=replace(PLAIN, reset=False)))
    tokens = min(len(caption.tokens) + 1, SETTINGS.max_tokens)
    assert len(captioner.read) == tokens * (PLAIN.steps + 2)


def test_the_language_models_weights_take_no_gradient():
    captioner = Prefixed(layers=2)
    before = {name: tensor.clone() for name, tensor in captioner.model.state_dict().items()}
    guided(captioner, clips(4), Wish(5))
    assert all(parameter.grad is None for parameter in captioner.model.parameters())
    after = captioner.model.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


# --- precision ------------------------------------------------------------------------------------


class InHalf(Prefixed):
    """The same words, computed in bfloat16."""

    def __init__(self, half: bool = True, **settings: Any) -> None:
        super().__init__(**settings)
        self.model.to(torch.bfloat16)
        if not half:
            self.model.float()  # the same numbers, computed in full
        self.kind = torch.bfloat16 if half else torch.float32

    def open(self, clips: Sequence[Clip]) -> Tensor:
        return super().open(clips).bfloat16().to(self.kind)


def after_two_tokens(captioner: Prefixed, steering: Any) -> tuple[Guiding, list[Any]]:
    """Readings of two tokens in turn, for eight clips."""
    guiding = Guiding(captioner, [Wish(5, steering=steering)])
    with torch.no_grad():
        state = captioner.open(clips(8))
        first = guiding.read(state, None, None, [()] * 8)
        tokens = torch.full((8, 1), 3)
        return guiding, [first, guiding.read(state, tokens, first.cache, [(3,)] * 8)]


def test_in_bfloat16_the_guided_probabilities_are_those_of_float32_to_its_precision():
    steering = replace(PLAIN, norm_exponent=0.9, step_size=0.3)
    _, half = after_two_tokens(InHalf(layers=2), steering)
    _, full = after_two_tokens(InHalf(half=False, layers=2), steering)
    for in_half, in_full in zip(half, full, strict=True):
        assert in_half.guided.dtype == torch.float32
        assert all(layer.keys.dtype == torch.bfloat16 for layer in in_half.cache.layers)
        steered = (in_full.guided.exp() - in_full.plain.exp()).abs().max()
        assert steered > 0.2, "the guide does something"
        assert (in_half.guided.exp() - in_full.guided.exp()).abs().max() < 0.06
        assert (in_half.plain.exp() - in_full.plain.exp()).abs().max() < 0.06


def test_moves_too_small_for_bfloat16_are_added_up_all_the_same():
    tiny = replace(PLAIN, steps=8, step_size=1e-3, reset=False)
    guiding, readings = after_two_tokens(InHalf(layers=2), tiny)
    assert guiding.carried is not None
    held = [t for layer in readings[-1].cache.layers for t in (layer.keys, layer.values)]
    for moves, own in zip(guiding.carried, held, strict=True):
        assert moves.dtype == torch.float32
        before = own[..., :-1, :]
        lost = (before + moves.to(before.dtype) == before) & (before != 0)
        assert (moves[lost] != 0).float().mean() > 0.5
    full, _ = after_two_tokens(InHalf(half=False, layers=2), tiny)
    assert full.carried is not None
    for ours, theirs in zip(guiding.carried, full.carried, strict=True):
        assert torch.nn.functional.cosine_similarity(ours.ravel(), theirs.ravel(), 0) > 0.95


# --- words that cannot be said --------------------------------------------------------------------


class Silent(Prefixed):
    """Never says some words: their scores are minus infinity."""

    def step(self, state: Tensor, tokens: Tensor | None, cache: Any) -> Step:
        step = super().step(state, tokens, cache)
        forbidden = torch.zeros(step.scores.shape[-1], dtype=torch.bool)
        forbidden[[2, 5]] = True
        return Step(step.scores.masked_fill(forbidden, -torch.inf), step.cache)


@pytest.mark.parametrize("fusion", [1.0, 0.9])
def test_a_word_that_cannot_be_said_is_not_said_and_breaks_nothing(fusion: float):
    captioner = Silent(layers=2)
    found = guided(captioner, clips(8), Wish(3, steering=replace(PLAIN, fusion=fusion)))
    said = {token for caption in found for token in caption.tokens}
    assert said
    assert not said & {2, 5}
    assert [c.tokens for c in found] != [c.tokens for c in decode(captioner, clips(8), SETTINGS)]


# --- looking ahead --------------------------------------------------------------------------------


class Looking(Wish):
    def loss(self, prediction: Prediction) -> Tensor:
        rows = len(prediction.prefixes)
        asked = [(row, token) for row in range(rows) for token in range(1, 12)]
        self.told = getattr(self, "told", []) + prediction.complete(asked, 6)
        return super().loss(prediction)


def test_candidates_are_completed_a_bounded_number_at_a_time_with_the_same_outcome(
    monkeypatch: pytest.MonkeyPatch,
):
    captioner = Counting(layers=2)
    whole = Looking(5)
    guided(captioner, clips(6), whole)
    monkeypatch.setattr(looking_ahead, "TOGETHER", 5)
    captioner.rows.clear()
    parts = Looking(5)
    guided(captioner, clips(6), parts)
    assert parts.told == whole.told
    assert max(captioner.rows) <= 6, "the search's own rows, or five candidates"

"""Guides in the loop: held against the plain algorithm, one clip at a time, nothing kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from random_models import END, WIDTH, Numbers, Prefixed, clips
from torch import Tensor
from transformers import DynamicCache, T5Config, T5ForConditionalGeneration
from wishes import PLAIN, SETTINGS, Wish, guided

from aacbench.decoding import Decoding, GuidedCaptioner, Prediction, decode
from aacbench.errors import BadOption, PluginFault
from aacbench.types import Caption, Clip, Step


def tokens_of(captions: Sequence[Caption]) -> list[tuple[int, ...]]:
    return [caption.tokens for caption in captions]


def read(
    captioner: Prefixed, whole: Tensor, held: Sequence[Tensor], moves: Sequence[Tensor]
) -> Tensor:
    """Log probabilities after the last position of `whole`, over keys and values that are moved."""
    moved = [tensor + move for tensor, move in zip(held, moves, strict=True)]
    cache = DynamicCache(list(zip(moved[::2], moved[1::2], strict=True)))
    out = captioner.model(inputs_embeds=whole[:, -1:], past_key_values=cache)
    return out.logits[:, -1].log_softmax(-1)


def plain_algorithm(
    captioner: Prefixed, clip: Clip, wish: Wish, longest: int = 8
) -> tuple[int, ...]:
    """Greedy, with everything computed anew at every token and every step."""
    steering = wish.steering
    prefix = captioner.open([clip])
    tokens: list[int] = []
    carried: list[Tensor] = []
    while len(tokens) < longest:
        words = captioner.model.transformer.wte(torch.tensor([tokens], dtype=torch.long))
        whole = torch.cat([prefix, words], 1).detach()
        with torch.no_grad():
            before = captioner.model(inputs_embeds=whole[:, :-1], use_cache=True).past_key_values
            own = captioner.model(inputs_embeds=whole).logits[:, -1].log_softmax(-1)
        held = [t for layer in before.layers for t in (layer.keys, layer.values)]
        moves = [torch.zeros_like(t) for t in held]
        if not steering.reset and carried:
            for move, old in zip(moves, carried, strict=True):
                move[:, :, :-1] = old

        for _ in range(steering.steps):
            leaves = [move.clone().requires_grad_() for move in moves]
            loss = -wish.weight * read(captioner, whole, held, leaves)[
                0, list(wish.tokens)
            ].logsumexp(-1)
            gradients = torch.autograd.grad(loss, leaves)
            for place, gradient in enumerate(gradients):
                layer, kind = divmod(place, 2)
                layers = len(held) // 2
                if steering.layers is not None and layer < layers - steering.layers:
                    continue
                if ("keys", "values")[kind] not in steering.moved:
                    continue
                norm = max(float(gradient.norm()), steering.norm_floor)
                moves[place] = moves[place] - steering.step_size * gradient / (
                    norm**steering.norm_exponent
                )
        carried = moves
        with torch.no_grad():
            fused = (
                steering.fusion * read(captioner, whole, held, moves) + (1 - steering.fusion) * own
            )
        if not tokens:
            fused[0, END] = -torch.inf
        token = int(fused.argmax())
        if token == END:
            break
        tokens.append(token)
    return tuple(tokens)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"norm_exponent": 0.9, "step_size": 0.3},
        {"layers": 1},
        {"moved": "values"},
        {"moved": "keys"},
        {"reset": False},
        {"fusion": 0.6},
        {"steps": 1},
    ],
    ids=str,
)
def test_every_way_to_steer_gives_what_the_plain_algorithm_gives(change: dict[str, Any]):
    captioner = Prefixed(layers=3)
    wish = Wish(3, 7, steering=replace(PLAIN, **change))
    several = clips(12)
    expected = [plain_algorithm(captioner, clip, wish) for clip in several]
    assert tokens_of(guided(captioner, several, wish)) == expected
    assert tokens_of(guided(captioner, several[:1], wish)) == expected[:1]
    assert expected != tokens_of(decode(captioner, several, SETTINGS)), "nothing was steered"


def test_a_wish_comes_true_more_often_than_without_it():
    captioner = Prefixed(layers=2)
    several = clips(16)

    def share(captions: list[Caption]) -> float:
        said = [token for caption in captions for token in caption.tokens]
        return said.count(5) / len(said)

    before = share(decode(captioner, several, SETTINGS))
    assert share(guided(captioner, several, Wish(5))) > before + 0.2


@pytest.mark.parametrize("change", [{"steps": 0}, {"step_size": 0.0}, {"fusion": 0.0}], ids=str)
def test_a_guide_that_may_not_move_anything_changes_nothing(change: dict[str, Any]):
    captioner = Prefixed(layers=2)
    wish = Wish(5, steering=replace(PLAIN, **change))
    assert guided(captioner, clips(8), wish) != []
    assert tokens_of(guided(captioner, clips(8), wish)) == tokens_of(
        decode(captioner, clips(8), SETTINGS)
    )


def test_clips_do_not_feel_each_other():
    captioner = Prefixed(layers=2)
    wish = Wish(3, 7, steering=replace(PLAIN, norm_exponent=0.9, step_size=0.3))
    several = clips(16)
    together = guided(captioner, several, wish)
    for settings in (SETTINGS, Decoding(beams=4, max_tokens=8)):
        together = guided(captioner, several, wish, settings=settings)
        backwards = guided(captioner, several[::-1], wish, settings=settings)[::-1]
        alone = [guided(captioner, [clip], wish, settings=settings)[0] for clip in several]
        assert tokens_of(together) == tokens_of(backwards) == tokens_of(alone)
        assert len(set(tokens_of(together))) > 4


def test_several_guides_add_up_to_one_with_the_sum_of_their_losses():
    captioner = Prefixed(layers=2)

    class Both(Wish):
        def loss(self, prediction: Prediction) -> Tensor:
            first, second = (prediction.log_probabilities[:, t] for t in self.tokens)
            return -first - 0.5 * second

    joined = guided(captioner, clips(12), Wish(3), Wish(7, weight=0.5))
    assert tokens_of(joined) == tokens_of(guided(captioner, clips(12), Both(3, 7)))
    assert tokens_of(joined) != tokens_of(guided(captioner, clips(12), Wish(3)))


def test_guides_that_want_opposite_things_cancel():
    captioner = Prefixed(layers=2)
    against = Wish(5, weight=-1.0)
    both = guided(captioner, clips(12), Wish(5), against)
    assert tokens_of(both) == tokens_of(decode(captioner, clips(12), SETTINGS))


def test_guides_that_move_the_cache_in_different_ways_are_refused_by_what_differs():
    other = Wish(7, steering=replace(PLAIN, steps=9, moved="keys"))
    with pytest.raises(BadOption, match="differ in steps, moved"):
        GuidedCaptioner(Prefixed(), [Wish(3), other])


def test_the_guide_is_asked_once_a_step_and_told_what_was_said():
    captioner = Prefixed(layers=1)
    wish = Wish(5)
    (caption,) = guided(captioner, clips(1), wish)
    assert [p.step for p in wish.seen[:6]] == [0, 1, 2, 0, 1, 2]
    assert [p.prefixes[0] for p in wish.seen[::3]][-1] == caption.tokens[: len(wish.seen) // 3 - 1]
    assert all(p.kept is not q.kept for p, q in zip(wish.seen[2::3], wish.seen[3::3], strict=False))


class Foresight(Wish):
    """Has the captioner complete every candidate at every token, and keeps what it was told."""

    def __init__(self, length: int) -> None:
        super().__init__(5)
        self.length = length
        self.told: list[tuple[tuple[int, ...], int, str]] = []

    def loss(self, prediction: Prediction) -> Tensor:
        every = [(r, t) for r in range(len(prediction.prefixes)) for t in range(12)]
        texts = prediction.complete(every, self.length)
        for (row, token), text in zip(every, texts, strict=True):
            self.told.append((prediction.prefixes[row], token, text))
        return super().loss(prediction)


@pytest.mark.parametrize("make", [Prefixed, lambda: Sequential()], ids=["decoder", "encoder too"])
@pytest.mark.parametrize("length", [0, 3, 20])
def test_candidates_are_completed_as_the_captioner_alone_would(make: Any, length: int):
    captioner = make()
    (clip,) = clips(1)
    guide = Foresight(length)
    guided(captioner, [clip], guide)
    guided(captioner, [clip, *clips(3, first=5)], Foresight(length))
    assert len(guide.told) > 24
    for prefix, token, text in guide.told[::7]:
        said = [*prefix, token]
        with torch.no_grad():
            for _ in range(length if token != END else 0):
                token = greedy(captioner, clip, said)
                said.append(token)
                if token == END:
                    break
        assert text == captioner.tokenizer.decode([t for t in said if t != END])


def greedy(captioner: Any, clip: Clip, said: list[int]) -> int:
    """The likeliest next token, everything read in steps from the beginning."""
    state = captioner.open([clip])
    step = captioner.step(state, None, None)
    for token in said:
        step = captioner.step(state, torch.tensor([[token]]), step.cache)
    return int(step.scores.argmax())


def test_looking_ahead_leaves_the_search_as_it_is():
    captioner = Prefixed(layers=2)
    seen = guided(captioner, clips(6), Foresight(4))
    assert tokens_of(seen) == tokens_of(guided(captioner, clips(6), Wish(5)))


def test_the_number_of_beams_is_the_captioners_where_it_says_one_else_the_guides():
    wish = Wish(5)
    assert Decoding().under([wish]).width == 1
    assert Decoding(beams=4).under([wish]).width == 4
    assert Decoding().under([]).width == 5
    captioner = Prefixed()
    captioner.decoding = Decoding(max_tokens=8)
    assert GuidedCaptioner(captioner, [wish]).caption(clips(3)) != []
    assert all(len(p.prefixes) <= 3 for p in wish.seen)


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (lambda p: p.log_probabilities.sum(-1) * torch.nan, "not a number"),
        (lambda p: p.log_probabilities, "for 2 rows"),
        (lambda p: 0.5, "for 2 rows"),
    ],
)
def test_a_loss_that_is_none_is_refused_by_the_guides_name(loss: Any, told: str):
    wish = Wish(5)
    wish.loss = loss
    with pytest.raises(PluginFault, match=rf"Wish\.loss.*{told}"):
        guided(Prefixed(), clips(2), wish)


def test_a_cache_that_cannot_be_moved_is_refused_by_its_kind():
    class Own(Prefixed):
        def step(self, state: Tensor, tokens: Tensor | None, cache: Any) -> Step:
            return Step(super().step(state, tokens, cache).scores, {"kept": "elsewhere"})

    with pytest.raises(PluginFault, match="kind dict"):
        guided(Own(), clips(1), Wish(5))


# --- encoder and decoder --------------------------------------------------------------------------


class Sequential:
    """A random T5: what is heard goes through its encoder, words come from its decoder."""

    def __init__(self, vocabulary: int = 12) -> None:
        torch.manual_seed(1)
        config = T5Config(
            vocab_size=vocabulary,
            d_model=WIDTH,
            d_kv=8,
            d_ff=32,
            num_layers=1,
            num_decoder_layers=2,
            num_heads=2,
            decoder_start_token_id=END,
            tie_word_embeddings=False,
            initializer_factor=3.0,
        )
        self.model = T5ForConditionalGeneration(config).eval()
        self.tokenizer = Numbers(vocabulary)
        self.decoding = SETTINGS

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return decode(self, clips, self.decoding)

    def open(self, clips: Sequence[Clip]) -> Tensor:
        heard = Prefixed().open(clips)
        return self.model.encoder(inputs_embeds=heard).last_hidden_state

    def step(self, state: Tensor, tokens: Tensor | None, cache: Any) -> Step:
        start = torch.full((len(state), 1), END)
        out = self.model(
            encoder_outputs=(state,),
            decoder_input_ids=start if tokens is None else tokens,
            past_key_values=cache,
            use_cache=True,
        )
        return Step(out.logits[:, -1], out.past_key_values)


def test_an_encoder_and_decoder_is_steered_from_its_second_token_on():
    captioner = Sequential()
    several = clips(12)
    plain = tokens_of(decode(captioner, several, SETTINGS))
    wished = tokens_of(guided(captioner, several, Wish(5, steering=replace(PLAIN, step_size=20))))
    assert [t[:1] for t in wished] == [t[:1] for t in plain], "nothing goes before the first token"
    assert sum(t.count(5) for t in wished) > sum(t.count(5) for t in plain)
    alone = [
        guided(captioner, [c], Wish(5, steering=replace(PLAIN, step_size=20))) for c in several
    ]
    assert [tokens_of(one)[0] for one in alone] == wished

"""The one decoding loop, held against enumeration, an argmax loop and transformers' own search."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from random_models import END, PREFIX, Prefixed, clips
from torch import Tensor

from aacbench.decoding import Decoding, decode, search
from aacbench.types import Clip, GuidableCaptioner, Step


def test_the_captioner_here_is_one_by_the_protocol():
    assert isinstance(Prefixed(), GuidableCaptioner)


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("shortest", [1, 2])
def test_with_enough_beams_the_search_finds_what_enumeration_finds(penalty: float, shortest: int):
    longest, vocabulary = 4, 6
    captioner = Prefixed(vocabulary, layers=1)
    settings = Decoding(6**4, longest, shortest, penalty, keep=10)
    for clip in clips(2):
        (found,) = decode(captioner, [clip], settings)
        ranked = sorted(
            _enumerated(captioner, clip, vocabulary, longest, shortest, penalty), reverse=True
        )
        kept = [found, *found.alternatives]
        assert [caption.tokens for caption in kept] == [tokens for _, tokens in ranked[:10]]
        scores = [caption.score for caption in kept]
        assert scores == pytest.approx([score for score, _ in ranked[:10]], abs=1e-4)


def _enumerated(
    captioner: Prefixed, clip: Clip, vocabulary: int, longest: int, shortest: int, penalty: float
) -> list[tuple[float, tuple[int, ...]]]:
    """Every caption with its score: an end counts as a token, a caption cut off has none."""
    entries = []
    words = [token for token in range(vocabulary) if token != END]
    for length in range(shortest, longest + 1):
        captions = list(itertools.product(words, repeat=length))
        whole = captions if length == longest else [(*tokens, END) for tokens in captions]
        totals = captioner.log_probabilities(clip, whole)
        divisor = len(whole[0]) ** penalty
        entries += [(t / divisor, tokens) for t, tokens in zip(totals, captions, strict=True)]
    return entries


def test_one_beam_is_the_argmax_loop():
    captioner = Prefixed()
    lengths = set()
    for clip in clips(8):
        (found,) = decode(captioner, [clip], Decoding(beams=1, max_tokens=12))
        tokens: list[int] = []
        with torch.no_grad():
            while len(tokens) < 12:
                words = captioner.model.transformer.wte(torch.tensor(tokens, dtype=torch.long))
                inputs = torch.cat([captioner._prefix(clip), words])[None]
                logits = captioner.model(inputs_embeds=inputs).logits[0, -1]
                if not tokens:
                    logits[END] = -torch.inf
                token = int(logits.argmax())
                if token == END:
                    break
                tokens.append(token)
        assert found.tokens == tuple(tokens)
        assert found.alternatives == ()
        lengths.add(len(tokens))
    assert min(lengths) < 12, "the model of this test never ends a caption"


@pytest.mark.parametrize("beams", [1, 5])
def test_captions_do_not_depend_on_the_batch(beams: int):
    captioner = Prefixed()
    settings = Decoding(beams=beams, max_tokens=8, keep=3)
    several = clips(16)
    together = decode(captioner, several, settings)
    backwards = decode(captioner, several[::-1], settings)[::-1]
    for clip, one, other in zip(several, together, backwards, strict=True):
        (alone,) = decode(captioner, [clip], settings)
        assert alone.tokens == one.tokens == other.tokens
        assert alone.score == pytest.approx(one.score, abs=1e-5)
        assert [a.tokens for a in alone.alternatives] == [a.tokens for a in one.alternatives]
    assert len({caption.tokens for caption in together}) > 1


def test_clips_that_are_finished_leave_the_batch():
    captioner = Prefixed()
    several = clips(16)
    steps = []
    for clip in several:
        captioner.rows.clear()
        decode(captioner, [clip], Decoding(beams=1, max_tokens=15))
        steps.append(len(captioner.rows))
    captioner.rows.clear()
    decode(captioner, several, Decoding(beams=1, max_tokens=15))
    assert captioner.rows == [sum(n > step for n in steps) for step in range(max(steps))]
    assert min(captioner.rows) < 16


def test_captions_have_at_least_and_at_most_the_tokens_asked_for():
    captioner = Prefixed()
    for caption in decode(captioner, clips(8), Decoding(3, max_tokens=9, min_tokens=6)):
        assert 6 <= len(caption.tokens) <= 9
        assert END not in caption.tokens
    lengths = [len(c.tokens) for c in decode(captioner, clips(8), Decoding(3, max_tokens=9))]
    assert min(lengths) < 6, "the lower bound above has nothing to do"


def test_kept_captions_are_ranked_and_distinct_and_carry_their_own_scores():
    captioner = Prefixed()
    for clip in clips(4):
        (best,) = decode(captioner, [clip], Decoding(beams=4, max_tokens=8, keep=4))
        kept = [best, *best.alternatives]
        assert len(kept) == len({caption.tokens for caption in kept}) == 4
        scores = [caption.score for caption in kept]
        assert scores == sorted(scores, reverse=True)
        for caption in kept:
            ended = (*caption.tokens, END) if len(caption.tokens) < 8 else caption.tokens
            expected = captioner.log_probabilities(clip, [ended])[0] / len(ended)
            assert caption.score == pytest.approx(expected, abs=1e-4)
        assert best.text == " ".join(map(str, best.tokens))
        assert set(best.stages) == {"encode", "decode"}


def test_more_may_be_kept_than_there_are_beams_as_far_as_they_were_found():
    found = decode(Prefixed(), clips(6), Decoding(beams=2, max_tokens=8, keep=5))
    counts = [1 + len(best.alternatives) for best in found]
    assert min(counts) >= 2
    assert 2 < max(counts) <= 5


def test_a_state_of_several_tensors_goes_along_with_its_clips():
    class Paired(Prefixed):
        def open(self, clips: Sequence[Clip]) -> Any:
            whole = super().open(clips)
            return whole[:, :1], (whole[:, 1:], torch.arange(len(clips)))

        def step(self, state: Any, tokens: Tensor | None, cache: Any) -> Step:
            first, (rest, number) = state
            assert len(first) == len(rest) == len(number)
            return super().step(torch.cat([first, rest], 1), tokens, cache)

    settings = Decoding(beams=3, max_tokens=8)
    plain = decode(Prefixed(), clips(5), settings)
    assert [c.tokens for c in decode(Paired(), clips(5), settings)] == [c.tokens for c in plain]


def test_scores_that_are_not_numbers_are_an_error_that_names_the_clip():
    class Ill(Prefixed):
        def step(self, state: Tensor, tokens: Tensor | None, cache: Any) -> Step:
            made = super().step(state, tokens, cache)
            return Step(made.scores * torch.nan, made.cache)

    with pytest.raises(ValueError, match="clip 7"):
        decode(Ill(), clips(1, first=7), Decoding())


# --- transformers ---------------------------------------------------------------------------------


def _generated(captioner: Prefixed, clip: Clip, beams: int, stop: Any, longest: int) -> Any:
    return captioner.model.generate(
        inputs_embeds=captioner.open([clip]),
        attention_mask=torch.ones(1, PREFIX, dtype=torch.long),
        num_beams=beams,
        num_return_sequences=beams,
        max_new_tokens=longest,
        min_new_tokens=1,
        length_penalty=1.0,
        early_stopping=stop,
        do_sample=False,
        pad_token_id=END,
        return_dict_in_generate=True,
        output_scores=True,
    )


def _plain(row: Tensor) -> tuple[int, ...]:
    """Up to the end token; after it transformers pads."""
    tokens = row.tolist()
    return tuple(tokens[: tokens.index(END)] if END in tokens else tokens)


@pytest.mark.parametrize("seed", range(3))
def test_five_beams_rank_as_those_of_transformers_do(seed: int):
    """The same search as ``early_stopping="never"``: same captions, same order, same scores."""
    captioner = Prefixed(seed=seed)
    for clip in clips(4):
        theirs = _generated(captioner, clip, 5, "never", 10)
        (best,) = decode(captioner, [clip], Decoding(beams=5, max_tokens=10, keep=5))
        kept = [best, *best.alternatives]
        assert [caption.tokens for caption in kept] == [_plain(row) for row in theirs.sequences]
        assert [c.score for c in kept] == pytest.approx(theirs.sequences_scores.tolist(), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_where_transformers_stops_by_its_heuristic_ours_is_never_worse(seed: int):
    """``early_stopping=False`` gives up once no hypothesis would win at its present length.

    A longer one may still win under a length penalty above 0, so the search here goes on; where
    the heuristic missed nothing, both give the same caption.
    """
    captioner = Prefixed(seed=seed)
    same = 0
    for clip in clips(6):
        theirs = _generated(captioner, clip, 5, False, 8)
        (best,) = decode(captioner, [clip], Decoding(beams=5, max_tokens=8))
        score = float(theirs.sequences_scores[0])
        assert best.score is not None
        assert best.score >= score - 1e-4
        if best.score == pytest.approx(score, abs=1e-4):
            assert best.tokens == _plain(theirs.sequences[0])
            same += 1
    assert same >= 3


def test_searching_twice_gives_the_same():
    captioner = Prefixed()
    with torch.no_grad():
        state = captioner.open(clips(4))
        first = search(captioner, state, 4, Decoding(beams=4, max_tokens=8))
        second = search(captioner, state, 4, Decoding(beams=4, max_tokens=8))
    assert first == second

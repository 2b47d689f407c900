"""Conformance checks of captioners: sound ones pass, broken ones are named with rule and mend."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aacbench import Caption, Clip, Step, testing
from aacbench.audio import waveform

# --- captioners -----------------------------------------------------------------------------------


def level(clip: Clip) -> float:
    return float(np.sqrt(np.mean(waveform(clip, 16_000) ** 2)))


class Loudness:
    """Sound: what it says of a clip depends on that clip alone."""

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return [Caption(f"level {level(clip):.3f}", (1, 2), -0.5) for clip in clips]


class PerBatch(Loudness):
    """A captioner that `change`s its captions after they are made."""

    def __init__(self, change: Callable[[list[Caption]], Any]) -> None:
        self.change = change

    def caption(self, clips: Sequence[Clip]) -> Any:
        return self.change(super().caption(clips))


def each(**fields: Any) -> PerBatch:
    return PerBatch(lambda captions: [replace(one, **fields) for one in captions])


class Counting(Loudness):
    """Its words depend on how often it was called: like dropout that was left on."""

    def __init__(self) -> None:
        self.calls = itertools.count()

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return [Caption(f"call {next(self.calls)}") for _ in clips]


class Deaf(Loudness):
    """Fails on what has no sound in it."""

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        if any(level(clip) == 0 for clip in clips):
            raise ZeroDivisionError("no energy")
        return super().caption(clips)


class Offering(Loudness):
    """Half of what a guide needs."""

    def open(self, clips: Sequence[Clip]) -> None: ...

    def step(self, state: Any, tokens: Any, cache: Any) -> None: ...


BATCH = PerBatch(lambda captions: [replace(c, text=c.text + f" {len(captions)}") for c in captions])
PLACE = PerBatch(lambda captions: [Caption(f"number {n}") for n, _ in enumerate(captions)])
BROKEN_CAPTIONERS: dict[str, tuple[Any, str]] = {
    "no method": (object(), "no method caption"),
    "none returned": (PerBatch(lambda captions: None), "returned NoneType"),
    "one too few": (PerBatch(lambda captions: captions[1:]), "4 captions for 5 clips"),
    "plain text": (PerBatch(lambda captions: [c.text for c in captions]), "which is no Caption"),
    "text is bytes": (each(text=b"rain"), "is b'rain', not text"),
    "score is NaN": (each(score=float("nan")), "score of the clip noise"),
    "negative time": (each(stages={"decode": -1.0}), "stage 'decode'"),
    "numpy tokens": (each(tokens=tuple(np.arange(3))), "as JSON raised TypeError"),
    "alternative is text": (each(alternatives=("rain",)), "a caption of the clip noise is 'rain'"),
    "depends on the batch": (BATCH, "captioned alone, the clip noise"),
    "depends on the place": (PLACE, "captioned alone, the clip tone gets 'number 0'"),
    "differs each time": (Counting(), "captioned a second time"),
    "fails on silence": (Deaf(), "raised ZeroDivisionError: no energy"),
    "half guidable": (Offering(), "no tokenizer and no decoding"),
}


def test_sound_captioner_passes() -> None:
    testing.check_captioner(Loudness())
    testing.check_captioner(Loudness(), testing.sample_clips()[:1])


@pytest.mark.parametrize("fault", BROKEN_CAPTIONERS)
def test_broken_captioner_is_named(fault: str, fault_of: Any) -> None:
    captioner, said = BROKEN_CAPTIONERS[fault]
    found = fault_of(testing.check_captioner, captioner, name="mine")
    assert said in found.message
    assert "captioner 'mine'" in found.message


def test_captioner_without_a_name_is_called_by_its_class(fault_of: Any) -> None:
    assert "captioner 'Deaf'" in fault_of(testing.check_captioner, Deaf()).message


# --- captioners that can be stepped ---------------------------------------------------------------


class Words:
    """Ten words and an end."""

    end, size = 10, 11

    def encode(self, text: str) -> list[int]:
        return [int(word.removeprefix("w")) for word in text.split()]

    def decode(self, tokens: Sequence[int]) -> str:
        return " ".join(f"w{token}" for token in tokens)


class Stepped:
    """A transformer of random weights behind the protocol, one layer deep."""

    def __init__(self) -> None:
        import torch
        from transformers import GPT2Config, GPT2LMHeadModel

        from aacbench.decoding import Decoding

        torch.manual_seed(0)
        self.decoding: Any = Decoding(beams=2, max_tokens=4)
        shape = GPT2Config(vocab_size=11, n_positions=16, n_embd=16, n_layer=1, n_head=2)
        self.model = GPT2LMHeadModel(shape).eval()
        self.tokenizer: Any = Words()
        self.project = torch.randn(2, 2 * 16)

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        from aacbench.decoding import decode

        return decode(self, clips, self.decoding)

    def open(self, clips: Sequence[Clip]) -> Any:
        import torch

        heard = torch.tensor([[level(clip), 1.0] for clip in clips])
        return (heard @ self.project).reshape(len(clips), 2, 16)  # (clips, prefix, width)

    def step(self, state: Any, tokens: Any, cache: Any) -> Step:
        if tokens is None:
            read = state if cache is None else state[:, -1:]
            out = self.model(inputs_embeds=read, past_key_values=cache, use_cache=True)
        else:
            out = self.model(input_ids=tokens, past_key_values=cache, use_cache=True)
        return Step(out.logits[:, -1], out.past_key_values)


class Fixed(Stepped):
    """As `Stepped`, captioned without its own loop, so that only the protocol is broken."""

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return [Caption("w1 w2") for _ in clips]


class EndOutside(Words):
    end = 11


class Forgetful(Words):
    def decode(self, tokens: Sequence[int]) -> str:
        return super().decode(tokens[1:])


class Ending(Words):
    def encode(self, text: str) -> list[int]:
        return [*super().encode(text), self.end]


class WithTokenizer(Fixed):
    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self.tokenizer = tokenizer


class ListState(Fixed):
    def open(self, clips: Sequence[Clip]) -> Any:
        return list(super().open(clips))


class OneState(Fixed):
    def open(self, clips: Sequence[Clip]) -> Any:
        return super().open(clips)[:1]


class AllScores(Fixed):
    def step(self, state: Any, tokens: Any, cache: Any) -> Step:
        out = self.model(inputs_embeds=state, use_cache=True)
        return Step(out.logits, out.past_key_values)


class Pair(Fixed):
    def step(self, state: Any, tokens: Any, cache: Any) -> Any:
        step = super().step(state, tokens, cache)
        return step.scores, step.cache


class NotNumbers(Fixed):
    def step(self, state: Any, tokens: Any, cache: Any) -> Step:
        step = super().step(state, tokens, cache)
        return replace(step, scores=step.scores * float("nan"))


class NoReorder(Fixed):
    """Gives the bare tokens so far for a cache."""

    def step(self, state: Any, tokens: Any, cache: Any) -> Step:
        return Step(super().step(state, None, None).scores, "no cache")


class Kept(Fixed):
    """Remembers the rows of the first step itself, where the loop cannot pick them."""

    def step(self, state: Any, tokens: Any, cache: Any) -> Step:
        step = super().step(state, tokens, cache)
        if tokens is None:
            self.bias = step.scores
        else:
            step = replace(step, scores=step.scores + self.bias[: len(step.scores)])
        return step


class Whole(Fixed):
    """Reads all of the state again where a guide asks for its last position."""

    def step(self, state: Any, tokens: Any, cache: Any) -> Step:
        if tokens is None:
            out = self.model(inputs_embeds=state, past_key_values=cache, use_cache=True)
            return Step(out.logits[:, -1], out.past_key_values)
        return super().step(state, tokens, cache)


class NoDecoding(Fixed):
    def __init__(self) -> None:
        super().__init__()
        self.decoding = 5


BROKEN_STEPPED: dict[str, tuple[Callable[[], Any], str]] = {
    "end outside": (lambda: WithTokenizer(EndOutside()), "tokenizer.end is 11"),
    "words lost": (lambda: WithTokenizer(Forgetful()), "comes back as 'w2'"),
    "end encoded": (lambda: WithTokenizer(Ending()), "the tokens [1, 2, 10]"),
    "state is a list": (ListState, "gives a list"),
    "state of one clip": (OneState, "a tensor of shape (1, 2, 16)"),
    "scores of all places": (AllScores, "scores of shape (5, 2, 11) where (5, 11) was due"),
    "step is a pair": (Pair, "step() gave a tuple"),
    "scores are NaN": (NotNumbers, "scores that are NaN"),
    "cache without reorder": (NoReorder, "without reorder_cache"),
    "reads the state twice": (Whole, "otherwise than step(state, None, None)"),
    "decoding is a number": (NoDecoding, "decoding is 5"),
    "rows kept elsewhere": (Kept, "after its rows were selected"),
}


def test_sound_guidable_captioner_passes() -> None:
    testing.check_captioner(Stepped())


@pytest.mark.parametrize("fault", BROKEN_STEPPED)
def test_broken_guidable_captioner_is_named(fault: str, fault_of: Any) -> None:
    make, said = BROKEN_STEPPED[fault]
    found = fault_of(testing.check_captioner, make(), name="mine")
    assert said in found.message
    assert "captioner 'mine'" in found.message

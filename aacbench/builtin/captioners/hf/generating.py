"""Captions that are drawn word by word, and those of models that only transformers can run.

Both take one clip at a time, so that no caption depends on who shares the batch; neither can be
guided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from aacbench.builtin.captioners.hf.asking import Question
from aacbench.builtin.captioners.hf.words import Words
from aacbench.decoding import Decoding
from aacbench.timing import stage
from aacbench.types import Caption, Clip, GuidableCaptioner


def seed_of(seed: int, clip: Clip) -> int:
    """A seed for one clip, whatever comes before it."""
    key = hashlib.sha256(f"{seed}\t{clip.id}".encode()).digest()
    return int.from_bytes(key[:7], "big")


class Drawn:
    """Each word is drawn from a stepped model's distribution at a temperature."""

    def __init__(
        self, captioner: GuidableCaptioner, temperature: float, top_p: float, seed: int
    ) -> None:
        self.captioner = captioner
        self.temperature = temperature
        self.top_p = top_p
        self.seed = seed

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return [self._caption(clip) for clip in clips]

    @torch.inference_mode()
    def _caption(self, clip: Clip) -> Caption:
        settings: Decoding = self.captioner.decoding
        end = self.captioner.tokenizer.end
        generator = torch.Generator().manual_seed(seed_of(self.seed, clip))
        with stage("encode"):
            state = self.captioner.open([clip])
        tokens: list[int] = []
        score = 0.0
        with stage("generate"):
            step = self.captioner.step(state, None, None)
            while True:
                scores = step.scores[0].float().cpu()  # drawn there, so that devices agree
                if len(tokens) < settings.min_tokens:
                    scores[end] = -torch.inf
                token = self._draw(scores, generator)
                score += float(scores.log_softmax(-1)[token])
                if token == end:
                    break
                tokens.append(token)
                if len(tokens) == settings.max_tokens:
                    break
                newest = torch.tensor([[token]], device=step.scores.device)
                step = self.captioner.step(state, newest, step.cache)
        text = self.captioner.tokenizer.decode(tokens)
        return Caption(text, tuple(tokens), score / max(1, len(tokens)))

    def _draw(self, scores: Tensor, generator: torch.Generator) -> int:
        """One of the likeliest tokens that together have the probability `top_p`."""
        shares, order = (scores / self.temperature).softmax(-1).sort(descending=True, stable=True)
        before = shares.cumsum(-1) - shares
        shares = torch.where(before < self.top_p, shares, 0.0)
        return int(order[int(torch.multinomial(shares, 1, generator=generator))])


class Generated:
    """Captions by transformers' own generate."""

    def __init__(
        self,
        question: Question,
        words: Words,
        decoding: Decoding,
        seed: int,
        temperature: float | None = None,
        top_p: float = 1.0,
    ) -> None:
        self.question = question
        self.words = words
        self.seed = seed
        drawn = {"temperature": temperature, "top_p": top_p} if temperature is not None else {}
        self.settings: dict[str, Any] = {
            "num_beams": decoding.width,
            "num_return_sequences": min(decoding.keep, decoding.width),
            "max_new_tokens": decoding.max_tokens,
            "min_new_tokens": decoding.min_tokens,
            "length_penalty": decoding.length_penalty,
            "do_sample": temperature is not None,
            **drawn,
        }

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return [self._caption(clip) for clip in clips]

    @torch.inference_mode()
    def _caption(self, clip: Clip) -> Caption:
        with stage("encode"):
            inputs = self.question.inputs(clip)
        # generate draws from torch's own numbers, which are left as they were.
        with stage("generate"), torch.random.fork_rng():
            torch.manual_seed(seed_of(self.seed, clip))
            made = self.question.loaded.model.generate(**inputs, **self.settings)
        asked = 0 if self.question.loaded.hears_alone else inputs["input_ids"].shape[1]
        several = [self._read(row[asked:].tolist()) for row in made]
        return replace(several[0], alternatives=tuple(several[1:]))

    def _read(self, tokens: list[int]) -> Caption:
        return Caption(self.words.decode(tokens))

"""`zeroshot` and `zeraucap` as their papers describe them: one clip, one hypothesis, all of it
computed anew for every token and every step, each candidate spelt out and embedded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from aacbench.types import Clip


class Oracle:
    """A captioner of `aacbench_zeroshot`, read for its model, words, encoder and options alone."""

    def __init__(self, captioner: Any) -> None:
        self.model = captioner.language_model.model
        self.words = captioner.words
        self.encoder = captioner.encoder
        self.options = captioner.options
        pattern = re.compile(self.options.forbidden)
        (anchor, *_) = self.words.encode("a")
        added = [self.words.decode([anchor, t])[1:] for t in range(self.words.size)]
        self.unsayable = [not text.strip() or bool(pattern.search(text)) for text in added]
        self.unsayable[self.words.end] = False

    def zeroshot(self, clip: Clip) -> tuple[int, ...]:
        """The tokens of a caption by context optimisation."""
        o = self.options
        prompt = self.words.encode(o.context + o.prompt)
        sound = torch.from_numpy(self.encoder.embed_audio([clip])[0])
        said: list[int] = []
        while len(said) < o.max_tokens:
            plain = self._spoken(self.model(torch.tensor([prompt + said])).logits[0, -1])
            moved = self._moved(prompt + said, said, sound, plain)
            scores = o.fusion * moved + (1 - o.fusion) * plain
            if not self._say(said, scores):
                break
        return tuple(said)

    def zeraucap(self, clip: Clip, prompt: str) -> tuple[int, ...]:
        """The tokens of a caption by rescoring; `prompt` holds the clip's keywords."""
        o = self.options
        before = self.words.encode(prompt)
        sound = torch.from_numpy(self.encoder.embed_audio([clip])[0])
        said: list[int] = []
        while len(said) < o.max_tokens:
            logits = self.model(torch.tensor([before + said])).logits[0, -1]
            chances = self._spoken(logits).exp()
            best = chances.topk(o.candidates).indices
            liked = (o.sharpness * self._cosines(said, best.tolist(), sound)).softmax(-1)
            scores = torch.full_like(chances, -1.0)
            scores[best] = chances[best] + o.beta * liked
            if o.end_penalty:
                scores[self.words.end] *= o.end_penalty * len(said)
            if not self._say(said, scores):
                break
        return tuple(said)

    def _say(self, said: list[int], scores: Tensor) -> bool:
        """Add the best token, unless it is the end."""
        scores = scores.clone()
        if len(said) < self.options.min_tokens:
            scores[self.words.end] = -torch.inf
        token = int(scores.argmax())
        if token == self.words.end:
            return False
        said.append(token)
        return True

    def _moved(self, whole: list[int], said: Sequence[int], sound: Tensor, plain: Tensor) -> Tensor:
        o = self.options
        past = self.model(torch.tensor([whole[:-1]])).past_key_values
        held = [t for layer in past.layers for t in (layer.keys, layer.values)]
        moves = [torch.zeros_like(tensor) for tensor in held]
        for _ in range(o.steps):
            with torch.enable_grad():
                leaves = [move.requires_grad_() for move in moves]
                moved = self._read(whole[-1], held, leaves)
                loss = self._loss(moved, plain, said, sound)
                gradients = torch.autograd.grad(loss, leaves)
            moves = [
                (leaf - o.step_size * g / g.norm().clamp(min=o.norm_floor) ** o.norm_exponent)
                for leaf, g in zip(leaves, gradients, strict=True)
            ]
            moves = [move.detach() for move in moves]
        return self._read(whole[-1], held, moves)

    def _read(self, token: int, held: Sequence[Tensor], moves: Sequence[Tensor]) -> Tensor:
        there = [tensor + move for tensor, move in zip(held, moves, strict=True)]
        cache = DynamicCache(list(zip(there[::2], there[1::2], strict=True)))
        logits = self.model(torch.tensor([[token]]), past_key_values=cache).logits
        return self._spoken(logits[0, -1])

    def _loss(self, moved: Tensor, plain: Tensor, said: Sequence[int], sound: Tensor) -> Tensor:
        o = self.options
        best = moved.detach().topk(o.candidates).indices
        target = (self._cosines(said, best.tolist(), sound) / o.temperature).softmax(-1)
        fluency = (moved.exp() * (moved - plain)).sum()
        return o.hearing_weight * -(target * moved[best]).sum() + o.fluency_weight * fluency

    def _cosines(self, said: Sequence[int], tokens: Sequence[int], sound: Tensor) -> Tensor:
        end = self.words.end
        captions = [self.words.decode([*said, *([] if t == end else [t])]) for t in tokens]
        if self.options.read_prompt:
            before = self.options.prompt
            texts = [f"{before} {one[:1].lower()}{one[1:]}" if one else "" for one in captions]
        else:
            texts = captions
        rows = self.encoder.embed_text(texts)
        cosines = torch.from_numpy(rows) @ sound
        return torch.tensor([c if text else -1.0 for c, text in zip(cosines, texts, strict=True)])

    def _spoken(self, logits: Tensor) -> Tensor:
        spoken = logits.clone()
        spoken[torch.tensor(self.unsayable)] = -1e4
        return spoken.log_softmax(-1)

"""Small random language models that captions are decoded from, and clips to decode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from aacbench.decoding import Decoding, decode
from aacbench.types import Audio, Clip, Step

END = 0
WIDTH = 16
PREFIX = 3


class Numbers:
    """A tokenizer whose words are numbers."""

    end = END

    def __init__(self, size: int) -> None:
        self.size = size

    def encode(self, text: str) -> list[int]:
        return [int(word) for word in text.split()]

    def decode(self, tokens: Sequence[int]) -> str:
        return " ".join(map(str, tokens))


class Prefixed:
    """A random GPT-2 after a prefix that depends on the clip alone, as in the captioners here."""

    def __init__(self, vocabulary: int = 12, layers: int = 1, seed: int = 0) -> None:
        torch.manual_seed(seed)
        config = GPT2Config(
            vocab_size=vocabulary,
            n_positions=64,
            n_embd=WIDTH,
            n_layer=layers,
            n_head=2,
            bos_token_id=END,
            eos_token_id=END,
            tie_word_embeddings=False,
            initializer_range=0.6,  # so that the next word is neither certain nor a coin's toss
        )
        self.model = GPT2LMHeadModel(config).eval()
        self.tokenizer = Numbers(vocabulary)
        self.decoding = Decoding()
        self.rows: list[int] = []

    def caption(self, clips: Sequence[Clip]) -> list[Any]:
        return decode(self, clips, self.decoding)

    def open(self, clips: Sequence[Clip]) -> Tensor:
        return torch.stack([self._prefix(clip) for clip in clips])

    def _prefix(self, clip: Clip) -> Tensor:
        made = torch.Generator().manual_seed(int(clip.id))
        return torch.randn(PREFIX, WIDTH, generator=made)

    def step(self, state: Tensor, tokens: Tensor | None, cache: Any) -> Step:
        self.rows.append(len(state))
        if tokens is None:
            prefix = state if cache is None else state[:, -1:]
            out = self.model(inputs_embeds=prefix, past_key_values=cache, use_cache=True)
        else:
            assert tokens.shape == (len(state), 1)
            out = self.model(input_ids=tokens, past_key_values=cache, use_cache=True)
        return Step(out.logits[:, -1], out.past_key_values)

    @torch.no_grad()
    def log_probabilities(self, clip: Clip, several: Sequence[Sequence[int]]) -> list[float]:
        """Of captions of one length: the sum over their tokens, in one pass and with no cache."""
        tokens = torch.tensor(several, dtype=torch.long)  # (captions, length)
        prefix = self._prefix(clip).expand(len(tokens), -1, -1)
        inputs = torch.cat([prefix, self.model.transformer.wte(tokens)], 1)
        logits = self.model(inputs_embeds=inputs).logits[:, PREFIX - 1 : -1]
        chosen = logits.log_softmax(-1).gather(2, tokens[:, :, None])
        return chosen.double().sum((1, 2)).tolist()


def clips(count: int, first: int = 0) -> list[Clip]:
    silence = Audio(np.zeros(800, np.float32), 8000)
    return [Clip(str(first + number), silence) for number in range(count)]

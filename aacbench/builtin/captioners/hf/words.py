"""A model's own words, as the decoding loop wants them: one end, and what is never said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

NEVER = -1e4  # as a logit: finite, so that a guide's divergence between two such is a number


class Words:
    """The tokenizer of a model that may end a text in several ways; `end` stands for all of them.

    `barred` are tokens that the model's settings for generation never let it say, `barred_first`
    those that it does not say first.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        settings = model.generation_config
        ends = settings.eos_token_id
        if ends is None:
            ends = tokenizer.eos_token_id
        self.ends: tuple[int, ...] = (ends,) if isinstance(ends, int) else tuple(ends or ())
        self._tokenizer = tokenizer
        self.end: int = self.ends[0] if self.ends else -1
        self.size: int = model.get_output_embeddings().weight.shape[0]
        self.barred = list(getattr(settings, "suppress_tokens", None) or ())
        self.barred_first = list(getattr(settings, "begin_suppress_tokens", None) or ())

    def allowed(self, logits: Tensor, first: bool) -> Tensor:
        """(rows, vocabulary) logits with one end, the likeliest, and none of what is barred."""
        others = list(self.ends[1:])
        barred = [*self.barred, *(self.barred_first if first else ())]
        if not others and not barred:
            return logits
        logits = logits.clone()
        if others:
            logits[:, self.end] = logits[:, list(self.ends)].amax(-1)
        logits[:, [*others, *barred]] = NEVER
        return logits

    def encode(self, text: str) -> list[int]:
        """Token numbers of a text as it stands; nothing is put before or after it."""
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def decode(self, tokens: Sequence[int]) -> str:
        """A caption on one line, without the model's own signs."""
        return " ".join(self._tokenizer.decode(list(tokens), skip_special_tokens=True).split())

"""What guides made of each token: its probability with and without them, and what they kept away.

Kept beside every live hypothesis, so that a listener can see where a caption was steered. Nothing
here changes what is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from aacbench.types import Steered, Tokenizer


@dataclass(frozen=True)
class Traced:
    """One token: `plain` and `guided` are its probabilities without and with the guides; `instead`
    is the captioner's own first choice there, with its two."""

    token: int
    plain: float
    guided: float
    instead: int
    instead_plain: float
    instead_guided: float


Trace = tuple[Traced, ...]


def traced(plain: Tensor, guided: Tensor, rows: Sequence[int], tokens: Sequence[int]) -> Trace:
    """The newest token of each hypothesis: `tokens` were taken in `rows` of the two
    log-probabilities, both (rows, vocabulary)."""
    index, taken = plain.new_tensor([rows, tokens]).long()
    first = plain[index].argmax(-1)
    columns = [
        plain[index, taken].exp(),
        guided[index, taken].exp(),
        plain[index, first].exp(),
        guided[index, first].exp(),
    ]
    listed = zip(tokens, first.tolist(), *(column.tolist() for column in columns), strict=True)
    return tuple(
        Traced(token, p, g, instead, instead_p, instead_g)
        for token, instead, p, g, instead_p, instead_g in listed
    )


def spelled(trace: Trace, tokenizer: Tokenizer) -> tuple[Steered, ...]:
    """A trace in words: what each token adds to the caption, spaces included."""
    found = []
    before: list[int] = []
    for one in trace:
        same = one.instead == one.token
        instead = None if same else _added(tokenizer, before, one.instead)
        text = _added(tokenizer, before, one.token)
        found.append(
            Steered(text, one.plain, one.guided, instead, one.instead_plain, one.instead_guided)
        )
        before.append(one.token)
    return tuple(found)


def _added(tokenizer: Tokenizer, before: Sequence[int], token: int) -> str:
    """What a token adds to the text so far; nothing, where it ends it."""
    if token == tokenizer.end:
        return ""
    text, longer = tokenizer.decode(before), tokenizer.decode([*before, token])
    return longer[len(text) :] if longer.startswith(text) else tokenizer.decode([token])

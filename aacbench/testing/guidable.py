"""Checks of captioners that can be stepped token by token, as a guide does. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from aacbench.decoding import Decoding
from aacbench.decoding.caches import before_newest, rebuilt
from aacbench.testing.rules import calling, expect, shown
from aacbench.types import Clip, GuidableCaptioner, Step

TOLERANCE = 1e-3
STEP = "See aacbench.types.GuidableCaptioner: step(state, tokens, cache) -> Step(scores, cache)."


@torch.inference_mode()
def check_guidable(
    part: str, captioner: GuidableCaptioner, clips: Sequence[Clip], texts: Sequence[str]
) -> None:
    """Check the tokenizer on `texts`, two steps of the loop with rows selected between them, and
    a first step that is taken again, as under a guide."""
    expect(
        isinstance(captioner.decoding, Decoding),
        part,
        f"decoding is {shown(captioner.decoding)}",
        "Give it the aacbench.decoding.Decoding that caption() uses.",
    )
    _check_tokenizer(part, captioner.tokenizer, texts)
    state = _open(part, captioner, clips)
    rows = len(clips)
    first = _step(part, captioner, state, None, None, rows)
    newest = first.scores.argmax(-1)[:, None]  # (rows, 1)
    second = _step(part, captioner, state, newest, first.cache, rows)

    chosen = torch.tensor([rows - 1, 0, 0], device=newest.device)
    again = _step(part, captioner, _open(part, captioner, clips), None, None, rows)
    expect(
        callable(getattr(again.cache, "reorder_cache", None)),
        part,
        f"step's cache is a {type(again.cache).__name__} without reorder_cache(rows)",
        "Give the cache that transformers gives, or one that offers the same.",
    )
    with calling(part, "cache.reorder_cache(rows)", "It takes a tensor of row numbers."):
        again.cache.reorder_cache(chosen)
    selected = _step(part, captioner, _rows(state, chosen), newest[chosen], again.cache, 3)
    expect(
        torch.allclose(selected.scores, second.scores[chosen], rtol=TOLERANCE, atol=TOLERANCE),
        part,
        "after its rows were selected, step scores them otherwise than before",
        "reorder_cache(rows) must pick the rows of all that the cache holds, "
        "and step must read nothing that is kept elsewhere.",
    )

    _check_again(part, captioner, clips)


def _check_again(part: str, captioner: GuidableCaptioner, clips: Sequence[Clip]) -> None:
    """The last position of the state, read again over the cache before it, tells the same."""
    state = _open(part, captioner, clips)
    first = _step(part, captioner, state, None, None, len(clips))
    past = before_newest(first.cache)
    if past[0][0].shape[-2] == 0:
        return
    again = _step(part, captioner, state, None, rebuilt(first.cache, past), len(clips))
    expect(
        torch.allclose(again.scores, first.scores, rtol=TOLERANCE, atol=TOLERANCE),
        part,
        "step(state, None, cache) scores otherwise than step(state, None, None) did",
        "With a cache and no tokens, read the last position of the state alone: the cache holds "
        "the rest of it.",
    )


def _check_tokenizer(part: str, tokenizer: Any, texts: Sequence[str]) -> None:
    mend = "tokenizer offers end, size, encode(text) -> list of int, decode(tokens) -> str."
    end, size = getattr(tokenizer, "end", None), getattr(tokenizer, "size", None)
    expect(
        isinstance(end, int) and isinstance(size, int) and 0 <= end < size,
        part,
        f"tokenizer.end is {shown(end)} and tokenizer.size {shown(size)}",
        "end is the number of the token that ends a caption, size how many tokens there are.",
    )
    for text in texts:
        with calling(part, f"encoding and decoding {shown(text)}", mend):
            tokens = tokenizer.encode(text)
            back = tokenizer.decode(tokens)
        expect(
            end not in tokens and all(0 <= token < size for token in tokens),
            part,
            f"tokenizer.encode gives {shown(text)} the tokens {shown(tokens)}",
            f"Tokens are below tokenizer.size, {size}, and the end token, {end}, is added by the "
            "loop alone.",
        )
        expect(
            _plain(back) == _plain(text),
            part,
            f"encoded and decoded, the caption {shown(text)} comes back as {shown(back)}",
            "decode(encode(text)) may change case and spaces, not words.",
        )


def _plain(text: str) -> str:
    return "".join(text.casefold().split())


def _open(part: str, captioner: GuidableCaptioner, clips: Sequence[Clip]) -> Any:
    mend = "open(clips) gives a tensor, or a tuple of tensors, whose first axis is clips."
    with calling(part, "open(clips)", mend):
        state = captioner.open(clips)
    leaves = list(_leaves(state))
    expect(
        leaves and all(isinstance(leaf, Tensor) for leaf in leaves),
        part,
        f"open(clips) gives a {type(state).__name__} that the loop cannot pick rows of",
        mend,
    )
    for leaf in leaves:
        expect(
            leaf.ndim > 0 and leaf.shape[0] == len(clips),
            part,
            f"open() of {len(clips)} clips gives a tensor of shape {tuple(leaf.shape)}",
            mend,
        )
    return state


def _step(
    part: str, captioner: GuidableCaptioner, state: Any, tokens: Any, cache: Any, rows: int
) -> Step:
    which = "first" if tokens is None else "later"
    with calling(part, f"a {which} step() of {rows} rows", STEP):
        step = captioner.step(state, tokens, cache)
    expect(isinstance(step, Step), part, f"step() gave a {type(step).__name__}", STEP)
    shape = (rows, captioner.tokenizer.size)
    expect(
        isinstance(step.scores, Tensor) and tuple(step.scores.shape) == shape,
        part,
        f"a {which} step() gave scores of shape {tuple(getattr(step.scores, 'shape', ()))} "
        f"where {shape} was due",
        "scores are the logits of the next token alone: (rows, tokenizer.size).",
    )
    expect(not step.scores.isnan().any(), part, f"a {which} step() gave scores that are NaN", STEP)
    return step


def _leaves(state: Any) -> list[Any]:
    if isinstance(state, tuple):
        return [leaf for inner in state for leaf in _leaves(inner)]
    return [state]


def _rows(state: Any, index: Tensor) -> Any:
    if isinstance(state, tuple):
        return tuple(_rows(inner, index) for inner in state)
    return state.index_select(0, index)

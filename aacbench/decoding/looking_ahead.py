"""Candidates made into captions: spelt out, and where a guide looks ahead, completed.

A classifier reads sentences better than their beginnings, so the captioner alone may go on after
each candidate, greedily and over its own cache, before the classifier is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from aacbench.decoding.caches import device_of, select, selected
from aacbench.types import GuidableCaptioner, Tokenizer

TOGETHER = 256
"""Candidates that are completed at once: this many rows of the cache are held beside the search's
own, whatever the batch."""

Asked = Sequence[tuple[int, int]]  # (row, token)


@torch.no_grad()
def completed(
    captioner: GuidableCaptioner,
    state: Any,
    cache: Any,
    prefixes: Sequence[tuple[int, ...]],
    several: Asked,
    length: int,
) -> list[str]:
    """The captions that the captioner would make of (row, token), with `length` tokens more at
    most; `cache` holds what each row has said, and stays as it is."""
    if not length:
        return spelt(captioner.tokenizer, prefixes, several)
    found: list[str] = []
    for start in range(0, len(several), TOGETHER):
        chosen = several[start : start + TOGETHER]
        said = _continued(captioner, state, cache, prefixes, chosen, length)
        end = captioner.tokenizer.end
        found += [captioner.tokenizer.decode([t for t in one if t != end]) for one in said]
    return found


def _continued(
    captioner: GuidableCaptioner,
    state: Any,
    cache: Any,
    prefixes: Sequence[tuple[int, ...]],
    several: Asked,
    length: int,
) -> list[list[int]]:
    """The tokens of each, the end among them where the captioner ends it."""
    end, device = captioner.tokenizer.end, device_of(state)
    said = [[*prefixes[row], token] for row, token in several]
    alive = [place for place, (_, token) in enumerate(several) if token != end]
    if not alive:
        return said
    rows = torch.tensor([several[place][0] for place in alive], device=device)
    newest = torch.tensor([several[place][1] for place in alive], device=device)
    going, state = selected(cache, rows), select(state, rows)
    for step in range(length):
        read = captioner.step(state, newest[:, None], going)
        newest = read.scores.argmax(-1)
        for place, token in zip(alive, newest.tolist(), strict=True):
            said[place].append(token)
        on = [number for number, place in enumerate(alive) if said[place][-1] != end]
        if not on or step + 1 == length:
            break
        going = read.cache
        if len(on) < len(alive):
            alive = [alive[number] for number in on]
            kept = torch.tensor(on, device=device)
            newest, state = newest[kept], select(state, kept)
            going.reorder_cache(kept)
    return said


def spelt(tokenizer: Tokenizer, prefixes: Sequence[tuple[int, ...]], several: Asked) -> list[str]:
    """The text of each prefix with one token more, the end taken as none; of rows that have said
    the same, once.

    A tokenizer that offers ``continuations(prefix, tokens)`` is asked for all tokens after a prefix
    at once; it must give what its `decode` gives of every ``[*prefix, token]``.
    """
    wanted: dict[tuple[int, ...], dict[int, str]] = {}
    for row, token in several:
        wanted.setdefault(prefixes[row], {})[token] = ""
    for prefix, texts in wanted.items():
        tokens = [token for token in texts if token != tokenizer.end]
        texts.update(zip(tokens, _continuations(tokenizer, prefix, tokens), strict=True))
        if len(tokens) < len(texts):
            texts[tokenizer.end] = tokenizer.decode(prefix)
    return [wanted[prefixes[row]][token] for row, token in several]


def _continuations(
    tokenizer: Tokenizer, prefix: tuple[int, ...], tokens: list[int]
) -> Sequence[str]:
    offered = getattr(tokenizer, "continuations", None)
    if offered is None:
        return [tokenizer.decode([*prefix, token]) for token in tokens]
    given: Sequence[str] = offered(prefix, tokens)
    return given

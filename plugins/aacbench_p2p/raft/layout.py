"""The order in which examples, the sound to caption and words are laid out for the language model.

    <s> [examples prompt] (audio_K, caption_K) ... (audio_1, caption_1)
        [task prompt] audio [caption prompt] caption </s>

The first example, which is the nearest, stands next to the sound to caption, and nothing parts one
example from the next (public code).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from aacbench_p2p.raft.options import RaftArchitecture
from aacbench_p2p.raft.words import Words

HEARD, LONG, NOTHING = -1, -2, -3
"""In the place of a token: a vector that was heard, the length token, padding."""
UNTAUGHT = -100


@dataclass(frozen=True)
class Line:
    """One sequence: `tokens` with `HEARD` and `LONG` among them, and for each the token that the
    loss asks for there, or `UNTAUGHT`."""

    tokens: list[int]
    taught: list[int]


class Layout:
    """Lays lines out with one model's prompts and words."""

    def __init__(self, shape: RaftArchitecture, words: Words, loss: str = "last") -> None:
        self._words = words
        self._every = loss == "all"
        prompts = (shape.examples_prompt, shape.task_prompt, shape.caption_prompt)
        self._examples, self._task, self._caption = (
            words.encode(prompt) if prompt else [] for prompt in prompts
        )

    def prefix(
        self, heard: Sequence[int], captions: Sequence[Sequence[int]], long: Sequence[bool]
    ) -> Line:
        """All before the caption.

        `heard` is how many vectors each sound takes, the sound to caption first and then the
        examples, the nearest first; `captions` are the examples' tokens in that order.
        """
        tokens = [self._words.start]
        taught = [UNTAUGHT]
        if captions:
            tokens += self._examples
        taught += [UNTAUGHT] * (len(tokens) - len(taught))
        order = range(len(captions) - 1, -1, -1)
        for place in order:
            tokens += _sound(heard[place + 1], long[place + 1])
            taught += [UNTAUGHT] * (len(tokens) - len(taught))
            tokens += captions[place]
            taught += captions[place] if self._every else [UNTAUGHT] * len(captions[place])
        tokens += [*self._task, *_sound(heard[0], long[0]), *self._caption]
        taught += [UNTAUGHT] * (len(tokens) - len(taught))
        return Line(tokens, taught)

    def whole(
        self,
        heard: Sequence[int],
        captions: Sequence[Sequence[int]],
        long: Sequence[bool],
        caption: Sequence[int],
    ) -> Line:
        """The same with the caption and its end, which the loss asks for."""
        line = self.prefix(heard, captions, long)
        ending = [*caption, self._words.end]
        return Line([*line.tokens, *ending], [*line.taught, *ending])

    def document(self, captions: Sequence[Sequence[int]]) -> Line:
        """Captions alone, the first last; the loss asks for all of them."""
        tokens = [self._words.start]
        for caption in reversed(captions):
            tokens += [*caption, self._words.end]
        return Line(tokens, [UNTAUGHT, *tokens[1:]])


def _sound(vectors: int, long: bool) -> list[int]:
    return [LONG] * long + [HEARD] * vectors


def padded(lines: Sequence[Sequence[int]], filling: int, left: bool = False) -> Tensor:
    """(lines, longest), filled up on the right, or on the left."""
    longest = max(map(len, lines))
    rows = []
    for line in lines:
        spare = [filling] * (longest - len(line))
        rows.append([*spare, *line] if left else [*line, *spare])
    return torch.tensor(rows)

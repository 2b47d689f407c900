"""Guides in the decoding loop: the context cache is moved until the next token suits them.

Before a token is chosen, the keys and values of all that went before are moved by a few steps of
gradient descent on the guides' losses, and the newest token is read again over the moved cache
(Shaulov et al., section III-B; the model's weights stay as they are). The plain cache is kept
beside the moved one, so that what one token was chosen by does not stay in the context of the next,
and every pass of the language model reads one token.

A token costs ``steps + 1`` passes forward and `steps` backward: where the descent begins nothing
has been moved yet, so its first pass is the captioner's own, which is made anyway. Only the first
token, whose own pass reads the whole prefix, and moves that are carried along (``reset=False``)
need one pass more.

Everything is per row: gradients are normalised a row at a time and losses are summed over rows, so
clips that are decoded together do not feel each other. What is held grows with the rows alone: a
row's keys and values (2 * layers * heads * positions * width numbers, the heads being those of the
keys) four times over: plain, moved, as read with the newest token, and their gradients; and what
the pass backward of one token needs. Moves add up in float32, whatever the captioner computes in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from aacbench.decoding.caches import before_newest, paired, rebuilt, tensors_of
from aacbench.decoding.looking_ahead import completed
from aacbench.decoding.steering import fused, steering_of, stepped
from aacbench.errors import PluginFault
from aacbench.timing import stage
from aacbench.types import GuidableCaptioner, Guide, Step, Tokenizer


@dataclass(frozen=True)
class Prediction:
    """The next token as a guide sees it, at one step of the descent.

    `log_probabilities` is under the moved cache and carries the gradient; `unperturbed` is the
    captioner's own. Both are (rows, vocabulary). `prefixes` holds each row's tokens so far.
    `kept` is one guide's own store from step 0 of a token to its last, empty at step 0.
    `complete(several, length)` gives, for each (row, token), the caption as it would read with
    that token and up to `length` more, chosen greedily by the captioner alone.
    `state` is the captioner's, as ``open`` gave it, its rows picked to be these rows: a guide that
    a captioner brings along can tell from it which clip a row is about. What it holds is between
    the two; a guide for any captioner leaves it alone.
    """

    log_probabilities: Tensor
    unperturbed: Tensor
    prefixes: Sequence[tuple[int, ...]]
    step: int
    tokenizer: Tokenizer
    kept: dict[str, Any]
    complete: Callable[[Sequence[tuple[int, int]], int], list[str]]
    state: Any = None


@dataclass(frozen=True)
class Reading:
    """What came of the newest token: `plain`, the captioner's own log probabilities of the next
    one, and `guided`, those under the guides, both (rows, vocabulary); and the unmoved `cache`,
    which holds the newest token."""

    plain: Tensor
    guided: Tensor
    cache: Any


@dataclass
class Guiding:
    """All guides of one captioner at work; one object a search."""

    captioner: GuidableCaptioner
    guides: Sequence[Guide]
    carried: list[Tensor] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.steering = steering_of(self.captioner, self.guides)

    def reorder(self, rows: Tensor) -> None:
        """Moves that are kept follow their hypotheses."""
        if self.carried is not None:
            self.carried = [moves.index_select(0, rows) for moves in self.carried]

    def read(
        self, state: Any, tokens: Tensor | None, cache: Any, prefixes: Sequence[tuple[int, ...]]
    ) -> Reading:
        """Read `tokens`, (rows, 1), or the whole `state` where they are None, and steer what comes
        next. `cache` is the captioner's, of all before `tokens`; it is not to be used again."""
        newest = _Newest(self.captioner, state, tokens)
        held: list[Tensor] | None = None
        predicted: Tensor | None = None
        if tokens is not None and self.steering.steps and self.carried is None:
            held = self._leaves(tensors_of(cache))
            with torch.enable_grad():
                grown = newest.over(cache, held)
                predicted = _log_probabilities(grown)
            step = Step(grown.scores.detach(), _detached(grown.cache))
        else:
            step = self.captioner.step(state, tokens, cache)
        plain = _log_probabilities(step)
        past = [tensor for pair in before_newest(step.cache) for tensor in pair]
        if not self.steering.steps or past[0].shape[-2] == 0:
            return Reading(plain, plain, step.cache)  # nothing is moved, or nothing went before
        seen = partial(
            Prediction,
            unperturbed=plain,
            prefixes=prefixes,
            tokenizer=self.captioner.tokenizer,
            complete=partial(completed, self.captioner, state, step.cache, prefixes),
            state=state,
        )
        with stage("guide"):
            held = self._leaves(self._started(past)) if held is None else held
            held, moved = self._descended(newest, step.cache, held, predicted, seen)
        if not self.steering.reset:
            self.carried = [after - before for after, before in zip(held, past, strict=True)]
        return Reading(plain, fused(moved, plain, self.steering.fusion), step.cache)

    def _started(self, past: Sequence[Tensor]) -> Sequence[Tensor]:
        """The cache as it is, or with the moves that are carried from the tokens before."""
        if self.carried is None:
            return past
        return [
            tensor + nn.functional.pad(moves, (0, 0, 0, tensor.shape[-2] - moves.shape[-2]))
            for tensor, moves in zip(past, self.carried, strict=True)
        ]

    def _leaves(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The same in float32; those that are moved take gradients."""
        moved = self.steering.moves(len(tensors))
        return [
            tensor.detach().float().requires_grad_(is_moved)
            for tensor, is_moved in zip(tensors, moved, strict=True)
        ]

    def _descended(
        self,
        newest: _Newest,
        cache: Any,
        held: list[Tensor],
        predicted: Tensor | None,
        seen: Callable[..., Prediction],
    ) -> tuple[list[Tensor], Tensor]:
        """The cache's tensors after all steps, and the log probabilities under them.

        `predicted` are those under `held`, where they are known, with their gradient's graph.
        """
        kept: list[dict[str, Any]] = [{} for _ in self.guides]
        for number in range(self.steering.steps):
            with torch.enable_grad():
                if predicted is None:
                    predicted = _log_probabilities(newest.over(cache, held))
                losses = [
                    self._loss(guide, seen(log_probabilities=predicted, kept=own, step=number))
                    for guide, own in zip(self.guides, kept, strict=True)
                ]
                leaves = [tensor for tensor in held if tensor.requires_grad]
                gradients = torch.autograd.grad(torch.stack(losses).sum(), leaves)
            moved = iter(stepped(leaves, gradients, self.steering))
            held = self._leaves([next(moved) if t.requires_grad else t for t in held])
            predicted = None
        with torch.no_grad():
            return held, _log_probabilities(newest.over(cache, held))

    def _loss(self, guide: Guide, prediction: Prediction) -> Tensor:
        given: Any = guide.loss(prediction)
        rows = len(prediction.prefixes)
        loss: Tensor = given if isinstance(given, Tensor) else torch.zeros(())
        if loss.shape != (rows,):
            raise PluginFault(
                f"{type(guide).__name__}.loss gave {getattr(given, 'shape', given)!s:.60} "
                f"for {rows} rows.",
                "A guide's loss is a tensor with one value a row.",
            )
        if not torch.isfinite(loss).all():
            raise PluginFault(
                f"{type(guide).__name__}.loss is not a number "
                f"after '{prediction.tokenizer.decode(prediction.prefixes[0])}'.",
                "Check the classifier behind the guide, and its weights.",
            )
        total: Tensor = loss.sum()
        return total


@dataclass(frozen=True)
class _Newest:
    """The newest token of every row, to be read over one cache or another."""

    captioner: GuidableCaptioner
    state: Any
    tokens: Tensor | None

    def over(self, cache: Any, held: Sequence[Tensor]) -> Step:
        """Read it over `held`, in the precision of `cache`; `cache` is left as it is."""
        as_read = [
            tensor.to(own.dtype) for tensor, own in zip(held, tensors_of(cache), strict=True)
        ]
        return self.captioner.step(self.state, self.tokens, rebuilt(cache, paired(as_read)))


def _log_probabilities(step: Step) -> Tensor:
    scores: Tensor = step.scores
    return scores.float().log_softmax(-1)


def _detached(cache: Any) -> Any:
    return rebuilt(cache, paired([tensor.detach() for tensor in tensors_of(cache)]))

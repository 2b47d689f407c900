"""Guides in the decoding loop: the context cache is moved until the next token suits them.

Before a token is chosen, the keys and values of all that went before are moved by a few steps of
gradient descent on the guides' losses, and the newest token is read again over the moved cache
(Shaulov et al., section III-B; the model's weights stay as they are). The plain cache is kept
beside the moved one, so that what one token was chosen by does not stay in the context of the next.

Everything is per row: gradients are normalised a row at a time and losses are summed over rows, so
clips that are decoded together do not feel each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

from aacbench.errors import BadOption, PluginFault
from aacbench.timing import stage
from aacbench.types import GuidableCaptioner, Guide, Step, Tokenizer

Pairs = list[tuple[Tensor, Tensor]]  # each layer's keys and values, (rows, heads, length, width)


@dataclass(frozen=True)
class Steering:
    """How the cache is moved; several guides on one captioner must agree on it.

    Each of `steps` moves every tensor of keys and of values by
    ``step_size * g / max(||g||, norm_floor) ** norm_exponent``, the norm taken over a row's part
    of the tensor. The floor is ours: where nothing is to be gained, the gradient is rounding noise,
    and without a floor the exponent would blow it up to a step that differs from batch to batch.
    `layers` is how many layers are moved, counted from the last (None: all). With `reset`, every
    token starts from the unmoved cache; without, the moves so far are kept and added to. The
    distribution that the token is chosen from is ``p ** fusion * p0 ** (1 - fusion)``,
    renormalised, p0 being the captioner's own.
    """

    steps: int = 5
    step_size: float = 0.3
    norm_exponent: float = 0.9
    norm_floor: float = 1e-4
    layers: int | None = None
    moved: Literal["keys and values", "keys", "values"] = "keys and values"
    reset: bool = True
    fusion: float = 0.99


@dataclass(frozen=True)
class Prediction:
    """The next token as a guide sees it, at one step of the descent.

    `log_probabilities` is under the moved cache and carries the gradient; `unperturbed` is the
    captioner's own. Both are (rows, vocabulary). `prefixes` holds each row's tokens so far.
    `kept` is one guide's own store from step 0 of a token to its last, empty at step 0.
    `complete(several, length)` gives, for each (row, token), the caption as it would read with
    that token and up to `length` more, chosen greedily by the captioner alone.
    """

    log_probabilities: Tensor
    unperturbed: Tensor
    prefixes: Sequence[tuple[int, ...]]
    step: int
    tokenizer: Tokenizer
    kept: dict[str, Any]
    complete: Callable[[Sequence[tuple[int, int]], int], list[str]]


@dataclass
class Guiding:
    """All guides of one captioner at work; one object a search."""

    captioner: GuidableCaptioner
    guides: Sequence[Guide]
    carried: Pairs | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.steering = agreed(self.guides)

    def reorder(self, rows: Tensor) -> None:
        """Moves that are kept follow their hypotheses."""
        if self.carried is not None:
            self.carried = [(k[rows], v[rows]) for k, v in self.carried]

    @stage("guide")
    def log_probabilities(
        self, state: Any, tokens: Tensor | None, step: Step, prefixes: Sequence[tuple[int, ...]]
    ) -> Tensor:
        """(rows, vocabulary) of the next token under the guides.

        `step` is what the captioner gave for `tokens`, (rows, 1), or for the whole `state` where
        they are None; its cache is left as it was.
        """
        unperturbed: Tensor = step.scores.float().log_softmax(-1)
        past = before_newest(step.cache)
        if past[0][0].shape[-2] == 0:
            return unperturbed  # nothing went before that could be moved
        predict = partial(self._predict, state, tokens, step.cache, past)
        seen = partial(
            Prediction,
            unperturbed=unperturbed,
            prefixes=prefixes,
            tokenizer=self.captioner.tokenizer,
            complete=partial(completed, self.captioner, state, step.cache, prefixes),
        )
        moves = self._start(past)
        kept: list[dict[str, Any]] = [{} for _ in self.guides]
        for number in range(self.steering.steps):
            moves = self._descend(predict, moves, partial(seen, step=number), kept)
        with torch.no_grad():
            moved = predict(moves)
        if not self.steering.reset:
            self.carried = moves
        fused = self.steering.fusion * moved + (1 - self.steering.fusion) * unperturbed
        return fused.log_softmax(-1)

    def _predict(
        self, state: Any, tokens: Tensor | None, cache: Any, past: Pairs, moves: Pairs
    ) -> Tensor:
        """Read the newest token again, over keys and values that were moved."""
        moved = [(k + dk, v + dv) for (k, v), (dk, dv) in zip(past, moves, strict=True)]
        scores: Tensor = self.captioner.step(state, tokens, rebuilt(cache, moved)).scores
        return scores.float().log_softmax(-1)

    def _start(self, past: Pairs) -> Pairs:
        """No move at all, or those carried from the tokens before."""
        moves = [(torch.zeros_like(k), torch.zeros_like(v)) for k, v in past]
        if self.carried is not None:
            for (k, v), (before_k, before_v) in zip(moves, self.carried, strict=True):
                k[..., : before_k.shape[-2], :] = before_k
                v[..., : before_v.shape[-2], :] = before_v
        return moves

    def _descend(
        self,
        predict: Callable[[Pairs], Tensor],
        moves: Pairs,
        seen: Callable[..., Prediction],
        kept: Sequence[dict[str, Any]],
    ) -> Pairs:
        """One step of gradient descent on the sum of the guides' losses."""
        leaves = self._leaves(moves)
        with torch.enable_grad():
            for leaf in leaves:
                leaf.requires_grad_()
            predicted = predict(moves)
            losses = [
                self._loss(guide, seen(log_probabilities=predicted, kept=own))
                for guide, own in zip(self.guides, kept, strict=True)
            ]
            gradients = torch.autograd.grad(torch.stack(losses).sum(), leaves)
        steps = iter(gradients)
        with torch.no_grad():
            return [(self._moved(k, steps), self._moved(v, steps)) for k, v in moves]

    def _leaves(self, moves: Pairs) -> list[Tensor]:
        """The tensors that are moved, in the order in which `_descend` takes their gradients."""
        first = 0 if self.steering.layers is None else max(0, len(moves) - self.steering.layers)
        wanted = [name in self.steering.moved for name in ("keys", "values")]
        return [
            tensor
            for pair in moves[first:]
            for tensor, is_wanted in zip(pair, wanted, strict=True)
            if is_wanted
        ]

    def _moved(self, tensor: Tensor, gradients: Any) -> Tensor:
        if not tensor.requires_grad:
            return tensor
        gradient: Tensor = next(gradients)
        norm = gradient.flatten(1).norm(dim=1)[:, None, None, None]
        norm = norm.clamp(min=self.steering.norm_floor)
        scaled = gradient / norm**self.steering.norm_exponent
        moved: Tensor = tensor.detach() - self.steering.step_size * scaled
        return moved

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


def agreed(guides: Sequence[Guide]) -> Steering:
    """The one way in which all guides move the cache; those that differ cannot be joined."""
    first: Steering
    first, *others = [guide.steering for guide in guides]
    for other in others:
        different = [n for n in vars(first) if getattr(first, n) != getattr(other, n)]
        if different:
            raise BadOption(
                f"the guides differ in {', '.join(different)}: they move one cache together.",
                "Give all of them the same value; losses and weights may differ.",
            )
    return first


@torch.no_grad()
def completed(
    captioner: GuidableCaptioner,
    state: Any,
    cache: Any,
    prefixes: Sequence[tuple[int, ...]],
    several: Sequence[tuple[int, int]],
    length: int,
) -> list[str]:
    """The captions that the captioner would make of (row, token), with `length` tokens more at
    most; `cache` holds what each row has said, and stays as it is."""
    end = captioner.tokenizer.end
    said = [[*prefixes[row], token] for row, token in several]
    alive = [place for place, (_, token) in enumerate(several) if token != end and length]
    rows = torch.tensor([several[place][0] for place in alive], dtype=torch.long)
    going = selected(cache, rows) if alive else None
    for _ in range(length):
        if not alive:
            break
        newest = torch.tensor([said[place][-1] for place in alive], device=device_of(state))
        step = captioner.step(select(state, rows), newest[:, None], going)
        for place, token in zip(alive, step.scores.argmax(-1).tolist(), strict=True):
            said[place].append(token)
        on = [number for number, place in enumerate(alive) if said[place][-1] != end]
        alive = [alive[number] for number in on]
        rows, going = rows[on], step.cache
        going.reorder_cache(torch.tensor(on, dtype=torch.long, device=newest.device))
    return [captioner.tokenizer.decode([t for t in tokens if t != end]) for tokens in said]


def before_newest(cache: Any) -> Pairs:
    """Keys and values of everything but the last position, each layer's (rows, heads, n, width)."""
    return [
        (layer.keys[..., :-1, :], layer.values[..., :-1, :])
        for layer in _own_attention(cache).layers
    ]


def rebuilt(cache: Any, pairs: Pairs) -> Any:
    """A cache like `cache` that holds `pairs`: reading a token appends to it, not to `cache`."""
    fresh = DynamicCache(pairs)
    if isinstance(cache, EncoderDecoderCache):
        return EncoderDecoderCache(fresh, cache.cross_attention_cache)
    return fresh


def selected(cache: Any, rows: Tensor) -> Any:
    """A cache of its own with these rows of `cache`, in this order and as often."""
    if isinstance(cache, EncoderDecoderCache):
        across = _rows_of(cache.cross_attention_cache, rows)
        return EncoderDecoderCache(_rows_of(cache.self_attention_cache, rows), across)
    return _rows_of(_own_attention(cache), rows)


def _rows_of(cache: DynamicCache, rows: Tensor) -> DynamicCache:
    return DynamicCache([(layer.keys[rows], layer.values[rows]) for layer in cache.layers])


def select(state: Any, index: Tensor) -> Any:
    """Rows of a captioner's state, a tensor or a tuple of them."""
    if isinstance(state, Tensor):
        return state.index_select(0, index.to(state.device))
    return tuple(select(part, index) for part in state)


def device_of(state: Any) -> torch.device:
    """Where a captioner's state lies."""
    return state.device if isinstance(state, Tensor) else device_of(state[0])


def _own_attention(cache: Any) -> DynamicCache:
    own = cache.self_attention_cache if isinstance(cache, EncoderDecoderCache) else cache
    if not isinstance(own, DynamicCache):
        raise PluginFault(
            f"a cache of the kind {type(own).__name__} cannot be moved by a guide.",
            "Guides need the captioner's step to give transformers' DynamicCache.",
        )
    return own

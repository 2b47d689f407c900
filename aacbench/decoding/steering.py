"""How guides move a context cache: what can be set, whose settings count, and one step itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor

from aacbench.errors import BadOption
from aacbench.types import Guide


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

    @classmethod
    def of(cls, options: Any) -> Steering:
        """From options that have all of these by the same names."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})

    def moves(self, count: int) -> list[bool]:
        """Which of a cache's `count` tensors are moved, in the order of `tensors_of`."""
        first = 0 if self.layers is None else max(0, count - 2 * self.layers)
        return [
            place >= first and ("keys", "values")[place % 2] in self.moved for place in range(count)
        ]


@torch.no_grad()
def stepped(
    held: Sequence[Tensor], gradients: Sequence[Tensor], steering: Steering
) -> list[Tensor]:
    """Each tensor, (rows, heads, positions, width), one step further down its gradient."""
    norms = [torch.linalg.vector_norm(gradient, dim=(1, 2, 3)) for gradient in gradients]
    lengths = torch.stack(norms).clamp(min=steering.norm_floor) ** steering.norm_exponent
    scales = (steering.step_size / lengths)[..., None, None, None]  # (tensors, rows, 1, 1, 1)
    return [
        torch.addcmul(tensor, gradient, scale, value=-1)
        for tensor, gradient, scale in zip(held, gradients, scales, strict=True)
    ]


def fused(moved: Tensor, plain: Tensor, fusion: float) -> Tensor:
    """Log probabilities of ``p ** fusion * p0 ** (1 - fusion)``, renormalised."""
    if fusion == 1.0:  # and not 0 times the minus infinity of a word that cannot be said
        return moved
    joint: Tensor = (fusion * moved + (1 - fusion) * plain).log_softmax(-1)
    return joint


def own_guides(captioner: Any) -> tuple[Guide, ...]:
    """The guides that a captioner brings along, in its attribute `guides`."""
    return tuple(getattr(captioner, "guides", ()))


def joined(captioner: Any, guides: Sequence[Guide]) -> tuple[Guide, ...]:
    """The captioner's own guides, then those that were added; each of them once."""
    own = own_guides(captioner)
    return (*own, *(guide for guide in guides if not any(guide is one for one in own)))


def steering_of(captioner: Any, guides: Sequence[Guide]) -> Steering:
    """How the cache is moved: as the captioner's own guides say where it brings any, for they make
    it what it is, and a guide that is added only adds its loss; else as the guides agree."""
    return agreed(own_guides(captioner) or guides)


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

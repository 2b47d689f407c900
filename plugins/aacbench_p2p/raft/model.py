"""Connector and language model (Choi et al., section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from aacbench_p2p.raft.language_model import IA3, adapt, own_head, small
from aacbench_p2p.raft.layout import HEARD, LONG, UNTAUGHT
from aacbench_p2p.raft.options import RaftArchitecture

LANGUAGE_MODEL = "language_model."
HEAD = f"{LANGUAGE_MODEL}lm_head.weight"


class Connector(nn.Module):
    """(frames, dim) of what was heard -> (frames * tokens, width) among words.

    `long` is the length token, a vector of its own: the input embedding stays frozen in stage 2,
    so it has no place there.
    """

    def __init__(self, shape: RaftArchitecture, width: int) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(
            nn.Linear(shape.dim, shape.hidden),
            nn.GELU(),
            nn.Linear(shape.hidden, shape.tokens * width),
        )
        self.long = nn.Parameter(torch.randn(width) * 0.02)

    def forward(self, frames: Tensor) -> Tensor:
        mapped: Tensor = self.layers(frames)
        return mapped.view(-1, self.width)


class RaftModel(nn.Module):
    """The connector and the language model, which is `borrowed` where another made it.

    `ears`, where they are tuned too, is the part of the encoder that turns spectrograms into
    frames.
    """

    def __init__(
        self,
        shape: RaftArchitecture,
        vocabulary: int,
        dropout: float = 0.0,
        language_model: Any = None,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.borrowed = language_model is not None
        self.language_model = language_model or small(shape, vocabulary, dropout)
        self.connector = Connector(shape, self.language_model.config.hidden_size)
        self.adapted = False
        self.head_tuned = False
        self.ears: nn.Module | None = None

    def adapt(self, tune_head: bool) -> None:
        """Ready the language model for stage 2: IA3, and a head of its own where that is tuned."""
        if tune_head:
            own_head(self.language_model)
            self.head_tuned = True
        adapt(self.language_model, self.shape)
        self.adapted = True

    def train(self, mode: bool = True) -> RaftModel:
        """Ears learn as they will hear: without dropout, and with the statistics that they have."""
        super().train(mode)
        if self.ears is not None:
            self.ears.eval()
        return self

    def embed(self, tokens: Tensor, heard: Tensor) -> Tensor:
        """(rows, length) tokens and what was heard, (vectors, width) in the order of the places
        that are marked `HEARD` -> (rows, length, width)."""
        words: Tensor = self.language_model.get_input_embeddings()(tokens.clamp(min=0))
        places = (tokens == HEARD)[..., None].expand_as(words)
        words = words.masked_scatter(places, heard.to(words.dtype))
        long = (tokens == LONG)[..., None]
        return torch.where(long, self.connector.long.to(words.dtype), words)

    def hear(self, frames: Tensor, shown: Tensor | None = None) -> Tensor:
        """(frames, dim) -> (frames * tokens, width); where `shown`, (frames,) bools, marks those of
        an example, no gradient flows (public code)."""
        vectors = self.connector(frames)
        if shown is None:
            return vectors
        kept = shown.repeat_interleave(self.shape.tokens)[:, None]
        return torch.where(kept, vectors.detach(), vectors)

    def loss(self, tokens: Tensor, taught: Tensor, frames: Tensor, shown: Tensor) -> Tensor:
        """Equation 1 as a mean over tokens: of what `taught` asks for, in lines padded on the
        right with `NOTHING`."""
        inputs = self.embed(tokens, self.hear(frames, shown))[:, :-1]
        # Causal attention alone: what is padded stands after all that is asked for.
        logits = self.language_model(inputs_embeds=inputs, use_cache=False).logits
        return nn.functional.cross_entropy(
            logits.flatten(0, 1).float(), taught[:, 1:].flatten(), ignore_index=UNTAUGHT
        )

    def own_state(self) -> dict[str, Tensor]:
        """What has to be stored: tied and borrowed tensors left out."""
        return {name: tensor for name, tensor in self.state_dict().items() if self._owns(name)}

    def load_own_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Load what `own_state` gave; anything missing or left over is an error."""
        left = self.load_state_dict(dict(tensors), strict=False)
        missing = [name for name in left.missing_keys if self._owns(name)]
        if missing or left.unexpected_keys:
            raise ValueError(f"missing {missing}, unexpected {left.unexpected_keys}")
        if not self.head_tuned:
            self.language_model.tie_weights()

    def _owns(self, name: str) -> bool:
        if name == HEAD:
            return self.head_tuned
        borrowed = self.borrowed and name.startswith(LANGUAGE_MODEL)
        return not borrowed or IA3 in name


def joined(several: Sequence[Tensor], dim: int) -> Tensor:
    """Frames of several sounds, one after another; (0, dim) of none."""
    return torch.cat(list(several)) if several else torch.zeros(0, dim)

"""The networks: LAION's CLAP as transformers has it, and MS-CLAP 2023 built from its parts."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    ClapAudioConfig,
    ClapAudioModel,
    ClapConfig,
    ClapModel,
    GPT2Config,
    GPT2Model,
)

from aacbench.builtin.encoders.clap.paper.front import Features
from aacbench.builtin.encoders.clap.paper.sizes import Model


class Towers(Protocol):
    """Two networks into one space; every row is of unit length."""

    def hear(self, features: Features) -> Tensor:
        """(dim,) of one sound."""
        ...

    def read(self, ids: Tensor) -> Tensor:
        """(texts, dim) of (texts, tokens) token numbers, all of one length."""
        ...

    def frames(self) -> Frames:
        """The audio tower before its sound is one vector."""
        ...


class Frames(nn.Module):
    """(windows, views, time, bands) decibels -> (windows, 32, width), one vector a frame.

    The mean over bands of what the tower averages over time; LAION's code names it the fine-grained
    embedding, each frame of which it repeats 32 times. A fused tower sees each window as a short
    sound.
    """

    def __init__(self, audio_model: Any) -> None:
        super().__init__()
        self.audio_model = audio_model
        self.width: int = audio_model.config.hidden_size

    def forward(self, mel: Tensor) -> Tensor:
        longer = torch.zeros(len(mel), 1, dtype=torch.bool, device=mel.device)
        fused = self.audio_model.config.enable_fusion
        states: Tensor = self.audio_model(
            input_features=mel, is_longer=longer if fused else None
        ).last_hidden_state  # (windows, width, bands, frames)
        return states.mean(2).transpose(1, 2)


class LaionTowers(nn.Module):
    """HTSAT and RoBERTa."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.clap: Any = ClapModel(
            ClapConfig(
                audio_config={**model.audio, "num_mel_bins": model.front.bands},
                text_config=dict(model.text),
                projection_dim=model.dim,
            )
        )

    def hear(self, features: Features) -> Tensor:
        longer = torch.tensor([[features.longer]], device=features.mel.device)
        heard: Tensor = self.clap.get_audio_features(
            input_features=features.mel, is_longer=longer
        ).pooler_output
        return heard[0]

    def read(self, ids: Tensor) -> Tensor:
        rows: Tensor = self.clap.get_text_features(input_ids=ids).pooler_output
        return rows

    def frames(self) -> Frames:
        return Frames(self.clap.audio_model)


class Projection(nn.Module):
    """Two linear layers with a way around the second: norm(a + b) with a = Wx, b = V gelu(a)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(inputs, outputs, bias=False)
        self.linear2 = nn.Linear(outputs, outputs, bias=False)
        self.layer_norm = nn.LayerNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        first = self.linear1(x)
        both: Tensor = self.layer_norm(first + self.linear2(functional.gelu(first)))
        return both


class MicrosoftTowers(nn.Module):
    """HTSAT and GPT-2.

    The published code finds a text's last token by counting those that are not number 0, which is
    its padding and also the piece ``!``: each ``!`` moves the place one token back. With `slips`
    that is repeated; without, the last token it is.
    """

    def __init__(self, model: Model, slips: bool = True) -> None:
        super().__init__()
        self._slips = slips
        config = ClapAudioConfig(**model.audio, num_mel_bins=model.front.bands)
        self.audio_model: Any = ClapAudioModel(config)
        self.audio_projection = Projection(config.hidden_size, model.dim)
        self.text_model: Any = GPT2Model(GPT2Config(**model.text))
        self.text_projection = Projection(self.text_model.config.n_embd, model.dim)

    def hear(self, features: Features) -> Tensor:
        pooled = self.audio_model(input_features=features.mel).pooler_output
        return functional.normalize(self.audio_projection(pooled), dim=-1)[0]

    def read(self, ids: Tensor) -> Tensor:
        states = self.text_model(input_ids=ids).last_hidden_state  # (texts, tokens, width)
        counted = ids != 0 if self._slips else torch.ones_like(ids, dtype=torch.bool)
        pooled = states[torch.arange(len(ids), device=ids.device), counted.sum(1) - 1]
        return functional.normalize(self.text_projection(pooled), dim=-1)

    def frames(self) -> Frames:
        return Frames(self.audio_model)

"""The audio tower against a second one, written here from the paper and under the published names.

Loading what was renamed by hand proves that two tables agree; this proves what the names mean: how
query, key and value lie in one matrix, in which order four patches are merged, where a window is
shifted, and how a spectrogram is folded into a square. HTS-AT (Chen et al., 2022), of the real size
of its tiny form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from aacbench.builtin.encoders.clap.paper.front import FrontEnd, mel_bank
from aacbench.builtin.encoders.clap.paper.layouts import fit, layout
from aacbench.builtin.encoders.clap.paper.sizes import Model, model, resized
from aacbench.builtin.encoders.clap.paper.towers import LaionTowers, MicrosoftTowers

DEPTHS, HEADS, WINDOW, SIDE = (2, 2, 6, 2), (4, 8, 16, 32), 8, 256
PREFIX = {"ms2023": "audio_encoder.base.htsat.", "laion-unfused": "module.audio_branch."}


class Original:
    """A forward pass over weights by their published names."""

    def __init__(self, weights: Mapping[str, Tensor], prefix: str) -> None:
        self._weights = {
            name.removeprefix(prefix): tensor
            for name, tensor in weights.items()
            if name.startswith(prefix)
        }

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(
            x, self._weights[f"{name}.weight"], self._weights.get(f"{name}.bias")
        )

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = (self._weights[f"{name}.{kind}"] for kind in ("weight", "bias"))
        return functional.layer_norm(x, weight.shape, weight, bias)

    def __call__(self, mel: Tensor) -> Tensor:
        """(768,) of (frames, 64) decibels."""
        mean, variance, weight, bias = (
            self._weights[f"bn0.{kind}"]
            for kind in ("running_mean", "running_var", "weight", "bias")
        )
        mel = (mel - mean) / torch.sqrt(variance + 1e-5) * weight + bias
        long = functional.interpolate(
            mel[None, None], (1024, 64), mode="bicubic", align_corners=True
        )
        # Four stretches of time lie one above the other: (4 * 64 bands, 256 frames).
        square = torch.cat([part.T for part in long[0, 0].split(SIDE)])
        patches = functional.conv2d(
            square[None, None],
            self._weights["patch_embed.proj.weight"],
            self._weights["patch_embed.proj.bias"],
            stride=4,
        )
        x = self._norm(patches[0].permute(1, 2, 0), "patch_embed.norm")  # (64, 64, width)
        for stage, depth in enumerate(DEPTHS):
            for block in range(depth):
                x = self._block(x, f"layers.{stage}.blocks.{block}", HEADS[stage], block % 2 == 1)
            if stage < 3:
                x = self._merge(x, f"layers.{stage}.downsample")
        return self._norm(x, "norm").mean((0, 1))

    def _block(self, x: Tensor, name: str, heads: int, shifted: bool) -> Tensor:
        side = x.shape[0]
        shift = WINDOW // 2 if shifted and side > WINDOW else 0
        y = self._norm(x, f"{name}.norm1")
        y = self._attend(y.roll((-shift, -shift), (0, 1)), name, heads, shift)
        x = x + y.roll((shift, shift), (0, 1))
        hidden = functional.gelu(self._linear(self._norm(x, f"{name}.norm2"), f"{name}.mlp.fc1"))
        return x + self._linear(hidden, f"{name}.mlp.fc2")

    def _attend(self, y: Tensor, name: str, heads: int, shift: int) -> Tensor:
        side, width = y.shape[0], y.shape[-1]
        bias = self._position_bias(name)  # (heads, 64, 64)
        out = torch.empty_like(y)
        region = self._regions(side, shift)
        for top in range(0, side, WINDOW):
            for left in range(0, side, WINDOW):
                here = (slice(top, top + WINDOW), slice(left, left + WINDOW))
                tokens = y[here].reshape(-1, width)
                stacked = self._linear(tokens, f"{name}.attn.qkv")  # (64, 3 * width)
                q, k, v = (
                    part.reshape(len(tokens), heads, -1).transpose(0, 1)
                    for part in stacked.split(width, dim=1)
                )
                scores = q @ k.transpose(1, 2) * q.shape[-1] ** -0.5 + bias
                parts = region[here].reshape(-1)
                scores = scores - 100.0 * (parts[:, None] != parts[None]).float()
                mixed = (scores.softmax(-1) @ v).transpose(0, 1).reshape(len(tokens), width)
                out[here] = self._linear(mixed, f"{name}.attn.proj").reshape(WINDOW, WINDOW, width)
        return out

    def _position_bias(self, name: str) -> Tensor:
        table = self._weights[f"{name}.attn.relative_position_bias_table"]
        places = [(row, column) for row in range(WINDOW) for column in range(WINDOW)]
        wide = 2 * WINDOW - 1
        index = torch.tensor(
            [
                [(a - c + WINDOW - 1) * wide + b - d + WINDOW - 1 for c, d in places]
                for a, b in places
            ]
        )
        return table[index].permute(2, 0, 1)

    @staticmethod
    def _regions(side: int, shift: int) -> Tensor:
        """What was together before the shift has one number."""
        line = torch.zeros(side, dtype=torch.long)
        if shift:
            line[side - WINDOW : side - shift] = 1
            line[side - shift :] = 2
        return line[:, None] * 3 + line[None]

    def _merge(self, x: Tensor, name: str) -> Tensor:
        corners = [x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]]
        return self._linear(self._norm(torch.cat(corners, -1), f"{name}.norm"), f"{name}.reduction")


def of_real_width(name: str) -> Model:
    """The audio tower as it is; a narrow text tower, which is not looked at."""
    small = {"vocab_size": 60, "n_embd": 8, "n_layer": 1, "n_head": 1, "n_positions": 80}
    roberta = {
        "vocab_size": 60,
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "intermediate_size": 8,
    }
    return resized(model(name), {}, small if name == "ms2023" else roberta)


@pytest.mark.parametrize("name", ["ms2023", "laion-unfused"])
def test_the_tower_hears_what_the_published_names_mean(name, real_clips, published_state):
    known = of_real_width(name)
    towers = MicrosoftTowers(known) if name == "ms2023" else LaionTowers(known)
    state = published_state(towers, mel_bank(known.front))
    form = layout(known.layout)
    empty = MicrosoftTowers(known) if name == "ms2023" else LaionTowers(known)
    fit(empty.eval().requires_grad_(False), state, form, Path(name))
    audio_model = empty.audio_model if name == "ms2023" else empty.clap.audio_model
    assert sum(weight.numel() for weight in audio_model.parameters()) == pytest.approx(
        27.5e6, rel=0.01
    )
    seen = FrontEnd(replace(known.front), "middle", 0).features(real_clips[1])
    heard = audio_model(input_features=seen.mel).pooler_output[0]
    expected = Original(state, PREFIX[name])(seen.mel[0, 0])
    assert float((heard - expected).abs().max()) < 1e-4
    assert float(expected.std()) > 0.1  # the numbers that agree are not all alike

"""EfficientAT's smallest tagger (mn04): a MobileNetV3-Large of width 0.4 over 527 AudioSet classes.

Written from the published layout, so that the authors' checkpoint loads key by key. See Schmid,
Koutini and Widmer, "Efficient large-scale audio tagging via transformer-to-CNN knowledge
distillation", and Howard et al., "Searching for MobileNetV3", table 1.
"""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from aacbench.builtin.encoders.clap.mel import MelSettings, log_mel
from aacbench.errors import BadData

SETTINGS = MelSettings(
    rate=32_000,
    bands=128,
    transform=1024,
    window=800,
    hop=320,
    low=0.0,
    high=15_000.0,
    floor=1e-5,
    shift=4.5,
    scale=5.0,
    preemphasis=0.97,
)
WIDTH = 0.4
CLASSES = 527
EMBEDDING = 384
HIDDEN = 512

# kernel, expanded channels, output channels, squeeze-and-excitation, hard-swish, stride
BLOCKS = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)

_norm = partial(nn.BatchNorm2d, eps=1e-3)


def _channels(count: float) -> int:
    """The multiple of 8 nearest to `count`, at least 8, and never more than a tenth below it."""
    rounded = max(8, int(count + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * count else rounded


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int, groups: int, activation: nn.Module | None
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        _norm(outputs),
    ]
    return nn.Sequential(*layers, activation) if activation else nn.Sequential(*layers)


class _ChannelGate(nn.Module):
    """Squeeze-and-excitation: each channel is scaled by a gate read from all channels' means."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.fc2(torch.relu(self.fc1(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


class _Gates(nn.Module):
    """Holds the one gate under the name that the checkpoint gives it."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.conc_se_layers = nn.ModuleList([_ChannelGate(channels, squeezed)])

    def forward(self, x: Tensor) -> Tensor:
        gated: Tensor = self.conc_se_layers[0](x)
        return gated


class _InvertedResidual(nn.Module):
    """Expand, filter each channel on its own, gate, project; with a skip where shapes agree."""

    def __init__(
        self,
        inputs: int,
        kernel: int,
        expanded: int,
        outputs: int,
        gated: bool,
        hard: bool,
        stride: int,
    ) -> None:
        super().__init__()
        self.skip = stride == 1 and inputs == outputs
        act = nn.Hardswish if hard else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != inputs:
            layers.append(_convolution(inputs, expanded, 1, 1, 1, act()))
        layers.append(_convolution(expanded, expanded, kernel, stride, expanded, act()))
        if gated:
            layers.append(_Gates(expanded, _channels(expanded / 4)))
        layers.append(_convolution(expanded, outputs, 1, 1, 1, None))
        self.block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x)
        return x + y if self.skip else y


class MobileTagger(nn.Module):
    """(batch, 1, 128, frames) log-mels to 527 logits and the 384 pooled features before them."""

    def __init__(self) -> None:
        super().__init__()
        channels = _channels(16 * WIDTH)
        layers: list[nn.Module] = [_convolution(1, channels, 3, 2, 1, nn.Hardswish())]
        for kernel, wide, out, gated, hard, stride in BLOCKS:
            expanded, outputs = _channels(wide * WIDTH), _channels(out * WIDTH)
            layers.append(
                _InvertedResidual(channels, kernel, expanded, outputs, gated, hard, stride)
            )
            channels = outputs
        layers.append(_convolution(channels, EMBEDDING, 1, 1, 1, nn.Hardswish()))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Identity(),
            nn.Identity(),
            nn.Linear(EMBEDDING, HIDDEN),
            nn.Hardswish(),
            nn.Identity(),
            nn.Linear(HIDDEN, CLASSES),
        )

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        pooled = self.features(mel).mean((2, 3))
        return self.classifier(pooled), pooled


class Tagger:
    """Waveforms at 32 kHz to class probabilities and features, one clip at a time.

    One at a time because clips differ in length, and so that a clip's figures cannot depend on
    what else was asked for.
    """

    rate = SETTINGS.rate

    def __init__(self, checkpoint: Path, device: str = "cpu") -> None:
        self._device = device
        self.model = load_tagger(checkpoint).to(device)

    @torch.inference_mode()
    def hear(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """Of one (samples,) waveform: (527,) probabilities and (384,) pooled features, float32."""
        mel = log_mel(waveform.float(), SETTINGS)
        logits, pooled = self.model(mel[None, None].to(self._device))
        return torch.sigmoid(logits[0]).cpu(), pooled[0].cpu()


def load_tagger(checkpoint: Path) -> MobileTagger:
    """The tagger with the authors' weights; BadData where a key is missing or left over."""
    weights = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model = MobileTagger()
    try:
        model.load_state_dict(weights, strict=True)
    except (RuntimeError, TypeError) as fault:
        raise BadData(
            f"{checkpoint} is no mn04 checkpoint: {fault}",
            "take mn04_as_mAP_432.pt of EfficientAT's release v0.0.1",
        ) from fault
    return model.eval().requires_grad_(False)


def class_names(labels: Path) -> tuple[str, ...]:
    """The 527 AudioSet display names in output order, from the `index,mid,display_name` table."""
    with labels.open(newline="", encoding="utf-8") as table:
        rows = sorted(csv.DictReader(table), key=lambda row: int(row["index"]))
    if len(rows) != CLASSES:
        raise BadData(
            f"{labels} lists {len(rows)} classes, not {CLASSES}",
            "take class_labels_indices.csv of the AudioSet release",
        )
    return tuple(row["display_name"] for row in rows)

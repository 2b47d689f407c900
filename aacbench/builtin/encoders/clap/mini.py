"""`clap:mini`: a CNN that puts sound where all-MiniLM-L6-v2 puts its captions.

It is trained on soundbox with the text side frozen. While it learns it is also told which event
sounds when; what it says of that (which, how much, how early) is part of what the vector is read
from, so that mixtures and their order are not lost in one mean over time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aacbench import audio
from aacbench.builtin.encoders.clap.mel import MelSettings, log_mel
from aacbench.builtin.encoders.clap.text_space import WIDTH, TextSpace
from aacbench.errors import BadData
from aacbench.training import load_weights

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import Clip

    Rows = npt.NDArray[np.float32]

SETTINGS = MelSettings(
    rate=32_000,
    bands=64,
    transform=2048,
    window=1280,
    hop=640,
    low=40.0,
    high=14_000.0,
    floor=1e-5,
    shift=3.0,
    scale=4.0,
)


@dataclass(frozen=True)
class Shape:
    """`channels` of the convolutions, whose strides are `STRIDES`; `hidden` of the layers over
    time after them; `head` of the layer before the vector.

    `labels` are the kinds of event that the network names, in the order of its outputs.
    """

    channels: tuple[int, ...]
    hidden: int
    head: int
    labels: tuple[str, ...]


POOLED_FRAMES = 2
STRIDES = ((2, 2), (2, 2), (2, 1), (2, 1), (2, 1))  # (bands, frames)
EVENT_BIAS = -3.5
FRAME_STRIDE = 8  # spectrogram frames in one frame of the network


@dataclass(frozen=True)
class Heard:
    """`embedding` (batch, 384), unit rows; `frame_logits` (batch, labels, network frames)."""

    embedding: Tensor
    frame_logits: Tensor


class _ChannelsLast(nn.Conv2d):
    """A convolution whose weights lie in memory as a CPU reads them fastest."""

    def __init__(self, *shape: Any, **settings: Any) -> None:
        super().__init__(*shape, **settings)
        self.weight.data = self.weight.data.contiguous(memory_format=torch.channels_last)


def _block(inputs: int, outputs: int, kernel: int, stride: tuple[int, int]) -> nn.Sequential:
    return nn.Sequential(
        _ChannelsLast(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class MiniEars(nn.Module):
    """(batch, 64, frames) log-mels, and how many frames of each row are sound, to `Heard`."""

    def __init__(self, shape: Shape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        wide = (1, *shape.channels)
        self.blocks = nn.Sequential(
            *(
                _block(wide[i], wide[i + 1], 5 if i == 0 else 3, stride)
                for i, stride in enumerate(STRIDES)
            )
        )
        bands = SETTINGS.bands // 2 ** len(STRIDES)
        self.mix = nn.Sequential(
            nn.Conv1d(shape.channels[-1] * bands, shape.hidden, 1, bias=False),
            nn.BatchNorm1d(shape.hidden),
            nn.ReLU(),
            nn.Conv1d(shape.hidden, shape.hidden, 5, padding=2, bias=False),
            nn.BatchNorm1d(shape.hidden),
            nn.ReLU(),
        )
        self.events = nn.Conv1d(shape.hidden, len(shape.labels), 1)
        # Most kinds of event are silent most of the time; starting there saves finding it out.
        assert self.events.bias is not None
        nn.init.constant_(self.events.bias, EVENT_BIAS)
        pooled = 2 * shape.hidden + 3 * len(shape.labels)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(pooled, shape.head),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(shape.head, WIDTH),
        )

    def forward(self, mel: Tensor, frames: Tensor) -> Heard:
        mel = nn.functional.avg_pool1d(mel, POOLED_FRAMES, ceil_mode=True)
        maps = self.blocks(mel[:, None].contiguous(memory_format=torch.channels_last))
        features = self.mix(maps.flatten(1, 2))  # (batch, hidden, time)
        logits = self.events(features)
        steps = torch.arange(features.shape[-1], device=mel.device)
        lengths = (frames[:, None] + FRAME_STRIDE - 1) // FRAME_STRIDE
        sounding = (steps < lengths)[:, None]  # (batch, 1, time)
        position = (steps + 0.5) / lengths  # (batch, time), 0 to 1 within the clip
        pooled = torch.cat([_pool(features, sounding), _pool_events(logits, sounding, position)], 1)
        embedding = nn.functional.normalize(self.head(pooled), dim=1)
        return Heard(embedding, logits)


def _pool(features: Tensor, sounding: Tensor) -> Tensor:
    """(batch, 2 * hidden): mean and maximum over the frames that are sound."""
    mean = (features * sounding).sum(2) / sounding.sum(2)
    return torch.cat([mean, features.masked_fill(~sounding, 0.0).amax(2)], 1)


def _pool_events(logits: Tensor, sounding: Tensor, position: Tensor) -> Tensor:
    """(batch, 3 * labels): how surely, how long and how early each event is heard."""
    present = torch.sigmoid(logits) * sounding
    surely = present.amax(2)
    early = (present * position[:, None]).sum(2) / (present.sum(2) + 1e-3)
    return torch.cat([surely, present.sum(2) / sounding.sum(2), surely * (early - 0.5)], 1)


def config_of(shape: Shape) -> dict[str, Any]:
    """What the weights' header must hold for the network to be built again."""
    return {"shape": asdict(shape), "mel": asdict(SETTINGS)}


def load_ears(path: Path) -> MiniEars:
    """The network from its safetensors file; BadData where the file is of something else."""
    tensors, config = load_weights(path)
    if config.get("mel") != asdict(SETTINGS) or "shape" not in config:
        raise BadData(
            f"{path} was not made by this version of clap:mini",
            "leave `weights` out, or train anew: aacbench train clap --preset mini",
        )
    table = config["shape"]
    shape = Shape(tuple(table["channels"]), table["hidden"], table["head"], tuple(table["labels"]))
    model = MiniEars(shape)
    model.load_state_dict(tensors)
    return model.eval().requires_grad_(False)


class MiniEncoder:
    """`Encoder` over `MiniEars`, clip by clip: a clip's vector is the same in any batch."""

    dim = WIDTH
    text_space = "all-MiniLM-L6-v2"

    def __init__(self, ears: MiniEars, space: TextSpace, device: str = "cpu") -> None:
        self._ears = ears.to(device)
        self._space = space
        self._device = device

    @property
    def labels(self) -> tuple[str, ...]:
        """The kinds of event that `events` scores."""
        labels: tuple[str, ...] = self._ears.shape.labels
        return labels

    @torch.inference_mode()
    def _hear(self, clip: Clip) -> Heard:
        waveform = torch.from_numpy(audio.waveform(clip, SETTINGS.rate))
        mel = log_mel(waveform, SETTINGS)[None].to(self._device)
        heard: Heard = self._ears(mel, torch.tensor([mel.shape[-1]], device=self._device))
        return heard

    def embed_audio(self, clips: Sequence[Clip]) -> Rows:
        """(clips, 384) unit rows."""
        rows = np.zeros((len(clips), WIDTH), np.float32)
        for row, clip in enumerate(clips):
            rows[row] = self._hear(clip).embedding[0].cpu().numpy()
        return rows

    def events(self, clips: Sequence[Clip]) -> Rows:
        """(clips, labels): the highest probability that each kind of event reaches."""
        rows = np.zeros((len(clips), len(self.labels)), np.float32)
        for row, clip in enumerate(clips):
            rows[row] = torch.sigmoid(self._hear(clip).frame_logits[0]).amax(1).cpu().numpy()
        return rows

    def embed_text(self, texts: Sequence[str]) -> Rows:
        """(texts, 384) unit rows."""
        return self._space.embed(texts)


def build_mini(weights: Path, device: str) -> MiniEncoder:
    """The encoder from its weights."""
    from aacbench.builtin.encoders.clap.text_space import text_space

    return MiniEncoder(load_ears(weights), text_space(device), device)

"""`clap:paper` put together: a checkpoint, its front end, its towers and its words."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from aacbench import assets
from aacbench.builtin.encoders.clap.paper import sizes, words
from aacbench.builtin.encoders.clap.paper.checkpoint import read_state, weight_file
from aacbench.builtin.encoders.clap.paper.front import Crop, FrontEnd
from aacbench.builtin.encoders.clap.paper.layouts import Layout, fit, layout, layouts, stripped
from aacbench.builtin.encoders.clap.paper.sizes import Model
from aacbench.builtin.encoders.clap.paper.towers import (
    Frames,
    LaionTowers,
    MicrosoftTowers,
    Towers,
)
from aacbench.errors import BadData

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import Clip

    Rows = npt.NDArray[np.float32]

FRAMES = 32  # of a window, whatever its length in seconds
BATCH = 64  # texts of one length read at once
PATCHES = "patch_embed.proj.weight"
FUSED = "patch_embed.mel_conv2d."
MERGES = "gpt2/merges"
VOCABULARIES = {"laion": "clap/roberta-vocab", "hub": "clap/roberta-vocab"}

# What a folder's config.json says of the towers' sizes; the rest of it does not change a result.
AUDIO_SIZES = (
    "patch_embeds_hidden_size",
    "hidden_size",
    "depths",
    "num_attention_heads",
    "enable_fusion",
    "fusion_type",
    "spec_size",
    "window_size",
    "mlp_ratio",
    "layer_norm_eps",
)
TEXT_SIZES = (
    "vocab_size",
    "max_position_embeddings",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "layer_norm_eps",
)


class Words(Protocol):
    """Text to token numbers."""

    def encode(self, text: str) -> list[int]: ...


class PaperEncoder:
    """`Encoder` over a published CLAP.

    Sound is heard clip by clip, so a clip's vector has the same bits in any company. Texts of one
    length are read together, which changes a vector by float32 rounding at most.
    """

    def __init__(
        self, model: Model, towers: Towers, front: FrontEnd, words: Words, device: str
    ) -> None:
        self.model = model
        self.dim = model.dim
        self.front = front
        self._towers = towers
        self._words = words
        self._device = device

    @torch.inference_mode()
    def embed_audio(self, clips: Sequence[Clip]) -> Rows:
        """(clips, dim) unit rows."""
        rows = np.zeros((len(clips), self.dim), np.float32)
        for row, clip in enumerate(clips):
            features = self.front.features(clip)
            there = replace(features, mel=features.mel.to(self._device))
            rows[row] = self._towers.hear(there).cpu().numpy()
        return rows

    @property
    def ears(self) -> Frames:
        """The audio tower's frames as a network: what `audio_windows` gives -> (windows, 32,
        `frame_dim`). Its weights are the encoder's own; copy it before it learns."""
        return self._towers.frames()

    @property
    def frame_dim(self) -> int:
        """The width of `audio_frames`."""
        return self.ears.width

    def audio_windows(self, clip: Clip, longest: float) -> tuple[Tensor, int]:
        """A clip's first `longest` seconds as (windows, views, time, bands) decibels, and how many
        of the windows' frames, 32 each, are sound."""
        windows, filled = self.front.windows(clip, longest)
        return windows, math.ceil(filled * FRAMES)

    @torch.inference_mode()
    def audio_frames(self, clips: Sequence[Clip], longest: float) -> list[Rows]:
        """(frames, `frame_dim`) of each clip's first `longest` seconds, 32 frames to a window of
        what the model hears at once."""
        found = []
        for clip in clips:
            windows, frames = self.audio_windows(clip, longest)
            heard = self.ears(windows.to(self._device)).flatten(0, 1)
            found.append(heard[:frames].cpu().numpy())
        return found

    @torch.inference_mode()
    def embed_text(self, texts: Sequence[str]) -> Rows:
        """(texts, dim) unit rows; each distinct text is read once."""
        by_length: dict[int, list[tuple[str, list[int]]]] = {}
        for text in sorted(set(texts)):
            ids = self._words.encode(text)
            by_length.setdefault(len(ids), []).append((text, ids))
        found: dict[str, Any] = {}
        for same in by_length.values():
            for start in range(0, len(same), BATCH):
                batch = same[start : start + BATCH]
                tokens = torch.tensor([numbers for _, numbers in batch], device=self._device)
                rows = self._towers.read(tokens).cpu().numpy()
                found |= {text: row for (text, _), row in zip(batch, rows, strict=True)}
        listed = [found[text] for text in texts]
        return np.stack(listed) if listed else np.zeros((0, self.dim), np.float32)


def assemble(
    checkpoint: Path,
    model: Model | None = None,
    tokenizer: Sequence[Path] = (),
    *,
    crop: Crop = "random",
    seed: int = 0,
    slips: bool = True,
    device: str = "cpu",
) -> PaperEncoder:
    """The encoder from its files.

    `checkpoint` is a file, or a folder as the hub's library writes it. `model` is recognised from
    the file where it is not given; `tokenizer` is looked for in the folder, then among the assets.
    Raises `AacbenchError` that names the file that is missing, damaged or of something else.
    """
    file = weight_file(checkpoint)
    form = layout(model.layout) if model else None
    state = read_state(file, form.state if form else None)
    if not form:
        state, form = _unwrapped(file, state)
    model = model or recognised(file, state, form)
    if (checkpoint / "config.json").is_file():
        model = _as_configured(model, checkpoint / "config.json")
    towers = MicrosoftTowers(model, slips) if model.layout == "microsoft" else LaionTowers(model)
    fit(towers, state, form, file)
    towers = towers.eval().requires_grad_(False).to(device)
    bank = stripped(state, form).get(form.bank or "") if model.front.own_bank else None
    front = FrontEnd(model.front, crop, seed, bank)
    return PaperEncoder(model, towers, front, _words(model, checkpoint, tokenizer), device)


def _unwrapped(file: Path, state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Layout]:
    """The file's tensors and the layout that their names have."""
    for form in layouts():
        found = dict(state) or read_state(file, form.state)
        if any(name.startswith(form.marks) for name in stripped(found, form)):
            return found, form
    raise BadData(
        f"{file} is the checkpoint of no CLAP that is known",
        f"Known are the layouts of: {', '.join(sizes.models())}.",
    )


def recognised(file: Path, state: Mapping[str, Tensor], form: Layout) -> Model:
    """The published model whose audio tower has this file's width, with or without fusion."""
    fused = any(FUSED in name for name in state)
    widths = [tensor.shape[0] for name, tensor in state.items() if name.endswith(PATCHES)]
    same = [known for known in sizes.models().values() if known.layout == form.name]
    like = [known for known in same if known.audio.get("enable_fusion", False) == fused]
    for known in like:
        if widths == [known.audio["patch_embeds_hidden_size"]]:
            return known
    if form.name == "hub" and like:
        return like[0]  # the folder's config.json has the sizes
    raise BadData(
        f"{file}: no published CLAP has an audio tower of width {widths}",
        f"Known are: {', '.join(known.name for known in same)}.",
    )


def _as_configured(model: Model, config: Path) -> Model:
    """The model with the sizes that a folder's config.json gives."""
    try:
        told = json.loads(config.read_text(encoding="utf-8"))
        audio = {
            key: told["audio_config"][key] for key in AUDIO_SIZES if key in told["audio_config"]
        }
        text = {key: told["text_config"][key] for key in TEXT_SIZES if key in told["text_config"]}
        dim = int(told.get("projection_dim", model.dim))
    except (ValueError, KeyError, TypeError) as reason:
        raise BadData(
            f"{config} is not the configuration of a CLAP: {reason!r}", "Fetch the folder again."
        ) from reason
    return replace(sizes.resized(model, audio, text), dim=dim)


def _words(model: Model, checkpoint: Path, tokenizer: Sequence[Path]) -> Words:
    inside = checkpoint if checkpoint.is_dir() else checkpoint.parent
    if not tokenizer and (inside / "tokenizer.json").is_file():
        tokenizer = words.tokenizer_files(inside)
    if not tokenizer:
        vocabulary = VOCABULARIES.get(model.layout, "gpt2/vocab")
        tokenizer = (assets.find(vocabulary), assets.find(MERGES))
    pieces = words.Pieces(tokenizer)
    if model.layout == "microsoft":
        return words.GptWords(pieces)
    return words.RobertaWords(pieces)

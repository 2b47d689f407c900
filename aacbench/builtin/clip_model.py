"""CLIP (Radford et al., 2021): pictures and texts in one space, read from the hub's layout.

What CLIPScore judges with and what `clip` sees with is the same code.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from aacbench.errors import BadData

if TYPE_CHECKING:
    import numpy.typing as npt

    Rows = npt.NDArray[np.float32]

# CLIP's own: means and deviations of red, green and blue over the pictures it was trained on.
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)


class PictureSpace:
    """Pictures and texts in CLIP's space; rows of unit length unless asked for as they are."""

    def __init__(self, model: Any, tokenizer: Any, device: str = "cpu") -> None:
        self._model = model.eval().requires_grad_(False).to(device)
        self._tokenizer = tokenizer
        self._device = device
        self._side = int(model.config.vision_config.image_size)
        self._longest = int(model.config.text_config.max_position_embeddings)
        self.width = int(model.config.projection_dim)

    @torch.inference_mode()
    def see(self, pictures: Sequence[Path], unit: bool = True) -> Rows:
        """(pictures, width)."""
        loaded = [torch.from_numpy(pixels(path, self._side)) for path in pictures]
        seen = self._model.get_image_features(pixel_values=torch.stack(loaded).to(self._device))
        return _unit(seen) if unit else _rows(seen)

    @torch.inference_mode()
    def read(self, texts: Sequence[str]) -> Rows:
        """(texts, width)."""
        batch = self._tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self._longest,
            return_tensors="pt",
        )
        ids, mask = (batch[name].to(self._device) for name in ("input_ids", "attention_mask"))
        return _unit(self._model.get_text_features(input_ids=ids, attention_mask=mask))

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """How many tokens CLIP reads of each text."""
        found = self._tokenizer(list(texts), truncation=True, max_length=self._longest)
        return [len(ids) for ids in found["input_ids"]]


def _rows(found: Any) -> Rows:
    rows = getattr(found, "pooler_output", found).float().cpu().numpy()
    return np.asarray(rows, np.float32)


def _unit(found: Any) -> Rows:
    rows = _rows(found)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def pixels(path: Path, side: int) -> Rows:
    """(3, side, side): the shorter edge brought to `side`, the middle cut out, normalised."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
    except (OSError, UnidentifiedImageError) as reason:
        raise BadData(
            f"{path} cannot be read as a picture: {reason}", "Give a PNG or JPEG file."
        ) from reason
    width, height = picture.size
    short = min(width, height)
    size = (int(side * width / short), int(side * height / short))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    left, top = (round((edge - side) / 2) for edge in size)
    cut = picture.crop((left, top, left + side, top + side))
    values = np.asarray(cut, np.float32) / 255
    normalised = (values - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1))


def load_picture_space(folder: Path, device: str = "cpu") -> PictureSpace:
    """CLIP from a folder of the hub's layout; raises `BadData` where it cannot be read."""
    from transformers import AutoTokenizer, CLIPModel

    from aacbench.builtin.metrics.official.quiet import no_bars

    try:
        with no_bars():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = CLIPModel.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as reason:
        told = str(reason).partition("\n")[0]
        raise BadData(
            f"{folder} cannot be read as a CLIP: {told}",
            "Fetch it anew: aacbench data fetch clip",
        ) from reason
    return PictureSpace(model, tokenizer, device)

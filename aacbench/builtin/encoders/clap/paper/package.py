"""LAION's own package behind the same interface, to compare with where it can be installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench import audio
from aacbench.builtin.encoders.clap.paper.front import Crop, Places
from aacbench.builtin.encoders.clap.paper.sizes import Model
from aacbench.errors import BadOption, MissingRequirement

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import Clip, Encoder

    Rows = npt.NDArray[np.float32]

INSTALL = "pip install 'aacbench[laion-clap]'"
TOWERS = {96: "HTSAT-tiny", 128: "HTSAT-base"}


class PackageEncoder:
    """`Encoder` over ``laion_clap.CLAP_Module``, clip by clip.

    A long sound is cut here for a model without fusion, as the transformers backend does. With
    fusion the package draws from numpy's global numbers, which are set from the clip first.
    """

    def __init__(self, module: Any, model: Model, crop: Crop, seed: int) -> None:
        self.dim = model.dim
        self._module = module
        self._front = model.front
        self._crop: Crop = crop
        self._seed = seed

    def embed_audio(self, clips: Sequence[Clip]) -> Rows:
        """(clips, 512) unit rows."""
        rows = np.zeros((len(clips), self.dim), np.float32)
        for row, clip in enumerate(clips):
            samples = audio.waveform(clip, self._front.rate)
            places = Places(clip, self._crop, self._seed)
            spare = len(samples) - self._front.samples
            if spare > 0 and self._front.long == "crop":
                start = places.choose(spare + 1)
                samples = samples[start : start + self._front.samples]
            before = np.random.get_state()
            np.random.seed(places.choose(2**32))
            try:
                rows[row] = self._module.get_audio_embedding_from_data(x=[samples])[0]
            finally:
                np.random.set_state(before)
        return rows

    def embed_text(self, texts: Sequence[str]) -> Rows:
        """(texts, 512) unit rows."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        return np.asarray(self._module.get_text_embedding(list(texts)), np.float32)


def build_package(
    checkpoint: Path, model: Model | None, crop: Crop, seed: int, device: str
) -> Encoder:
    """The encoder; `MissingRequirement` says what the package lacks here."""
    if model is None or model.layout != "laion":
        raise BadOption(
            "clap:paper: the backend 'laion' reads LAION's own .pt files.",
            "For example clap:paper@laion-unfused(backend=laion).",
        )
    package = _imported()
    module = package.CLAP_Module(
        enable_fusion=model.front.long == "fusion",
        amodel=TOWERS[model.audio["patch_embeds_hidden_size"]],
        device=device,
    )
    from aacbench.builtin.encoders.clap.paper.checkpoint import plain_numbers

    with plain_numbers():  # it reads the file as torch does by default: tensors and numbers only
        module.load_ckpt(str(checkpoint))
    return PackageEncoder(module.eval(), model, crop, seed)


def _imported() -> Any:
    import importlib

    try:
        return importlib.import_module("laion_clap")
    except ModuleNotFoundError as reason:
        raise MissingRequirement(
            f"clap:paper(backend=laion) needs the package laion-clap, and the module "
            f"'{reason.name}' is not installed.",
            INSTALL,
        ) from reason
    except ImportError as reason:
        raise MissingRequirement(
            f"clap:paper(backend=laion): laion-clap is installed but does not import: {reason}",
            INSTALL,
        ) from reason

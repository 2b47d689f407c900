"""ClipCap's public weights (Mokady et al., ClipCap: CLIP prefix for image captioning, 2021), read
into our names.

A file is the state of their model: the mapping network (``clip_project.``) and GPT-2 (``gpt.``),
which was trained with it where the network is an MLP and left as it was where it is a transformer.
CLIP itself is not in it.

Their code gives the MLP CLIP's rows as CLIP makes them, about ten long, and the transformer rows
that were brought to unit length. Nothing in the tensors says which, so it goes by the layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from aacbench_nac.published import Found, Layout, is_mlp, load, take

STOP = "."
"""Its first token ends a caption, in training and in public inference."""

LAYOUT = Layout(
    name="ClipCap",
    mapper="clip_project",
    stop=STOP,
    fetch="Take the file anew from where its authors keep it: "
    "https://github.com/rmokady/CLIP_prefix_caption",
)


def fits(names: Iterable[str]) -> bool:
    """Whether a file with tensors of these names is ClipCap's."""
    return any(name.startswith(f"{LAYOUT.mapper}.") for name in names)


def read(path: Path) -> Found:
    """Tensors and configuration as `aacbench.training.load_weights` gives them for our own files.

    `unit` in the configuration says whether the mapping network reads rows of unit length. Raises
    `BadData` that names every tensor that is missing or that has no place.
    """
    return from_tensors(load(path), path)


def from_tensors(tensors: Mapping[str, Tensor], path: Path) -> Found:
    """As `read`, of tensors that have been loaded from `path`."""
    found, config = take(tensors, LAYOUT, path)
    return found, {**config, "unit": not is_mlp(tensors, LAYOUT)}

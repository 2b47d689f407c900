"""Microsoft's public clapcap weights, read into our names.

The file is the audio-trained twin of Deshmukh et al.: the ears of CLAP 2023 (``clap.``), the
mapping network (``clap_project.``) and GPT-2 (``gpt.``). Its authors' code holds the ears frozen,
so they are left to the encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from aacbench_nac.published import GPT2_TOKENIZER, Found, Layout, load, take
from aacbench_nac.words import END_OF_TEXT

__all__ = ["GPT2_TOKENIZER", "LAYOUT", "read"]

STOP = f" {END_OF_TEXT}"
"""Its first token ends a caption: public inference stops at the space before the end of text."""

LAYOUT = Layout(
    name="clapcap",
    mapper="clap_project",
    stop=STOP,
    fetch="Fetch it anew: aacbench data fetch nac-clapcap",
    left=("clap.",),
)


def read(path: Path) -> Found:
    """Tensors and configuration as `aacbench.training.load_weights` gives them for our own files.

    Raises `BadData` that names every tensor that is missing or that has no place.
    """
    return from_tensors(load(path), path)


def from_tensors(tensors: Mapping[str, Tensor], path: Path) -> Found:
    """As `read`, of tensors that have been loaded from `path`."""
    return take(tensors, LAYOUT, path)

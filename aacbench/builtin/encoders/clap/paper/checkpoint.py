"""Reading a published checkpoint: tensors and numbers, never code."""

from __future__ import annotations

import importlib
import pickle
import zipfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aacbench.errors import BadData, MissingAsset

WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")


def plain_numbers() -> AbstractContextManager[None]:
    """Lets ``torch.load(weights_only=True)`` read numpy's scalars, which LAION's files hold.

    They stand under the names of numpy 1 or of numpy 2, as the file's age has it.
    """
    scalar = importlib.import_module("numpy._core.multiarray").scalar  # not public, but in files
    kinds = (np.dtypes.Float64DType, np.dtypes.Float32DType, np.dtypes.Int64DType)
    allowed: list[Any] = [
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        *kinds,
    ]
    context: AbstractContextManager[None] = torch.serialization.safe_globals(allowed)
    return context


def weight_file(path: Path) -> Path:
    """The file of weights: `path` itself, or the one in a folder that the hub's library wrote."""
    if not path.is_dir():
        return path
    for name in WEIGHT_FILES:
        if (path / name).is_file():
            return path / name
    raise MissingAsset(
        f"the folder {path} holds neither {' nor '.join(WEIGHT_FILES)}",
        "Name a checkpoint file, or a folder as the hub has it.",
    )


def read_state(path: Path, state: str | None = None) -> dict[str, Tensor]:
    """The tensors of a checkpoint file by their names in it.

    `state` is the entry that holds them where there are others (epoch, optimizer). Raises
    `BadData` for a file that is damaged, or that would have to run code to be read.
    """
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as reason:
            raise _unreadable(path, str(reason)) from reason
    content = _unpickled(path)
    if isinstance(content, Mapping) and state in content:
        content = content[state]
    if not isinstance(content, Mapping):
        raise _unreadable(path, f"it holds a {type(content).__name__}, not weights by name")
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}


def _unpickled(path: Path) -> Any:
    try:
        with plain_numbers():
            # Mapped into memory, an optimizer's tensors in the same file cost nothing.
            mapped = zipfile.is_zipfile(path)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as reason:
        first = str(reason).replace("\n", " ").partition("GLOBAL ")[2].partition(" ")[0]
        raise BadData(
            f"{path} was not loaded: it holds more than tensors and numbers"
            + (f" ({first}), and reading that may run code" if first else ", or is damaged"),
            "Take the file from its authors: aacbench data fetch clap-paper. Nothing of this one "
            "was run.",
        ) from reason
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError) as reason:
        raise _unreadable(path, str(reason).partition("\n")[0]) from reason


def _unreadable(path: Path, why: str) -> BadData:
    return BadData(
        f"{path} cannot be read as a checkpoint: {why}",
        "Check that it was fetched whole; aacbench data fetch does that.",
    )

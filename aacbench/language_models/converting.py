"""A GGUF file made into a folder as transformers writes it, once, in the user's cache.

De-quantising and reading the tokenizer take half a minute; the folder is read in a second.
"""

from __future__ import annotations

import io
import tempfile
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filelock import FileLock

from aacbench.assets import cache_home, sha256_of
from aacbench.errors import BadData, MissingRequirement
from aacbench.language_models.loading import no_progress_bar


def converted(packed: Path, name: str) -> Path:
    """The folder made from the GGUF file `packed`: made now, or found in the cache.

    It is named by the file's sha256, so another release makes another folder; one that was broken
    off is made anew.
    """
    home = cache_home() / "language-models"
    folder = home / f"{name}-{sha256_of(packed)[:16]}"
    if (folder / "model.safetensors").is_file():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / f"{folder.name}.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=home) as made:
                _convert(packed, Path(made) / "model")
                (Path(made) / "model").replace(folder)
    return folder


def _convert(packed: Path, folder: Path) -> None:
    """Write the de-quantised float32 weights and the tokenizer."""
    if find_spec("gguf") is None:
        raise MissingRequirement(
            f"{packed.name} is a GGUF file, which the package 'gguf' reads.",
            "Type: pip install gguf",
        )
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"gguf_file": packed.name, "local_files_only": True}
    try:
        with no_progress_bar(), redirect_stderr(io.StringIO()):  # bars that nothing turns off
            tokenizer = AutoTokenizer.from_pretrained(packed.parent, **where)
            model = AutoModelForCausalLM.from_pretrained(
                packed.parent, dtype=torch.float32, **where
            )
    except (OSError, ValueError, KeyError) as reason:
        raise BadData(
            f"{packed} cannot be read as a language model: {reason}.",
            "Install its package anew.",
        ) from reason
    with redirect_stderr(io.StringIO()):
        _plain(model).save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _plain(model: Any) -> Any:
    """The model as one that was never quantised: its weights are floats by now."""
    model.hf_quantizer = None
    model.is_quantized = False
    for holder, attribute in (
        (model, "quantization_method"),
        (model.config, "quantization_config"),
    ):
        if hasattr(holder, attribute):
            delattr(holder, attribute)
    return model

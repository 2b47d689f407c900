"""Causal language models that captioners speak with: found offline, converted once, loaded frozen.

`load` takes a name of ``models.toml``, a folder that transformers wrote, or a name on the hub whose
files are on this machine.
"""

from aacbench.language_models.finding import KNOWN, find_folder
from aacbench.language_models.loading import LanguageModel, identity, load, read_model
from aacbench.language_models.words import ModelWords

__all__ = [
    "KNOWN",
    "LanguageModel",
    "ModelWords",
    "find_folder",
    "identity",
    "load",
    "read_model",
]

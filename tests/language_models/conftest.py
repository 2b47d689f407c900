"""A small language model in a folder, and captions to learn words from."""

from __future__ import annotations

from pathlib import Path

import pytest
from llama_folder import make_llama

CAPTIONS = [
    "A dog barks while people talk in the background.",
    "Rain falls on a metal roof and thunder rolls.",
    "A car engine starts, then a siren passes by.",
]


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_llama(tmp_path_factory.mktemp("llama"), CAPTIONS)

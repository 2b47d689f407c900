"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def aacbench_shared() -> Path:
    """The shared material: real captions, sounds and published outputs."""
    named = os.environ.get("AACBENCH_TEST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared test material at {folder} (set AACBENCH_TEST_DATA)")
    return folder

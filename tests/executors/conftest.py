"""A Ray that tests share, since starting one takes seconds."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pitches import captioners, tones


@pytest.fixture(scope="module")
def shared_ray() -> Iterator[None]:
    """Ray on this machine, with more processors than it has, so that two workers are two."""
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'aacbench[ray]'")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    ray.init(address="local", num_cpus=4, include_dashboard=False, **quiet)
    yield
    ray.shutdown()


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    return tones(tmp_path / "sounds", 12)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return captioners(tmp_path)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs"

"""Small lists of real sentences, and a language model and an encoder made of random weights."""

from __future__ import annotations

from pathlib import Path

import pytest

KEPT = 12  # every so many-th sentence


@pytest.fixture
def audibility(aacbench_shared: Path) -> tuple[Path, Path]:
    """The two real lists."""
    folder = aacbench_shared / "data" / "audibility"
    return folder / "audible.txt", folder / "non_audible.txt"


@pytest.fixture
def few(audibility: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """Sixty real sentences of either kind, in files of their own."""
    paths = []
    for path in audibility:
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        paths.append(tmp_path / path.name)
        paths[-1].write_text("\n".join(lines[:: len(lines) // 60][:60]), encoding="utf-8")
    return paths[0], paths[1]

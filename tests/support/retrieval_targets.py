"""Targets and tables for tests of retrieval as a task: short sounds, chosen similarities."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from cosine_plugin import loaded, write_table

FIGURES = {f"{way}.{name}" for way in ("t2a", "a2t") for name in ("r_at_1", "r_at_5", "r_at_10")}
FIGURES |= {"t2a.map_at_10", "a2t.map_at_10"}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    site = tmp_path / "site"
    with loaded(site, monkeypatch):
        yield site


def target(folder: Path, captions: Mapping[str, Sequence[str]]) -> str:
    """A folder of short sounds with these captions."""
    folder.mkdir()
    rows = ["file_name,caption"]
    for number, (name, texts) in enumerate(captions.items()):
        soundfile.write(folder / name, np.sin(np.arange(800) * (number + 1) / 9) / 2, 8000)
        rows += [f'{name},"{text}"' for text in texts]
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return str(folder)


def numbered(clips: int, captions: int = 2) -> dict[str, list[str]]:
    return {f"{c:02d}.wav": [f"sound {c} said {n}" for n in range(captions)] for c in range(clips)}


def random_table(captions: Mapping[str, Sequence[str]], steps: int = 7) -> dict[str, Any]:
    """Similarities of few different values, so that there are many ties."""
    texts = sorted({text for several in captions.values() for text in several})
    drawn = np.random.default_rng(3).integers(0, steps, (len(captions), len(texts))) / steps
    return {
        name: dict(zip(texts, row.tolist(), strict=True))
        for name, row in zip(sorted(captions), drawn, strict=True)
    }


def lines(folder: Path) -> list[dict[str, Any]]:
    """A run's rankings without its times."""
    found = [json.loads(line) for line in (folder / "rankings.jsonl").read_text().splitlines()]
    return [{name: value for name, value in one.items() if name != "stages"} for one in found]


def table(tmp_path: Path, rows: Mapping[str, Any], **options: Any) -> str:
    path = write_table(tmp_path / "similar.json", dict(rows))
    more = "".join(f", {name}={value}" for name, value in options.items())
    return f"table(path={path}{more})"

"""Real captions for the metrics' tests: Clotho's evaluation split and six captioners' outputs."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from aacbench.types import Annotation, Caption, Item

SYSTEMS = (
    "conette_clotho_eval",
    "dcase2024_baseline_variant1",
    "dcase2024_baseline_variant2",
    "dcase2024_baseline_variant3",
    "whisper_fancy-galaxy-115",
    "whisper_peach-bush-111",
)


@pytest.fixture(scope="session")
def clotho(aacbench_shared: Path) -> Mapping[str, Annotation]:
    """Annotations of Clotho's evaluation split, 1045 clips with five references each."""
    path = aacbench_shared / "data/captions/clotho/clotho_captions_evaluation.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["file_name"]: Annotation(tuple(row[f"caption_{i}"] for i in range(1, 6)))
            for row in csv.DictReader(file)
        }


@pytest.fixture(scope="session", params=SYSTEMS)
def system_items(
    request: pytest.FixtureRequest, aacbench_shared: Path, clotho: Mapping[str, Annotation]
) -> list[Item]:
    """One captioner's captions of Clotho's evaluation split."""
    path = aacbench_shared / "data/outputs" / request.param / "predictions.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Item(row["file_name"], (Caption(row["caption"]),), clotho[row["file_name"]])
            for row in csv.DictReader(file)
        ]

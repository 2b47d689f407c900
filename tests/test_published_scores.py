"""What published systems said of Clotho's evaluation clips scores here as it was published."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from aacbench import api, scoring

FIGURES = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "meteor", "cider_d")
# One clip of CoNeTTE's was published with another reference.
SYSTEMS = {
    "dcase2024_baseline_variant1": 1e-6,
    "dcase2024_baseline_variant2": 1e-6,
    "dcase2024_baseline_variant3": 1e-6,
    "conette_clotho_eval": 2e-5,
}
WHISPER = ("whisper_fancy-galaxy-115", "whisper_peach-bush-111")
SPICED = {"spice": "spice", "spider": "spider", "cider_d": "cider"}


def first_and_all(systems: Iterable[str]) -> list[object]:
    """The first system for every test run; the others, of which it takes minutes, on request."""
    first, *others = systems
    return [first, *(pytest.param(one, marks=pytest.mark.exhaustive) for one in others)]


@pytest.fixture(scope="module")
def outputs(aacbench_shared: Path) -> Path:
    return aacbench_shared / "data/outputs"


@pytest.fixture(autouse=True)
def clotho(aacbench_shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/clotho").symlink_to(aacbench_shared / "data/captions/clotho")
    monkeypatch.setenv("AACBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AACBENCH_ASSETS", str(aacbench_shared / "assets"))


def score(folder: Path, *metrics: str) -> scoring.Scored:
    return api.score_table(folder / "predictions.csv", "clotho@evaluation", metrics)[1]


def published(folder: Path) -> dict[str, float]:
    scores: dict[str, float] = json.loads((folder / "published_scores.json").read_text())["scores"]
    return scores


def published_clips(folder: Path, figure: str) -> dict[str, float]:
    with (folder / "per_clip_scores.csv").open(encoding="utf-8", newline="") as file:
        return {row["file_name"]: float(row[figure]) for row in csv.DictReader(file)}


def check(found: scoring.Scored, folder: Path, figures: tuple[str, ...], tolerance: float) -> None:
    assert not found.absent
    for figure in figures:
        theirs = published_clips(folder, figure)
        differences = np.array(
            [
                abs(value - theirs[item.clip_id])
                for item, value in zip(found.items, found.per_clip[figure], strict=True)
            ]
        )
        assert len(differences) == 1045
        odd = differences > 1e-6
        assert odd.sum() <= (0 if tolerance <= 1e-6 else 1), figure
        assert found.figures[figure]["estimate"] == pytest.approx(
            published(folder)[figure], abs=tolerance
        ), figure


@pytest.mark.parametrize("system", SYSTEMS)
def test_n_gram_figures_and_meteor_are_the_published_ones_by_clip_and_corpus(
    outputs: Path, system: str
):
    folder = outputs / system
    found = score(folder, "bleu", "rouge_l", "meteor", "cider_d")
    check(found, folder, FIGURES, SYSTEMS[system])


@pytest.mark.slow
@pytest.mark.parametrize("system", first_and_all(SYSTEMS))
def test_spice_and_spider_are_the_published_ones_by_clip_and_corpus(outputs: Path, system: str):
    folder = outputs / system
    check(score(folder, "spider"), folder, ("spice", "spider"), SYSTEMS[system])


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("system", WHISPER)
def test_the_whisper_systems_score_as_their_authors_computed_with_the_coco_tools(
    outputs: Path, system: str
):
    found = score(outputs / system, "spider")
    theirs = published(outputs / system)
    for figure, name in SPICED.items():
        assert found.figures[figure]["estimate"] == pytest.approx(theirs[name], abs=1e-6), figure

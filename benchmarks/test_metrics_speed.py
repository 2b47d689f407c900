"""Word-counting metrics against aac-metrics, side by side on the same words.

The two take turns within one run, so that whatever else the machine does meets both; compare the
ratios, never the seconds of two machines. ``pytest benchmarks -s`` prints them.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest

from aacbench.builtin.metrics.bleu import Bleu
from aacbench.builtin.metrics.cider_d import CiderD
from aacbench.builtin.metrics.rouge_l import RougeL
from aacbench.builtin.metrics.tokenize import simple
from aacbench.types import Annotation, Caption, Item

functional = pytest.importorskip("aac_metrics.functional", reason="aac-metrics is not installed")

ROUNDS = 7
SYSTEM = "dcase2024_baseline_variant1"


@pytest.fixture(scope="module")
def items() -> list[Item]:
    """A captioner's captions of Clotho's evaluation split: 1045 clips, five references each."""
    named = os.environ.get("AACBENCH_TEST_DATA")
    data = Path(named or Path(__file__).resolve().parents[2] / "shared") / "data"
    if not data.is_dir():
        pytest.skip(f"no shared test material at {data.parent} (set AACBENCH_TEST_DATA)")
    references = {
        row["file_name"]: Annotation(tuple(row[f"caption_{i}"] for i in range(1, 6)))
        for row in rows(data / "captions/clotho/clotho_captions_evaluation.csv")
    }
    return [
        Item(row["file_name"], (Caption(row["caption"]),), references[row["file_name"]])
        for row in rows(data / "outputs" / SYSTEM / "predictions.csv")
    ]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def words(items: Sequence[Item]) -> tuple[list[str], list[list[str]]]:
    """The same words as aac-metrics takes them: joined by spaces, which it splits at again."""
    captions = [" ".join(tokens) for tokens in simple([item.candidates[0].text for item in items])]
    references = [
        [" ".join(tokens) for tokens in simple(item.annotation.references)] for item in items
    ]
    return captions, references


@pytest.fixture(scope="module")
def ratios() -> Iterator[dict[str, float]]:
    """How many times faster each metric was; printed at the end."""
    found: dict[str, float] = {}
    yield found
    for name, times in found.items():
        print(f"\n{name}: {times:.1f} times as fast as aac-metrics", end="")
    print()


def split_at_spaces(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """The same work on our side as aac-metrics' own splitting, without any memory of it."""
    return [tuple(text.split()) for text in texts]


@pytest.mark.parametrize(
    ("make", "theirs", "keywords"),
    [(Bleu, "bleu", {"return_1_to_n": True}), (RougeL, "rouge_l", {}), (CiderD, "cider_d", {})],
    ids=["bleu_1..4", "rouge_l", "cider_d"],
)
def test_metric_is_faster_than_aac_metrics(
    benchmark: Any,
    request: pytest.FixtureRequest,
    words: tuple[list[str], list[list[str]]],
    ratios: dict[str, float],
    make: Callable[..., Any],
    theirs: str,
    keywords: dict[str, Any],
) -> None:
    captions, references = words
    reference_times: list[float] = []
    split = [
        Item(str(number), (Caption(caption),), Annotation(tuple(texts)))
        for number, (caption, texts) in enumerate(zip(captions, references, strict=True))
    ]

    def run_theirs() -> None:
        start = time.perf_counter()
        getattr(functional, theirs)(captions, references, **keywords)
        reference_times.append(time.perf_counter() - start)

    def run_ours() -> None:
        metric = make("simple", split_at_spaces)
        metric.prepare({item.clip_id: item.annotation for item in split})
        scores = metric.score(split, {})
        metric.corpus(scores.statistics, np.ones((1, len(split))))

    benchmark.pedantic(run_ours, setup=run_theirs, rounds=ROUNDS, warmup_rounds=1)
    ratio = median(reference_times[1:]) / benchmark.stats.stats.median
    benchmark.extra_info["times_as_fast_as_aac_metrics"] = round(ratio, 2)
    ratios[request.node.callspec.id] = ratio
    assert ratio >= 1

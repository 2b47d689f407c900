"""Searching a knowledge base of 50,000 pairs: exactly, and through each index, side by side.

Exact search and the index take turns within one run, so that whatever else the machine does meets
both: compare the ratios, never the seconds of two machines. ``pytest benchmarks -s`` prints them.
``benchmarks/synthetic_base.py`` measures the same at the size of the largest published base.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import caption_material
import numpy as np
import pytest

from aacbench.knowledge import synthetic
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.building import write
from aacbench.knowledge.entries import Entry
from aacbench.knowledge.indexing import build_index, open_index, recall
from aacbench.knowledge.searching import WAYS, Probe, exact, probe

pytest.importorskip("faiss", reason="faiss-cpu is not installed")

PAIRS = 50_000
DIM = 512
QUERIES = 64
ROUNDS = 3
CAPTIONS = ("clotho/clotho_captions_evaluation.csv",)


@pytest.fixture(scope="module")
def cloud() -> synthetic.Cloud:
    """Pairs around the real captions of Clotho's evaluation split."""
    named = os.environ.get("AACBENCH_TEST_DATA")
    shared = Path(named or Path(__file__).resolve().parents[2] / "shared")
    if not (shared / "data").is_dir():
        pytest.skip(f"no shared test material at {shared} (set AACBENCH_TEST_DATA)")
    captions = caption_material.read(shared, CAPTIONS)
    rows = caption_material.embedded("clap:small", captions)
    spread = synthetic.noise(synthetic.within_clips(rows, captions.clips))
    wider = synthetic.lift(rows.shape[1], DIM, 0)
    return synthetic.Cloud(synthetic.seeds(rows, captions.clips), spread, wider)


@pytest.fixture(scope="module")
def base(cloud: synthetic.Cloud, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    drawn = cloud.draw(PAIRS, seed=0)
    entries = [Entry(str(row), "synthetic/all", "") for row in range(PAIRS)]
    told = {"expression": "synthetic", "fingerprint": "synthetic", "dim": DIM}
    return write(tmp_path_factory.mktemp("base") / "drawn", told, [(entries, *drawn.halves())])


@pytest.fixture(scope="module")
def ratios() -> Iterator[dict[str, str]]:
    """What each index did; printed at the end."""
    found: dict[str, str] = {}
    yield found
    for name, told in found.items():
        print(f"\n{name}: {told}", end="")
    print()


@pytest.fixture(scope="module")
def asked(cloud: synthetic.Cloud) -> dict[str, Probe]:
    drawn = cloud.draw(QUERIES, seed=1)
    return {way: probe(way, drawn.audio, drawn.text) for way in WAYS}


@pytest.mark.parametrize("kind", ["ivfpq", "hnsw"])
def test_an_index_is_faster_than_exact_search_and_finds_nearly_all(
    benchmark: Any,
    kind: str,
    base: KnowledgeBase,
    asked: dict[str, Probe],
    ratios: dict[str, str],
) -> None:
    build_index(base, kind, queries=8)
    index = open_index(base, kind)
    pair = asked["pair-to-pair"]
    exact_times: list[float] = []

    def exactly() -> None:
        began = time.perf_counter()
        exact(base, pair, 10)
        exact_times.append(time.perf_counter() - began)

    benchmark.pedantic(index.search, (pair, 10), setup=exactly, rounds=ROUNDS, warmup_rounds=1)
    times = median(exact_times[1:]) / benchmark.stats.stats.median
    found = {way: recall(exact(base, one, 10), index.search(one, 10)) for way, one in asked.items()}
    benchmark.extra_info |= {"times_as_fast_as_exact": round(times, 2), "recall_at_10": found}
    told = ", ".join(f"{way} {value:.3f}" for way, value in found.items())
    ratios[kind] = f"{times:.1f} times as fast as exact; recall@10: {told}"
    assert np.mean(list(found.values())) > 0.95
    assert times > 1

"""Exact search: the right rows, whatever else is asked and however products round."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_bases import base_of, by_hand, unit
from hypothesis import given, settings
from hypothesis import strategies as st

from aacbench.errors import BadOption
from aacbench.knowledge import scanning
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.searching import WAYS, Probe, exact, pair_to_pair, probe, search

DIM = 24
ROWS = 5000
HEARD, SAID = unit(60, DIM, 2), unit(60, DIM, 3)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """Five captions to each of some clips, and the same sound far apart: many exact ties."""
    audio, text = unit(ROWS, DIM, 0), unit(ROWS, DIM, 1)
    audio[:1000] = np.repeat(audio[:200], 5, axis=0)
    audio[4000:4050] = audio[17]
    return base_of(tmp_path_factory.mktemp("base") / "ties", audio, text)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "BLOCK", 700)
    monkeypatch.setattr(scanning, "QUERIES", 16)
    monkeypatch.setattr(scanning, "PAIRS", 100)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("k", [1, 7, 900])
def test_every_way_gives_the_rows_and_scores_of_all_products(
    base: KnowledgeBase, way: str, k: int
) -> None:
    asked = probe(way, HEARD, SAID, 0.3)
    hits = exact(base, asked, k)
    rows, scores = by_hand(base, asked, k)
    np.testing.assert_array_equal(hits.rows, rows)
    np.testing.assert_array_equal(hits.scores, scores)


def test_ways_are_equations_4_and_10_to_12(base: KnowledgeBase) -> None:
    audio, text = (half.astype(np.float32) for half in base.vectors(range(len(base))))
    heard, said = HEARD[:1], SAID[:1]
    expected = {
        "audio-to-audio": audio @ heard[0],
        "audio-to-text": text @ heard[0],
        "audio-to-mixture": audio @ heard[0] + text @ heard[0],
        "pair-to-pair": 0.2 * (audio @ heard[0]) + 0.8 * (text @ said[0]),
    }
    for way, scores in expected.items():
        hits = exact(base, probe(way, heard, said, 0.2), 3)
        np.testing.assert_allclose(hits.scores[0], np.sort(scores)[::-1][:3], atol=1e-6)


@given(st.lists(st.integers(0, 60), max_size=8), st.integers(1, 12), st.permutations(range(60)))
@settings(max_examples=25, deadline=None)
def test_hits_do_not_depend_on_which_queries_share_the_call(
    base: KnowledgeBase, cuts: list[int], k: int, order: list[int]
) -> None:
    asked = pair_to_pair(HEARD, SAID)
    excluded = [{query, 2 * query, 17} for query in range(60)]
    whole = exact(base, asked, k, excluded)
    bounds = [0, *sorted(cuts), 60]
    for start, end in pairwise(bounds):
        some = np.array(order[start:end], np.int64)
        hits = exact(base, asked.at(some), k, [excluded[query] for query in some])
        np.testing.assert_array_equal(hits.rows, whole.rows[some])
        np.testing.assert_array_equal(hits.scores, whole.scores[some])


def test_hits_depend_neither_on_threads_nor_on_blocks(
    base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = probe("audio-to-mixture", HEARD, SAID)
    before, threads = exact(base, asked, 10), torch.get_num_threads()
    try:
        torch.set_num_threads(2 if threads == 1 else 1)
        monkeypatch.setattr(scanning, "BLOCK", 4999)
        after = exact(base, asked, 10)
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(before.rows, after.rows)
    np.testing.assert_array_equal(before.scores, after.scores)


def test_rows_that_single_precision_cannot_tell_apart_are_ranked_by_their_true_scores(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    query = unit(1, 256, 5)
    # The last bits of half precision, and there only numbers that the query hardly looks at.
    audio = np.tile(unit(1, 256, 6).astype(np.float16), (400, 1)).view(np.int16)
    faint = np.argsort(abs(query[0]))[:40]
    audio[:, faint] += rng.integers(-2, 3, (400, 40), dtype=np.int16)
    rows = audio.view(np.float16).astype(np.float32)
    base = base_of(tmp_path / "base", rows, rows)
    asked = Probe(query, None)
    true = (rows.astype(np.float64) @ query[0].astype(np.float64)).astype(np.float32)
    expected = np.lexsort((np.arange(400), -true))[:50]
    assert len(np.unique(rows @ query[0])) > 1
    np.testing.assert_array_equal(exact(base, asked, 50).rows[0], expected)


def test_excluded_rows_never_count_even_where_they_are_the_best(base: KnowledgeBase) -> None:
    asked = probe("audio-to-audio", HEARD, SAID)
    best = exact(base, asked, 5).rows
    excluded = [set(rows.tolist()) | {10**9} for rows in best]
    hits = exact(base, asked, 5, excluded)
    assert not (hits.rows == best).any()
    np.testing.assert_array_equal(hits.rows, by_hand(base, asked, 5, excluded)[0])
    everything = [range(ROWS)] * 60
    assert (exact(base, asked, 5, everything).rows == -1).all()


def test_k_larger_than_the_base_gives_all_of_it_once(tmp_path: Path) -> None:
    base = base_of(tmp_path / "base", unit(7, DIM, 0), unit(7, DIM, 1))
    hits = search(base, pair_to_pair(HEARD, SAID), 10, [{3}] * 60)
    assert (np.sort(hits.rows[:, :6]) == [0, 1, 2, 4, 5, 6]).all()
    assert (hits.rows[:, 6:] == -1).all()
    assert np.isneginf(hits.scores[:, 6:]).all()


def test_an_empty_base_gives_nothing(tmp_path: Path) -> None:
    empty = np.zeros((0, DIM), np.float32)
    base = base_of(tmp_path / "base", empty, empty, entries=[])
    assert (search(base, pair_to_pair(HEARD, SAID), 3).rows == -1).all()


def test_no_queries_give_no_hits(base: KnowledgeBase) -> None:
    none = np.zeros((0, DIM), np.float32)
    assert search(base, pair_to_pair(none, none), 3).rows.shape == (0, 3)


def test_what_cannot_be_asked_is_refused_by_name(base: KnowledgeBase) -> None:
    asked = pair_to_pair(HEARD, SAID)
    with pytest.raises(BadOption, match=r"30 numbers does not fit .* filled with 24"):
        search(base, Probe(unit(2, 30, 0), None), 3)
    with pytest.raises(BadOption, match="0 neighbours"):
        search(base, asked, 0)
    with pytest.raises(BadOption, match="'hnws'") as caught:
        search(base, asked, 3, how="hnws")
    assert "hnsw" in caught.value.hint
    with pytest.raises(BadOption, match="'audio-to-pair'"):
        probe("audio-to-pair", HEARD, SAID)
    with pytest.raises(ValueError, match="for each query"):
        exact(base, asked, 3, [{1}])

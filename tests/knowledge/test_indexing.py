"""Indexes: exact scores of nearly all of the best rows, or a refusal that says what to type."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_bases import base_of, by_hand, clustered
from hypothesis import given, settings
from hypothesis import strategies as st

from aacbench.errors import BadData, BadOption, MissingAsset, MissingRequirement
from aacbench.knowledge import indexing, searching
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.indexing import build_index, open_index, recall
from aacbench.knowledge.searching import WAYS, Hits, exact, pair_to_pair, probe, search

pytest.importorskip("faiss", reason="faiss-cpu is not installed")

DIM = 24
ROWS = 6000
KINDS = ("ivfpq", "hnsw")
CLOUD = clustered(DIM)
ASKED = CLOUD.draw(40, seed=7)
QUICK = {"sample": 3000, "dim": 32}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """A base with both kinds of index, opened anew so that they are read from their files."""
    drawn = CLOUD.draw(ROWS, seed=0)
    base = base_of(tmp_path_factory.mktemp("base") / "drawn", drawn.audio, drawn.text)
    for kind in KINDS:
        build_index(base, kind, QUICK, queries=50)
    return KnowledgeBase.open(base.path)


@pytest.fixture
def copy(indexed: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    """A copy to break."""
    return KnowledgeBase.open(shutil.copytree(indexed.path, tmp_path / "copy"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_nearly_all_of_the_ten_nearest_are_found_with_exact_scores(
    indexed: KnowledgeBase, kind: str, way: str
) -> None:
    asked = probe(way, ASKED.audio, ASKED.text)
    true, near = exact(indexed, asked, 10), search(indexed, asked, 10, how=kind)
    assert recall(true, near) > 0.95
    scores = by_hand(indexed, asked, ROWS)
    for query, (rows, found) in enumerate(zip(near.rows, near.scores, strict=True)):
        exactly = dict(zip(scores[0][query].tolist(), scores[1][query].tolist(), strict=True))
        assert [exactly[row] for row in rows.tolist()] == found.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_the_manifest_says_what_was_made_and_how_much_it_finds(
    indexed: KnowledgeBase, kind: str
) -> None:
    facts = indexed.manifest["indexes"][kind]
    assert facts["of"] == indexed.digest
    assert facts["bytes"] == (indexed.path / facts["file"]).stat().st_size
    assert set(facts["recall_at_10"]) == set(WAYS)
    assert all(0.9 < value <= 1 for value in facts["recall_at_10"].values())
    assert "50 pairs of the base" in facts["measured"]
    assert facts["settings"]["sample"] == 3000


def test_recall_is_the_share_of_the_true_rows_and_ties_with_the_last_count() -> None:
    true = Hits(np.array([[4, 2], [1, 0]]), np.array([[0.9, 0.5], [0.8, 0.7]], np.float32))
    near = Hits(np.array([[4, 7], [1, -1]]), np.array([[0.9, 0.5], [0.8, -np.inf]], np.float32))
    assert recall(true, near) == 0.75


@given(st.lists(st.integers(0, 40), max_size=6), st.sampled_from(KINDS))
@settings(max_examples=20, deadline=None)
def test_hits_do_not_depend_on_which_queries_share_the_call(
    indexed: KnowledgeBase, cuts: list[int], kind: str
) -> None:
    asked = pair_to_pair(ASKED.audio, ASKED.text)
    excluded = [{query, 100 * query} for query in range(40)]
    whole = search(indexed, asked, 5, excluded, kind)
    bounds = [0, *sorted(cuts), 40]
    for start, end in pairwise(bounds):
        part = slice(start, end)
        hits = search(indexed, asked.at(part), 5, excluded[part], kind)
        np.testing.assert_array_equal(hits.rows, whole.rows[part])
        np.testing.assert_array_equal(hits.scores, whole.scores[part])


@pytest.mark.parametrize("kind", KINDS)
def test_excluded_rows_are_passed_over_and_what_then_lacks_is_found_exactly(
    indexed: KnowledgeBase, kind: str
) -> None:
    asked = pair_to_pair(ASKED.audio, ASKED.text)
    best = exact(indexed, asked, 800).rows
    some = [set(rows[:20].tolist()) for rows in best]
    hits = search(indexed, asked, 10, some, kind)
    assert recall(exact(indexed, asked, 10, some), hits) > 0.95
    assert not any(out & set(rows.tolist()) for out, rows in zip(some, hits.rows, strict=True))
    nearly_all = [set(range(ROWS)) - {5, 60, 700} for _ in range(40)]
    hits = search(indexed, asked, 10, nearly_all, kind)
    assert (np.sort(hits.rows[:, :3]) == [5, 60, 700]).all()
    assert (hits.rows[:, 3:] == -1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_k_larger_than_the_base_gives_all_of_it(indexed: KnowledgeBase, kind: str) -> None:
    asked = pair_to_pair(ASKED.audio[:1], ASKED.text[:1])
    hits = search(indexed, asked, ROWS + 5, how=kind)
    assert sorted(hits.rows[0, :ROWS].tolist()) == list(range(ROWS))
    assert (hits.rows[0, ROWS:] == -1).all()


def test_auto_takes_an_index_only_above_a_size_and_where_there_is_one(
    indexed: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = list[str]()

    def noted(base: KnowledgeBase, kind: str) -> indexing.Index:
        opened.append(kind)
        return open_index(base, kind)

    monkeypatch.setattr(searching, "open_index", noted)
    asked = pair_to_pair(ASKED.audio, ASKED.text)
    search(indexed, asked, 3)
    assert opened == []
    monkeypatch.setattr(searching, "exact_below", lambda: ROWS)
    search(indexed, asked, 3)
    assert opened == ["ivfpq"]
    monkeypatch.setattr(searching, "exact_below", lambda: ROWS + 1)
    search(indexed, asked, 3)
    assert opened == ["ivfpq"]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("harm", "message"), [(flip, "damaged"), (cut, "damaged"), (Path.unlink, "is gone")]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_index_is_refused_by_name_with_the_command_that_mends_it(
    copy: KnowledgeBase, kind: str, harm: Callable[[Path], None], message: str
) -> None:
    harm(copy.path / "indexes" / f"{kind}.faiss")
    asked = pair_to_pair(ASKED.audio, ASKED.text)
    with pytest.raises(BadData, match=rf"{kind}\.faiss .*{message}|{kind}\.faiss {message}") as e:
        search(copy, asked, 3, how=kind)
    assert f"aacbench kb index '{copy.path}' --kind {kind}" in e.value.hint
    exact_hits = search(copy, asked, 3, how="exact")
    assert (exact_hits.rows >= 0).all()


def test_an_index_of_another_state_of_the_base_is_refused(copy: KnowledgeBase) -> None:
    manifest = json.loads((copy.path / "manifest.json").read_text())
    manifest["digest"] = "0" * 64
    (copy.path / "manifest.json").write_text(json.dumps(manifest))
    changed = KnowledgeBase.open(copy.path)
    with pytest.raises(BadData, match="when the base held other pairs") as caught:
        open_index(changed, "hnsw")
    assert "aacbench kb index" in caught.value.hint


def test_building_an_index_again_mends_a_broken_one(copy: KnowledgeBase) -> None:
    flip(copy.path / "indexes" / "hnsw.faiss")
    build_index(copy, "hnsw", QUICK, queries=5)
    reopened = KnowledgeBase.open(copy.path)
    assert search(reopened, pair_to_pair(ASKED.audio, ASKED.text), 3, how="hnsw").rows.min() >= 0
    assert set(reopened.manifest["indexes"]) == set(KINDS)


def test_a_base_without_index_says_how_to_make_one(tmp_path: Path) -> None:
    drawn = CLOUD.draw(50, seed=0)
    base = base_of(tmp_path / "base", drawn.audio, drawn.text)
    with pytest.raises(MissingAsset, match="has no index 'ivfpq'") as caught:
        open_index(base, "ivfpq")
    assert "aacbench kb index" in caught.value.hint


def test_without_faiss_searching_says_what_to_install_and_exact_still_works(
    copy: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "find_spec", lambda name: None)
    asked = pair_to_pair(ASKED.audio, ASKED.text)
    with pytest.raises(MissingRequirement, match="faiss") as caught:
        search(copy, asked, 3, how="ivfpq")
    assert "pip install faiss-cpu" in caught.value.hint
    assert search(copy, asked, 3, how="exact").rows.min() >= 0


@pytest.mark.parametrize(
    ("kind", "changed", "message"),
    [
        ("ivfpc", {}, "no index 'ivfpc'"),
        ("ivfpq", {"probes": 0}, "probes"),
        ("ivfpq", {"depth": 5}, "depth"),
        ("hnsw", {"storage": "pq"}, "storage"),
        ("hnsw", {"half": {"dept": 5}}, "half.dept"),
    ],
)
def test_settings_that_there_are_not_are_refused_by_name(
    indexed: KnowledgeBase, kind: str, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadOption, match=message):
        build_index(indexed, kind, changed)


@pytest.mark.parametrize("rows", [0, 1, 15])
@pytest.mark.parametrize("kind", KINDS)
def test_bases_too_small_for_an_index_are_refused_one(tmp_path: Path, kind: str, rows: int) -> None:
    drawn = CLOUD.draw(rows, seed=0)
    base = base_of(tmp_path / "base", drawn.audio, drawn.text)
    with pytest.raises(BadData, match=f"{rows} pairs, too few for an index"):
        build_index(base, kind)


@pytest.mark.parametrize("rows", [16, 30])
@pytest.mark.parametrize("kind", KINDS)
def test_the_index_of_a_tiny_base_finds_everything(tmp_path: Path, kind: str, rows: int) -> None:
    drawn = CLOUD.draw(rows, seed=0)
    base = base_of(tmp_path / "base", drawn.audio, drawn.text)
    build_index(base, kind)
    asked = pair_to_pair(ASKED.audio, ASKED.text)
    true, near = exact(base, asked, 3), search(base, asked, 3, how=kind)
    np.testing.assert_array_equal(true.rows, near.rows)

"""Refined bases: what any training pair finds, no more and no less, past a kill; and the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_bases import base_of, by_hand, clustered

from aacbench.errors import BadData, BadOption
from aacbench.knowledge import refining
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.entries import Entry
from aacbench.knowledge.refining import kept_rows, refine
from aacbench.knowledge.reporting import Queries, dropped, similarity_report
from aacbench.knowledge.scanning import Excluded
from aacbench.knowledge.searching import Hits, Probe, pair_to_pair

DIM = 16
CLOUD = clustered(DIM)
LARGE, TRAINING = CLOUD.draw(400, seed=0), CLOUD.draw(30, seed=1)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    entries = [
        Entry(f"clip-{row // 2}", "clotho/development", f"trained {row}", f"freesound:{row // 2}")
        for row in range(30)
    ]
    out = tmp_path_factory.mktemp("training") / "base"
    return base_of(out, TRAINING.audio, TRAINING.text, entries)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """The training pairs and 400 others."""
    entries = [
        Entry(f"clip-{row // 2}", "clotho/development", f"trained {row}", f"freesound:{row // 2}")
        for row in range(30)
    ] + [Entry(f"other-{row}", "wavcaps/all", f"other {row}") for row in range(400)]
    audio = np.concatenate([TRAINING.audio, LARGE.audio])
    text = np.concatenate([TRAINING.text, LARGE.text])
    return base_of(tmp_path_factory.mktemp("large") / "base", audio, text, entries)


def found_by_hand(
    large: KnowledgeBase, training: KnowledgeBase, k: int, weight: float, others_only: bool
) -> list[int]:
    heard, said = (half.astype(np.float32) for half in training.vectors(range(len(training))))
    own = [{row - row % 2, row - row % 2 + 1} for row in range(30)] if others_only else None
    rows, _ = by_hand(large, pair_to_pair(heard, said, weight), k, own)
    return sorted(set(rows.ravel().tolist()))


@pytest.mark.parametrize(
    ("k", "weight", "others_only"),
    [(1, 0.5, False), (5, 0.5, False), (5, 0.9, True), (3, 0.0, True), (430, 0.5, False)],
)
def test_what_any_training_pair_finds_is_kept_whole_and_in_order(
    large: KnowledgeBase,
    training: KnowledgeBase,
    tmp_path: Path,
    k: int,
    weight: float,
    others_only: bool,
) -> None:
    refined = refine(large, training, k, weight, tmp_path / "out", others_only=others_only)
    rows = found_by_hand(large, training, k, weight, others_only)
    assert kept_rows(refined).tolist() == rows
    assert refined.entries(range(len(refined))) == large.entries(rows)
    for ours, theirs in zip(refined.vectors(range(len(refined))), large.vectors(rows), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    told = refined.manifest["refined"]
    assert told == {
        "source": large.digest,
        "by": training.digest,
        "k": k,
        "weight": weight,
        "others_only": others_only,
        "how": "auto",
        "kept": len(rows),
        "dropped": 430 - len(rows),
    }
    assert refined.manifest["encoder"] == large.manifest["encoder"]
    refined.verify()


def test_a_training_pair_that_is_in_the_base_finds_itself_unless_told_not_to(
    large: KnowledgeBase, training: KnowledgeBase, tmp_path: Path
) -> None:
    itself = refine(large, training, 1, 0.5, tmp_path / "itself")
    assert kept_rows(itself).tolist() == list(range(30))
    others = refine(large, training, 1, 0.5, tmp_path / "others", others_only=True)
    assert max(kept_rows(others)) >= 30


def test_killed_and_called_again_it_goes_on_and_ends_the_same(
    large: KnowledgeBase,
    training: KnowledgeBase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refining, "ASKED", 8)
    whole = refine(large, training, 3, 0.5, tmp_path / "whole")

    def killed(done: int, of: int) -> None:
        if done == 16:
            raise KeyboardInterrupt

    out = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        refine(large, training, 3, 0.5, out, report=killed)
    with pytest.raises(BadData, match="not finished"):
        KnowledgeBase.open(out)
    asked, search = list[int](), refining.search

    def counted(
        base: KnowledgeBase, probe: Probe, k: int, excluded: Excluded | None, how: str
    ) -> Hits:
        asked.append(len(probe))
        return search(base, probe, k, excluded, how)

    monkeypatch.setattr(refining, "search", counted)
    assert refine(large, training, 3, 0.5, out).digest == whole.digest
    assert asked == [8, 6]
    assert not (out / refining.FOUND).exists()
    assert refine(large, training, 3, 0.5, out).digest == whole.digest
    assert asked == [8, 6]


def test_a_folder_of_something_else_is_left_alone(
    large: KnowledgeBase, training: KnowledgeBase, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    refine(large, training, 3, 0.5, out)
    with pytest.raises(BadData, match="made otherwise"):
        refine(large, training, 4, 0.5, out)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(BadData, match="holds something else"):
        refine(large, training, 3, 0.5, tmp_path / "mine")
    with pytest.raises(BadData, match="made otherwise"):
        refine(large, training, 3, 0.5, training.path)
    assert len(KnowledgeBase.open(training.path)) == 30


def test_bases_of_two_encoders_are_not_compared(large: KnowledgeBase, tmp_path: Path) -> None:
    other = base_of(tmp_path / "by", TRAINING.audio, TRAINING.text, encoder="clap:mini")
    with pytest.raises(BadOption, match=r"by drawn and .* by clap:mini") as caught:
        refine(large, other, 3, 0.5, tmp_path / "out")
    assert "--encoder 'drawn'" in caught.value.hint
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("k", "weight"), [(0, 0.5), (3, 1.5), (3, -0.1)])
def test_settings_that_mean_nothing_are_refused(
    large: KnowledgeBase, training: KnowledgeBase, tmp_path: Path, k: int, weight: float
) -> None:
    with pytest.raises(BadOption):
        refine(large, training, k, weight, tmp_path / "out")


def test_an_empty_base_refines_to_an_empty_one(training: KnowledgeBase, tmp_path: Path) -> None:
    none = np.zeros((0, DIM), np.float32)
    empty = base_of(tmp_path / "empty", none, none, entries=[])
    assert len(refine(empty, training, 3, 0.5, tmp_path / "a")) == 0
    assert len(refine(training, empty, 3, 0.5, tmp_path / "b")) == 0


def test_the_report_counts_what_was_dropped_by_data_set_and_quotes_some(
    large: KnowledgeBase, training: KnowledgeBase, tmp_path: Path
) -> None:
    refined = refine(large, training, 2, 0.5, tmp_path / "out")
    told = dropped(large, refined)
    assert list(told) == ["clotho/development", "wavcaps/all"]
    assert told["clotho/development"] == {"kept": 30, "dropped": 0, "examples": []}
    others = told["wavcaps/all"]
    assert others["kept"] == len(refined) - 30
    assert others["kept"] + others["dropped"] == 400
    kept = {entry.caption for entry in refined.all_entries()}
    assert len(set(others["examples"])) == 5
    assert not kept & set(others["examples"])
    with pytest.raises(BadData, match="not cut down"):
        dropped(large, training)


def test_similarities_are_means_over_the_found_pairs_and_the_captions(tmp_path: Path) -> None:
    east, north = np.float32([1, 0]), np.float32([0, 1])
    audio, text = np.stack([east, north, east]), np.stack([north, east, east])
    entries = [Entry(str(row), "made/all", "", f"freesound:{row}") for row in range(3)]
    base = base_of(tmp_path / "base", audio, text, entries)
    queries = Queries(
        ("freesound:2", "nobody"),
        np.stack([east, north]),
        np.stack([east, north]),
        (np.stack([east, north]), east[None]),
    )
    (ways,) = similarity_report([base], queries, k=2)
    # Row 2 is the first query's own recording: rows 0 and 1 are left.
    for one in ways.values():
        assert one.audio[0] == pytest.approx(0.5)
        assert one.text[0] == pytest.approx(0.5)
    # Row 1 sounds like the second query, then row 0; row 0 is captioned like it, then row 1.
    assert ways["audio-to-audio"].audio[1] == pytest.approx(0.5)
    assert ways["audio-to-text"].text[1] == pytest.approx(0.5)
    (one,) = similarity_report([base], queries, k=1)
    assert one["audio-to-audio"].audio[1] == pytest.approx(1.0)
    assert one["audio-to-audio"].text[1] == pytest.approx(1.0)
    assert one["audio-to-text"].audio[1] == pytest.approx(0.0)
    assert one["audio-to-text"].text[1] == pytest.approx(0.0)


def test_a_query_that_finds_nothing_has_no_similarity(tmp_path: Path) -> None:
    one = np.float32([[1, 0]])
    base = base_of(tmp_path / "base", one, one, [Entry("0", "made/all", "", "freesound:1")])
    queries = Queries(("freesound:1",), one, one, (one,))
    (ways,) = similarity_report([base], queries)
    assert all(np.isnan(found.audio).all() for found in ways.values())

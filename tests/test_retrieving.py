"""Retrieval as a task: ranks both ways, their figures, and runs that outlive being killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cosine_plugin import environment
from retrieval_targets import FIGURES, lines, numbered, plugin, random_table, table, target

from aacbench import api, crossing, rankings, retrieval_figures, retrieving
from aacbench.best import Best
from aacbench.errors import BadOption, PluginFault
from aacbench.rankings import Places
from aacbench.store import RunFolder
from aacbench.types import Annotation
from aacbench.workshop import Workshop

__all__ = ["plugin"]


# --- the best of a stream -------------------------------------------------------------------------


@pytest.mark.parametrize("stretches", [[40], [1, 39], [7, 13, 20], [10, 10, 10, 10]])
@pytest.mark.parametrize("values", [1, 3, 1000])
def test_the_best_of_a_stream_are_those_of_a_stable_sort(stretches: list[int], values: int):
    drawn = np.random.default_rng(values).integers(0, values, (9, 40))
    scores = drawn.astype(np.float32)
    best, first = Best(9, 6), 0
    for n in stretches:
        best.offer(scores[:, first : first + n], first)
        first += n
    due = np.argsort(-scores, axis=1, kind="stable")[:, :6]
    np.testing.assert_array_equal(best.items, due)
    np.testing.assert_array_equal(best.scores, np.take_along_axis(scores, due, 1))


def test_items_that_do_not_count_leave_places_empty():
    best = Best(2, 4)
    best.offer(np.array([[1, -np.inf, 3], [-np.inf] * 3], np.float32), 5)
    assert best.items.tolist() == [[7, 5, -1, -1], [-1, -1, -1, -1]]


# --- ranks and figures ----------------------------------------------------------------------------


def test_both_directions_are_ranked_as_a_full_sort_ranks_them(plugin: Path, tmp_path: Path):
    captions = numbered(9, 3)
    rows = random_table(captions)
    folder = api.retrieve(
        table(tmp_path, rows), target(tmp_path / "t", captions), out=tmp_path / "r"
    )
    clips = sorted(captions)
    texts = [(f"{clip}#{n}", text) for clip in clips for n, text in enumerate(captions[clip])]
    scores = np.array([[rows[clip][text] for _, text in texts] for clip in clips])
    found = {line["query"]: line for line in lines(folder)}
    assert len(found) == len(clips) + len(texts)
    for row, clip in enumerate(clips):
        order = np.argsort(-scores[row], kind="stable")
        assert found[clip]["found"] == [texts[at][0] for at in order]
        own = [f"{clip}#{n}" for n in range(3)]
        assert found[clip]["ranks"] == [found[clip]["found"].index(one) + 1 for one in own]
    for column, (name, _) in enumerate(texts):
        order = np.argsort(-scores[:, column], kind="stable")
        assert found[name]["found"] == [clips[at] for at in order]
        assert found[name]["ranks"] == [1 + found[name]["found"].index(name.partition("#")[0])]


def test_figures_are_those_worked_out_by_hand():
    places = {
        "a": Places("a", (1, 3), (2, 1)),  # both captions first
        "b": Places("b", (11, None), (4, 20)),
    }
    truth = {name: Annotation((f"{name} one", f"{name} two")) for name in places}
    scored = retrieval_figures.score(truth, places, Workshop())
    found = {name: entry["estimate"] for name, entry in scored.figures.items()}
    assert set(found) == FIGURES
    assert found["t2a.r_at_1"] == pytest.approx(1 / 4)
    assert found["t2a.r_at_5"] == found["t2a.r_at_10"] == pytest.approx(2 / 4)
    assert found["t2a.map_at_10"] == pytest.approx((1 + 1 / 3) / 4)
    assert found["a2t.r_at_1"] == pytest.approx(1 / 2)
    assert found["a2t.r_at_5"] == found["a2t.r_at_10"] == 1
    assert found["a2t.map_at_10"] == pytest.approx((1 + (1 / 4) / 2) / 2)
    np.testing.assert_allclose(scored.per_clip["t2a.map_at_10"], [(1 + 1 / 3) / 2, 0])


def test_a_figure_is_the_mean_over_queries_where_clips_have_unequal_numbers_of_captions():
    places = {"a": Places("a", (1, 1, 1), (1, 2, 3)), "b": Places("b", (2,), (9,))}
    truth = {"a": Annotation(("x", "y", "z")), "b": Annotation(("w",))}
    figures = retrieval_figures.score(truth, places, Workshop()).figures
    assert figures["t2a.r_at_1"]["estimate"] == pytest.approx(3 / 4)
    assert figures["a2t.r_at_1"]["estimate"] == pytest.approx(1 / 2)


def test_intervals_treat_captions_of_one_clip_as_one_draw():
    rng = np.random.default_rng(5)
    ranks = rng.integers(1, 8, 80).tolist()
    once = {str(n): Places(str(n), (rank,), (rank,)) for n, rank in enumerate(ranks)}
    five = {str(n): Places(str(n), (rank,) * 5, (rank,)) for n, rank in enumerate(ranks)}
    truth = {name: Annotation(("said",) * 5) for name in once}
    alone, repeated = (
        retrieval_figures.score(truth, each, Workshop()).figures["t2a.map_at_10"]
        for each in (once, five)
    )
    assert alone["n"] == repeated["n"] == 80
    for part in ("estimate", "low", "high"):
        assert repeated[part] == pytest.approx(alone[part])


def test_equal_similarities_are_ranked_in_the_targets_order(plugin: Path, tmp_path: Path):
    captions = numbered(4, 1)
    rows = {clip: dict.fromkeys([c[0] for c in captions.values()], 0.5) for clip in captions}
    folder = api.retrieve(
        table(tmp_path, rows), target(tmp_path / "t", captions), out=tmp_path / "r"
    )
    ranks = [line["ranks"] for line in lines(folder)]
    assert ranks == [[n] for n in (1, 1, 2, 2, 3, 3, 4, 4)]


def test_a_caption_of_two_clips_counts_for_its_own_alone(plugin: Path, tmp_path: Path):
    captions = {"a.wav": ["rain falls"], "b.wav": ["rain falls"], "c.wav": ["a bell"]}
    rows = {
        "a.wav": {"rain falls": 0.9, "a bell": 0.1},
        "b.wav": {"rain falls": 0.8, "a bell": 0.2},
        "c.wav": {"rain falls": 0.1, "a bell": 0.7},
    }
    folder = api.retrieve(
        table(tmp_path, rows), target(tmp_path / "t", captions), out=tmp_path / "r"
    )
    found = {line["query"]: line for line in lines(folder)}
    assert found["a.wav#0"]["found"] == found["b.wav#0"]["found"] == ["a.wav", "b.wav", "c.wav"]
    assert (found["a.wav#0"]["ranks"], found["b.wav#0"]["ranks"]) == ([1], [2])
    assert found["b.wav"]["found"] == ["a.wav#0", "b.wav#0", "c.wav#0"]
    result = api.score(folder)
    assert result["queries"] == {"t2a": {"queries": 3, "shared": 2}, "a2t": {"queries": 3}}
    assert result["figures"]["t2a.r_at_1"]["estimate"] == pytest.approx(2 / 3)


def test_what_lies_beyond_the_depth_has_no_place_and_counts_as_missed(plugin: Path, tmp_path: Path):
    captions = {f"{n:03d}.wav": [f"sound {n}"] for n in range(rankings.DEPTH + 3)}
    texts = [several[0] for several in captions.values()]
    rows = {clip: {t: -float(at) for t in texts} for at, clip in enumerate(captions)}
    folder = api.retrieve(
        table(tmp_path, rows), target(tmp_path / "t", captions), out=tmp_path / "r"
    )
    found = {line["query"]: line for line in lines(folder)}
    assert len(found["102.wav#0"]["found"]) == rankings.DEPTH
    assert found["102.wav#0"]["ranks"] == [None]
    assert api.score(folder)["figures"]["t2a.r_at_10"]["estimate"] == pytest.approx(10 / 103)


# --- blocks, interruption, failures ---------------------------------------------------------------


def test_the_size_of_blocks_changes_nothing(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    captions = numbered(11, 3)
    who, where = table(tmp_path, random_table(captions)), target(tmp_path / "t", captions)
    whole = lines(api.retrieve(who, where, out=tmp_path / "whole"))
    monkeypatch.setattr(crossing, "CLIPS", 3)
    monkeypatch.setattr(crossing, "TEXTS", 5)
    assert lines(api.retrieve(who, where, out=tmp_path / "parts")) == whole


def test_a_killed_run_goes_on_with_the_block_in_hand_and_gives_the_same(
    plugin: Path, tmp_path: Path
):
    captions = numbered(20, 2)
    who = table(tmp_path, random_table(captions), sleep=0.05)
    where = target(tmp_path / "t", captions)
    asked = tmp_path / "similar.json.asked"
    code = (
        "from aacbench import api, crossing; crossing.CLIPS = 4;"
        f"print(api.retrieve({who!r}, {where!r}, out={str(tmp_path / 'r')!r}))"
    )
    command = [sys.executable, "-c", code]
    child = subprocess.Popen(command, env=environment(plugin), stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (asked.is_file() and len(asked.read_text().split()) > 8):
        assert time.monotonic() < deadline, "it never got to the third block"
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert not list((tmp_path / "r").rglob("rankings.jsonl")), "nothing half done is called done"
    before = asked.read_text().split()
    done = subprocess.run(command, env=environment(plugin), stdout=subprocess.PIPE, text=True)
    again = asked.read_text().split()[len(before) :]
    assert again == [f"{n:02d}.wav" for n in range(8, 20)]
    resumed = Path(done.stdout.strip())
    assert len(RunFolder(resumed).manifest("retrieval")["starts"]) == 2
    assert not (resumed / "partial").exists()
    assert lines(resumed) == lines(api.retrieve(who, where, out=tmp_path / "at-once"))


def test_a_finished_run_asks_its_retriever_nothing(plugin: Path, tmp_path: Path):
    captions = numbered(4)
    who, where = table(tmp_path, random_table(captions)), target(tmp_path / "t", captions)
    first = api.retrieve(who, where, out=tmp_path / "r")
    (tmp_path / "similar.json.asked").unlink()
    assert api.retrieve(who, where, out=tmp_path / "r") == first
    assert not (tmp_path / "similar.json.asked").exists()


def test_what_an_older_form_left_half_done_is_not_gone_on_with(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    captions = numbered(6)
    who, where = table(tmp_path, random_table(captions)), target(tmp_path / "t", captions)
    settings = retrieving.RetrievalSettings(retriever=who, target=where, out=tmp_path / "r")
    plan = retrieving.plan(settings)
    partial = plan.folder.path / retrieving.PARTIAL
    partial.mkdir(parents=True)
    done = {"items": np.zeros((3, 100), int), "scores": np.zeros((3, 100), "f4")}
    np.savez(partial / "texts.npz", done=np.array([4, 2, 100]), **done)
    retrieving.run(plan)
    asked = (tmp_path / "similar.json.asked").read_text().split()
    assert asked == sorted(captions)


def test_a_clip_that_cannot_be_heard_is_recorded_and_the_others_are_ranked(
    plugin: Path, tmp_path: Path
):
    captions = numbered(5, 1)
    who = table(tmp_path, random_table(captions), fails='"01.wav 03.wav"')
    where = target(tmp_path / "t", captions)
    folder = api.retrieve(who, where, out=tmp_path / "r")
    found = rankings.read(folder / "rankings.jsonl")
    assert dict(found.failed) == dict.fromkeys(["01.wav", "03.wav"], "ValueError: cannot be heard")
    assert list(found.places) == ["00.wav", "02.wav", "04.wav"]
    assert all("01.wav" not in line.get("found", ()) for line in lines(folder))
    result = api.score(folder)
    assert result["coverage"] == {"official": 5, "at_hand": 5, "ranked": 3, "failed": 2}
    assert not result["complete"]


def test_failed_clips_are_tried_again_when_asked(plugin: Path, tmp_path: Path):
    captions = numbered(3, 1)
    who = table(tmp_path, random_table(captions), fails='"01.wav"')
    where = target(tmp_path / "t", captions)
    api.retrieve(who, where, out=tmp_path / "r")
    asked = tmp_path / "similar.json.asked"
    asked.unlink()
    api.retrieve(who, where, out=tmp_path / "r", retry_failed=True)
    assert "01.wav" in asked.read_text()


def test_a_file_that_is_no_sound_is_a_clip_that_failed(plugin: Path, tmp_path: Path):
    captions = numbered(3, 1)
    where = target(tmp_path / "t", captions)
    (Path(where) / "01.wav").write_bytes(b"not a sound")
    folder = api.retrieve(table(tmp_path, random_table(captions)), where, out=tmp_path / "r")
    assert list(rankings.read(folder / "rankings.jsonl").failed) == ["01.wav"]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("shape", "gave an array of shape (3, 3) for 3 clips and 4 texts"),
        ("nan", "gave numbers that are not finite for 3 clips and 4 texts"),
        ("raises", "failed on all of the first 3 clips: ValueError: out of tune"),
    ],
)
def test_a_retriever_that_breaks_its_contract_is_named_and_nothing_is_ranked(
    plugin: Path, tmp_path: Path, how: str, told: str
):
    captions = {"a.wav": ["one", "two"], "b.wav": ["three"], "c.wav": ["four"]}
    with pytest.raises(PluginFault) as caught:
        api.retrieve(f"broken(how={how})", target(tmp_path / "t", captions), out=tmp_path / "r")
    assert "retriever 'broken" in caught.value.message
    assert told in caught.value.message
    assert not list((tmp_path / "r").rglob("rankings.jsonl"))


def test_a_retriever_that_never_looks_at_text_is_refused_by_name(plugin: Path, tmp_path: Path):
    with pytest.raises(BadOption, match="'deaf' compares no sound with text"):
        api.retrieve("deaf", target(tmp_path / "t", numbered(2)), out=tmp_path / "r")


def test_captions_that_say_nothing_are_no_queries(plugin: Path, tmp_path: Path):
    captions = {"a.wav": ["one", " "], "b.wav": ["two"], "c.wav": []}
    rows = {clip: {"one": 0.1, "two": 0.2} for clip in captions}
    where = target(tmp_path / "t", captions)
    folder = api.retrieve(table(tmp_path, rows), where, out=tmp_path / "r")
    assert [line["query"] for line in lines(folder) if "#" in line["query"]] == [
        "a.wav#0",
        "b.wav#0",
    ]

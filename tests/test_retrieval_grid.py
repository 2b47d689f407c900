"""The grid of retrievals: its claims on cells whose truth is known, and a small real one."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aacbench
from aacbench.audio import read
from aacbench.errors import BadOption
from aacbench.knowledge.entries import Entry

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
if not (BENCHMARKS / "retrieval_grid.py").is_file():
    pytest.skip("benchmarks/ is not beside the tests", allow_module_level=True)
sys.path.append(str(BENCHMARKS))
statistics: Any = importlib.import_module("retrieval_claims")
material: Any = importlib.import_module("retrieval_material")
cells: Any = importlib.import_module("retrieval_cells")

A, B, C = ("a",), ("b",), ("c",)
SEEDS, CLIPS = 5, 300


def planted(
    random: np.random.Generator, seed_spread: float = 0.02, **gains: float
) -> dict[tuple[str], np.ndarray]:
    """Cells on the same clips: a clip's difficulty, what a drawn base does to a cell, noise."""
    difficulty = random.normal(1.0, 0.5, CLIPS)
    return {
        (name,): difficulty
        + gain
        + random.normal(0, seed_spread, (SEEDS, 1))
        + random.normal(0, 0.3, (SEEDS, CLIPS))
        for name, gain in gains.items()
    }


def claim(sort: str, **weights: float) -> Any:
    return statistics.Claim("t", "test", {(name,): w for name, w in weights.items()}, sort)


def one(asked: Any, table: Any, resamples: int = 1000) -> Any:
    return statistics.adjusted(statistics.found([asked], table, resamples=resamples))[0]


def test_a_planted_difference_is_found_with_its_size() -> None:
    table = planted(np.random.default_rng(0), a=0.2, b=0.0)
    found = one(claim("above", a=1, b=-1), table)
    assert found.verdict == "holds"
    assert found.low < 0.2 < found.high
    assert found.estimate == pytest.approx(float((table[A] - table[B]).mean()))
    assert one(claim("below", a=1, b=-1), table).verdict == "reversed"


def test_where_there_is_none_it_is_seldom_found_even_if_bases_differ() -> None:
    asked, wrong, missed = claim("above", a=1, b=-1), 0, 0
    for number in range(300):
        table = planted(np.random.default_rng(number), seed_spread=0.05, a=0.0, b=0.0)
        found = one(asked, table, resamples=200)
        wrong += found.p < 0.05
        missed += not found.low < 0 < found.high
    assert wrong <= 0.08 * 300, "five seeds were taken for more than they tell"
    assert missed == wrong, "p and interval contradict each other"


def test_seeds_that_differ_widen_the_interval() -> None:
    widths = []
    for spread in (0.0, 0.2):
        table = planted(np.random.default_rng(1), seed_spread=spread, a=0.0, b=0.0)
        found = one(claim("above", a=1, b=-1), table)
        widths.append(found.high - found.low)
    assert widths[1] > 3 * widths[0]


def test_an_interaction_is_the_difference_of_differences() -> None:
    table = planted(np.random.default_rng(2), a=0.3, b=0.0, c=0.1, d=0.0)
    found = one(claim("above", a=1, b=-1, c=-1, d=1), table)
    assert found.verdict == "holds"
    assert found.low < 0.2 < found.high


@pytest.mark.parametrize(("gain", "verdict"), [(0.0, "holds"), (0.03, "not shown")])
def test_only_what_is_within_the_margin_is_called_equal(gain: float, verdict: str) -> None:
    random = np.random.default_rng(3)
    noise = random.normal(0, 0.05, (SEEDS, CLIPS))
    table = {A: 1.0 + gain + noise, B: np.ones((SEEDS, CLIPS))}
    assert one(claim("equal", a=1, b=-1), table).verdict == verdict


def test_too_few_clips_do_not_make_cells_equal() -> None:
    random = np.random.default_rng(4)
    table = {A: random.normal(1, 1, (SEEDS, 20)), B: random.normal(1, 1, (SEEDS, 20))}
    assert one(claim("equal", a=1, b=-1), table).verdict == "not shown"


def test_the_best_cell_must_beat_the_second_best() -> None:
    asked = claim("best", a=1, b=-1, c=-1)
    clear = planted(np.random.default_rng(5), a=0.3, b=0.1, c=0.0)
    found = one(asked, clear)
    assert found.verdict == "holds"
    assert "('b',)" in found.claim.text
    tied = planted(np.random.default_rng(6), a=0.3, b=0.3, c=0.0)
    assert one(asked, tied).verdict == "not shown"
    beaten = planted(np.random.default_rng(7), a=0.0, b=0.3, c=0.0)
    assert one(asked, beaten).p > 0.5


def test_the_same_captions_throughout_are_no_difference_and_equal() -> None:
    values = np.random.default_rng(8).normal(1, 1, (SEEDS, CLIPS))
    table = {A: values, B: values.copy()}
    assert one(claim("above", a=1, b=-1), table).p == 1
    assert one(claim("equal", a=1, b=-1), table).verdict == "holds"


def test_many_claims_share_one_error_rate() -> None:
    table = planted(np.random.default_rng(9), a=0.2, b=0.0)
    several = [claim("above", a=1, b=-1)] * 20
    findings = statistics.found(several, table, resamples=500)
    alone = findings[0].p
    assert statistics.adjusted(findings)[0].adjusted == pytest.approx(min(1.0, 20 * alone))


def test_cells_without_seeds_are_compared_with_every_seed() -> None:
    table = planted(np.random.default_rng(10), a=0.2)
    table[B] = table[A].mean(0, keepdims=True) - 0.2
    assert one(claim("above", a=1, b=-1), table).estimate == pytest.approx(0.2)


# --- bases that are drawn, and a small grid -------------------------------------------------------


def pairs(clips: int, name: str = "set/train") -> Any:
    random = np.random.default_rng(11)
    entries = [Entry(f"c{n}", name, f"caption {n} {m}", None) for n in range(clips) for m in (0, 1)]
    rows = random.normal(size=(2 * clips, 8))
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    return material.Pairs(tuple(entries), np.repeat(unit[::2], 2, axis=0), unit)


def test_a_draw_keeps_whole_clips_and_differs_by_seed() -> None:
    whole = pairs(20)
    one, two = (material.drawn(whole, 0.5, np.random.default_rng(seed)) for seed in (0, 1))
    assert len(one) == len(two) == 20
    assert len({entry.id for entry in one.entries}) == 10
    assert one.entries != two.entries


def test_mislabelled_clips_carry_another_ones_captions_and_keep_their_sound() -> None:
    whole = pairs(20)
    changed = material.mislabelled(whole, 0.5, np.random.default_rng(0))
    assert [entry.id for entry in changed.entries] == [entry.id for entry in whole.entries]
    assert np.array_equal(changed.audio, whole.audio)
    wrong = {e.id for e in changed.entries if e.caption.split()[1] != e.id[1:]}
    assert len(wrong) == 10
    said = {entry.caption: row for entry, row in zip(whole.entries, whole.text, strict=True)}
    for entry, row in zip(changed.entries, changed.text, strict=True):
        assert np.array_equal(row, said[entry.caption])


class Counted:
    """A captioner that can be shown examples, and counts how often it was asked of a clip."""

    def __init__(self, captioner: Any) -> None:
        self.captioner = captioner
        self.asked = 0

    def caption(self, clips: Any, examples: Any = None) -> Any:
        self.asked += len(clips)
        return self.captioner.caption(clips, examples)


def _given(base: Any) -> Any:
    return base


def test_a_grid_goes_on_where_it_stopped_with_the_same_cells(tmp_path: Path) -> None:
    workshop = material.RememberingWorkshop()
    target = "soundbox-events@validation(cache=false)"
    dataset = aacbench.load_dataset("soundbox-events(cache=false)")
    annotations = dataset.annotations("validation")
    clips = [replace(c, audio=read(c.audio)) for c in dataset.clips("validation")[:9]]
    encoder = workshop.build("encoders", "clap:mini")
    heard = encoder.embed_audio(clips)
    texts = [annotations[clip.id].references[0] for clip in clips]
    said = encoder.embed_text(texts)
    halves = (heard.astype(np.float16), said.astype(np.float16))
    entries = [
        Entry(c.id, "soundbox-events/validation", t, c.source_id)
        for c, t in zip(clips, texts, strict=True)
    ]
    base = material.Pairs(tuple(entries), *halves)
    bases = material.written({"base": base.at(np.arange(6)), "large": base}, tmp_path / "bases")
    references = tuple(said[[n]] for n in range(4))
    asked = material.Queries(tuple(clips[:4]), heard[:4], references)
    scorer = cells.Scorer(target, ["cider_d:simple"], workshop)
    captioner = workshop.build("captioners", "nac:mini@events")

    def grid(folder: Path, counted: Counted) -> Any:
        captioned = cells.Captioned(counted, folder / "captions")
        return cells.Grid(folder, captioned, asked, scorer, encoder, {"clips": 4})

    def filled(made: Any, names: Any) -> dict[str, Any]:
        return {
            f"{cell.name} {figure}": values.tolist()
            for cell, base in names
            for figure, values in made.result(cell, partial(_given, base)).items()
        }

    names = [
        (cells.Cell(way, refinement, size, 0, k=2), bases[refinement, size])
        for way in ("pair-to-pair", "audio-to-audio")
        for refinement, size in (("original", "base"), ("refined", "large"))
    ]
    whole = filled(grid(tmp_path / "whole", Counted(captioner)), names)
    begun = tmp_path / "begun"
    filled(grid(begun, Counted(captioner)), names[:2])
    (file,) = (begun / "captions").glob("*.jsonl")
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:-1]) + lines[-1][:20], encoding="utf-8")  # it broke off here
    again = Counted(captioner)
    assert filled(grid(begun, again), names) == whole
    assert 0 < again.asked <= 8, "finished captions were asked for again"
    done = Counted(captioner)
    assert filled(grid(begun, done), names) == whole
    assert done.asked == 0
    with pytest.raises(BadOption, match="another"):
        cells.refuse_others(begun, {"clips": 5})
    assert json.loads((begun / "decides.json").read_text(encoding="utf-8")) == {"clips": 4}

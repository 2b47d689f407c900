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
findings: Any = importlib.import_module("retrieval_findings")
sweep: Any = importlib.import_module("retrieval_sweep")

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


def test_what_is_there_is_found_about_as_often_as_it_should_be() -> None:
    asked, seen = claim("above", a=1, b=-1), 0
    for number in range(100):
        # 3.5 standard errors of the noise of single clips under single seeds, and no other noise
        gain = 3.5 * 0.3 * np.sqrt(2 / (SEEDS * CLIPS))
        table = planted(np.random.default_rng(number), seed_spread=0.0, a=gain, b=0.0)
        seen += one(asked, table, resamples=200).p < 0.05
    assert seen >= 75, "noise is counted more than once"


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
    assert found.claim.text.endswith("beat: b)")
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


# --- from folders of cells to claims --------------------------------------------------------------


def kept(folder: Path, seeds: int, gain: float, unfinished: bool = False) -> Path:
    """A folder of made-up cells in which pair-to-pair is better by `gain`, in any base."""
    cells.refuse_others(folder, {"captioner": "x", "target": "t", "clips": CLIPS})
    random = np.random.default_rng(12)
    difficulty = random.normal(1.0, 0.5, CLIPS)
    names = [cell for seed in range(seeds) for cell in findings.cells(seed)]
    for cell in [cells.Cell(cells.ZERO), *(names[:-1] if unfinished else names)]:
        values = difficulty + random.normal(0, 0.03, CLIPS) + gain * (cell.way == "pair-to-pair")
        given = dict.fromkeys([*findings.FIGURES, cells.AUDIO, cells.TEXT], values)
        np.savez(folder / f"{cell.name}.npz", captions=np.array(["a"]), **given)
    return folder


def test_the_papers_claims_hold_where_they_were_planted_and_only_there(tmp_path: Path) -> None:
    found = findings.findings([kept(tmp_path, SEEDS, 0.2)], [], "cider_d:simple")
    verdicts: dict[str, set[str]] = {}
    for one in found:
        verdicts.setdefault(f"{one.claim.group} {one.claim.sort}", set()).add(one.verdict)
    assert verdicts["a above"] == verdicts["f above"] == {"holds"}
    assert verdicts["a equal"] == verdicts["e above"] == verdicts["c above"] == {"not shown"}
    assert verdicts["b equal"] == {"holds"}
    assert verdicts["d best"] == {"not shown"}, "six cells share the first place"


def test_a_seed_that_is_not_finished_is_left_out(tmp_path: Path) -> None:
    table = findings.tables(kept(tmp_path, 3, 0.0, unfinished=True))["event_f1"]
    assert {len(values) for name, values in table.items() if name != (cells.ZERO,)} == {2}


def test_curriculum_is_compared_on_the_same_target_alone(tmp_path: Path) -> None:
    ours, control = kept(tmp_path / "a", 2, 0.2), kept(tmp_path / "b", 2, 0.0)
    found = findings.findings([ours], [control], "cider_d:simple")
    by_claim = {one.claim.text: one.estimate for one in found if one.claim.group == "g"}
    assert by_claim["with curriculum - without, pair-to-pair, base"] == pytest.approx(0.2, abs=0.02)
    assert by_claim["with curriculum - without, zero-shot"] == pytest.approx(0.0, abs=0.02)
    (control / "decides.json").write_text('{"target": "other"}', encoding="utf-8")
    found = findings.findings([ours], [control], "cider_d:simple")
    assert not [one for one in found if one.claim.group == "g"]


def test_claims_that_were_written_down_are_adjusted_together(tmp_path: Path) -> None:
    found = findings.findings([kept(tmp_path, 2, 0.05)], [], "event_f1")
    lines = [json.loads(json.dumps(one.line())) for one in found]
    read = [statistics.Finding.read(line) for line in lines]
    assert [one.p for one in read] == [one.p for one in found]
    twice = statistics.adjusted([*read, *read])
    assert twice[0].adjusted == pytest.approx(min(1.0, 2 * found[0].adjusted), rel=0.1)


def test_a_gain_that_grows_with_examples_is_found_out_of_domain_only() -> None:
    random = np.random.default_rng(13)
    inside = {k: random.normal(1, 0.2, (1, CLIPS)) for k in range(11)}
    outside = {k: random.normal(1 + 0.05 * k, 0.2, (1, CLIPS)) for k in range(11)}
    found = sweep.of_examples(inside, outside)
    by_claim = {one.claim.text: one for one in statistics.adjusted(found)}
    assert by_claim["slope over k, out of domain"].estimate == pytest.approx(0.05, abs=0.005)
    assert by_claim["slope over k, out of domain"].verdict == "holds"
    assert by_claim["slope over k, in domain"].verdict == "not shown"
    assert by_claim["slope over k, out of domain - in domain"].verdict == "holds"


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

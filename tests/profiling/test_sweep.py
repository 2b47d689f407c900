"""Sweeps: the right option gets the value, and the table has the shape of the paper's."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tone_folder import timed_captioners, tones

import aacbench
from aacbench import catalog
from aacbench.errors import BadOption, MissingRequirement
from aacbench.profiling import Sweep, plotting, sweep
from aacbench.profiling.options import read_sweep, with_value

GUIDED = "nac:mini@events+guide"


@pytest.fixture(scope="module")
def swept() -> Sweep:
    return sweep(
        "nac:mini@events(max_tokens=8)+guide:mini(candidates=2, lookahead=4)",
        "guide.n_steps",
        [0, 1, 4],
        metrics=["cider_d:simple"],
        clips=3,
        samples=11,
        warm_up=3,
    )


# --- which option ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "key", "value", "expected", "said"),
    [
        (GUIDED, "guide.steps", 0, "nac:mini@events+guide:mini(steps=0)", "guide.steps"),
        (GUIDED, "guide.n_steps", 5, "nac:mini@events+guide:mini(steps=5)", "guide.steps"),
        (GUIDED, "beams", 2, "nac:mini@events(beams=2)+guide:mini", "beams"),
        (GUIDED, "nac.beams", 2, "nac:mini@events(beams=2)+guide:mini", "beams"),
        (
            "nac:mini@events(max_tokens=9)",
            "length_penalty",
            0.5,
            "nac:mini@events(length_penalty=0.5, max_tokens=9)",
            "length_penalty",
        ),
    ],
)
def test_a_key_names_an_option(expression: str, key: str, value: object, expected: str, said: str):
    changed, understood = with_value(expression, key, value)
    assert catalog.choose("captioners", changed).expression == expected
    assert understood == said


def test_an_option_of_a_part_changes_the_part():
    changed, said = with_value("nac:mini@events", "encoder.weights", "my.safetensors")
    encoder = catalog.choose("captioners", changed).options.encoder
    assert catalog.choose("encoders", encoder).options.weights == Path("my.safetensors")
    assert said == "encoder.weights"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("guide.stepz", r"(?s)'guide' has no option 'stepz'.*Did you mean steps"),
        ("beamz", r"(?s)'nac' has no option 'beamz'.*Did you mean beams"),
        ("guida.steps", r"(?s)no guide or part 'guida'.*Did you mean guide"),
        ("encoder.nothing", r"has no option 'nothing'"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_with_the_nearest(key: str, said: str):
    with pytest.raises(BadOption) as error:
        with_value(GUIDED, key, 1)
    assert error.match(said)


def test_a_value_that_the_option_cannot_take_is_refused_before_anything_is_loaded():
    with pytest.raises(BadOption, match="steps"):
        sweep(GUIDED, "guide.steps", [0, -1])


def test_a_sweep_is_read_as_key_and_values():
    assert read_sweep("guide.steps=0,1,3") == ("guide.steps", [0, 1, 3])
    assert read_sweep("guide.loss=target,expectation") == ("guide.loss", ["target", "expectation"])
    for wrong in ("guide.steps", "=1,2", "beams=1,,2", "beams=1,1", "beams="):
        with pytest.raises(BadOption):
            read_sweep(wrong)


# --- what it costs --------------------------------------------------------------------------------


def test_more_steps_cost_more(swept: Sweep):
    assert swept.key == "guide.steps"
    assert [row.value for row in swept.rows] == [0, 1, 4]
    none, one, four = swept.rows
    assert none.ratio["ratio"] == 1
    assert one.ratio["low"] > 1
    assert four.latency["p50_ms"] > none.latency["p50_ms"]
    assert (four.flops or 0) > (none.flops or 0) > 0
    assert all(0 <= row.quality["cider_d:simple"]["estimate"] <= 10 for row in swept.rows)


def test_no_steps_say_what_the_captioner_alone_says():
    clips = aacbench.load_dataset("soundbox-events").clips("test")[:4]
    still = aacbench.load_captioner("nac:mini@events+guide(steps=0)")
    alone = aacbench.load_captioner("nac:mini@events(beams=1)")
    theirs = [caption.text for caption in alone.caption(clips)]
    assert [caption.text for caption in still.caption(clips)] == theirs


# --- its plot -------------------------------------------------------------------------------------


def test_the_plot_has_a_panel_a_figure_and_a_mark_a_value(swept: Sweep, tmp_path: Path):
    pytest.importorskip("vl_convert")
    path = plotting.draw(swept, tmp_path / "deeper" / "sweep.svg")
    root = ElementTree.fromstring(path.read_text())
    texts = {"".join(node.itertext()) for node in root.iter() if node.tag.endswith("text")}
    assert {"latency p50 (ms)", "GFLOPs a clip", "cider_d:simple", "guide.steps"} <= texts
    assert {"0", "1", "4"} <= texts
    assert plotting.draw(swept, tmp_path / "again.svg").read_bytes() == path.read_bytes()


def test_without_the_package_that_draws_there_is_a_table(
    swept: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(plotting, "find_spec", lambda name: None)
    with pytest.raises(MissingRequirement, match=r"aacbench\[site\]"):
        plotting.draw(swept, tmp_path / "sweep.svg")
    path = plotting.write_table(swept, tmp_path / "sweep.csv")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["guide.steps"] for row in rows] == ["0", "1", "4"]
    assert float(rows[0]["p50_ms"]) == swept.rows[0].latency["p50_ms"]


def test_an_option_of_a_captioner_in_a_file_is_swept_in_its_known_order(tmp_path: Path):
    captioner = f"{timed_captioners(tmp_path)}:Sleeper"
    target = str(tones(tmp_path / "tones", 3))
    found = sweep(captioner, "factor", [0.05, 0.2], target, clips=3, samples=12, warm_up=1)
    assert found.rows[1].ratio["ratio"] == pytest.approx(4, rel=0.3)
    assert "flops" in found.absent

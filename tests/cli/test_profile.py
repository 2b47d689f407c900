"""`aacbench profile`: a table for people, JSON for machines, and errors that say what to type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tone_folder import timed_captioners, tones

MAIN = [sys.executable, "-c", "from aacbench.cli import main; main()"]
FEW = ("--clips", 3, "--samples", 12, "--warm-up", 1, "--batch-sizes", "1,2")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    tones(tmp_path / "tones", 3)
    timed_captioners(tmp_path)
    return tmp_path


def profile(place: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAIN, "profile", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=place,
        env={**os.environ},
        check=False,
        timeout=120,
    )


def test_a_person_gets_the_verdict_the_percentiles_and_what_is_missing(place: Path):
    done = profile(place, "timed.py:Sleeper", "-t", "tones", *FEW, "--out", "figures.json")
    assert done.returncode == 0, done.stderr
    assert "VALID" in done.stdout
    for part in ("p50", "encode", "generate", "real-time factor", "batches of 2", "peak memory"):
        assert part in done.stdout
    assert "p90 wants 64 samples; there are 12, 52 more are needed" in done.stdout
    written = json.loads((place / "figures.json").read_text())
    assert written["latency"]["n"] == 12
    assert written["settings"]["target"].endswith("@all")


def test_a_machine_gets_json_alone(place: Path):
    done = profile(place, "timed.py:Sleeper", "-t", "tones", *FEW, "--json")
    found = json.loads(done.stdout)
    assert found["schema"] == 1
    assert found["valid"] is (found["reasons"] == [])
    assert done.stderr == ""


def test_a_sweep_prints_a_row_a_value_and_draws_its_plot(place: Path):
    pytest.importorskip("vl_convert")
    asked = ("--sweep", "factor=0.01,0.05", "--plot", "plot.svg", "--out", "sweep.json")
    done = profile(place, "timed.py:Sleeper", "-t", "tones", *FEW[:6], *asked)
    assert done.returncode == 0, done.stderr
    assert "factor" in done.stdout
    assert "times 0.01" in done.stdout
    assert "\n0.05 " in done.stdout
    assert (place / "plot.svg").read_text().startswith("<svg")
    rows = json.loads((place / "sweep.json").read_text())["rows"]
    assert [row["value"] for row in rows] == [0.01, 0.05]


def test_into_a_run_takes_the_target_of_the_run(place: Path):
    done = subprocess.run(
        [*MAIN, "run", "-c", "timed.py:Sleeper(factor=0.01)", "-t", "tones", "--no-score"],
        capture_output=True,
        text=True,
        cwd=place,
        check=False,
        timeout=120,
    )
    run = done.stdout.strip()
    done = profile(place, "timed.py:Sleeper(factor=0.01)", "--into", run, *FEW)
    assert done.returncode == 0, done.stderr
    assert json.loads((place / run / "profile.json").read_text())["latency"]["n"] == 12
    done = profile(place, "timed.py:Sleeper(factor=0.02)", "--into", run, *FEW)
    assert done.returncode == 2
    assert "differs in captioner" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nak"], "There is no captioner 'nak'"),
        (["nac:mini@events+guide", "--sweep", "guide.stepz=1,2"], "Did you mean steps"),
        (["nac:mini@events", "--sweep", "beams"], "no option with values"),
        (["nac:mini@events", "--score", "spider"], "--score belongs to a sweep"),
        (["nac:mini@events", "--plot", "a.svg"], "--plot belongs to a sweep"),
        (["nac:mini@events", "--sweep", "beams=1,2", "--into", "run"], "Leave out --into"),
        (["nac:mini@events", "--batch-sizes", "1,x"], "is no list of numbers"),
        (["nac:mini@events", "--samples", "0"], "is too few"),
        (["timed.py:Broken", "-t", "tones"], "ValueError: out of tune"),
    ],
)
def test_mistakes_are_answered_with_what_to_type(place: Path, arguments: list[str], said: str):
    done = profile(place, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr

"""`aacbench report`, as it is typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

MAIN = [sys.executable, "-c", "from aacbench.cli import main; main()"]
CAPTIONER = """
from aacbench import Caption


class Mute:
    def caption(self, clips):
        return [Caption("nothing to hear") for clip in clips]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unscored run of three sounds."""
    home = tmp_path_factory.mktemp("home")
    (home / "sounds").mkdir()
    for number in range(3):
        noise = np.random.default_rng(number).normal(0, 0.1, 16_000)
        soundfile.write(home / "sounds" / f"{number}.wav", noise, 16_000)
    (home / "mute.py").write_text(CAPTIONER)
    done = aacbench(
        "run", "-c", f"{home}/mute.py:Mute", "-t", home / "sounds", "--out", home, "--no-score"
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def aacbench(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAIN, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ,
        check=False,
        timeout=120,
    )


def test_it_says_where_the_page_is_and_what_it_weighs(run: Path, tmp_path: Path):
    done = aacbench("report", run, "--out", tmp_path / "page")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "folder:sounds@all: 1 system, 3 clips, 3 of them with sound"
    assert " kB in 12 files (page " in lines[1]
    assert lines[-1] == str(tmp_path / "page" / "index.html")
    assert Path(lines[-1]).is_file()
    assert f"Type: aacbench score '{run}'" in done.stderr


def test_json_has_the_bytes(run: Path, tmp_path: Path):
    done = aacbench("report", run, "--out", tmp_path / "page", "--clips", "1", "--json")
    told = json.loads(done.stdout)
    assert told["clips"] == 3
    assert told["sounds"] == 1
    files = [path for path in (tmp_path / "page").rglob("*") if path.is_file()]
    assert told["bytes"]["all"] == sum(path.stat().st_size for path in files)
    assert told["files"] == len(files)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--clips", "many"], "--clips many is no number"),
        (["--sort", "random"], "There is no order 'random'"),
        (["--figure", "spider"], "No clip has the figure 'spider'"),
    ],
)
def test_a_mistake_is_a_sentence(run: Path, tmp_path: Path, arguments: list[str], words: str):
    done = aacbench("report", run, "--out", tmp_path / "page", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "page").exists()

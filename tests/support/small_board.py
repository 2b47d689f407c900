"""A target of twelve tones, a captioner run on it for real, and a leaderboard to add the run to.

The working tree that tests run in has changes of its own, which no row may have: the runs here are
given a clean commit by editing their files, and nothing else about them is edited.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aacbench
from aacbench import api
from aacbench.leaderboard import sealing
from aacbench.leaderboard.results import Result, read_result, read_results
from aacbench.plugins import registry
from aacbench.specs import DatasetSpec
from aacbench.types import Annotation, Audio, Clip

RATE = 8000
THINGS = ("a dog barks", "rain falls on a roof", "a bell rings twice", "people talk in a hall")
PLACES = ("outside", "while birds sing", "and an engine idles", "in the distance", "and it stops")
METRICS = ("bleu", "rouge_l", "cider_d", "length", "vocabulary", "aud:mini")
SPEC = DatasetSpec(
    name="small-tones",
    summary="twelve tones, for tests",
    splits=("train", "test"),
    default_split="test",
    train_split="train",
)


class Tones:
    """Pure tones; the training split says other things of other recordings."""

    def clips(self, split: str) -> Sequence[Clip]:
        times = np.arange(RATE // 10) / RATE
        return [
            Clip(name, Audio(np.sin(6.28 * (200 + 50 * at) * times).astype(np.float32), RATE))
            for at, name in enumerate(self.annotations(split))
        ]

    def annotations(self, split: str) -> Mapping[str, Annotation]:
        shift = 0 if split == "test" else 3
        return {
            f"{split}-{at:02d}.wav": Annotation(
                (
                    f"{THINGS[at % 4]} {PLACES[(at + shift) % 5]}",
                    f"{THINGS[(at + shift) % 4]} {PLACES[at % 5]}",
                )
            )
            for at in range(12)
        }


@dataclass
class Board:
    """`runs` holds finished runs by captioner, `folder` is an empty leaderboard."""

    runs: Mapping[str, Path]
    folder: Path

    def row(self) -> Result:
        """The only row."""
        (row,) = read_results(self.folder)
        return row

    def edit(self, name: str, before: str, after: str, *, reseal: bool = True) -> None:
        """Change a file of the only row, once; `reseal` as a forger would."""
        row = self.row()
        path = row.path / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) >= 1
        path.write_text(text.replace(before, after, 1), encoding="utf-8")
        if reseal:
            self.reseal()

    def reseal(self) -> None:
        """Write the seal that the files as they are would have."""
        folder = self.row().path
        texts = {p.name: p.read_text() for p in folder.iterdir() if p.name != "seal.json"}
        row = read_result(folder, self.folder)
        sealed = sealing.seal(row.kind, texts, row.seal["said"], row.seal["left_out"])
        (folder / "seal.json").write_text(sealing.as_json(sealed))


def edit_json(path: Path, *keys: str | int, value: Any) -> None:
    """Set one value deep in a JSON file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def clean_commit(run: Path) -> None:
    """As if the run and its scores came from the commit that is checked out."""
    commit = {"id": head(), "dirty": False}
    edit_json(run / "manifest.json", "starts", 0, "commit", value=commit)
    edit_json(run / "result.json", "scored_with", "commit", value=commit)


def head() -> str:
    """The commit that is checked out; any where these files are not in a repository."""
    folder = Path(aacbench.__file__).parent
    done = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True
    )
    return done.stdout.strip() or "0" * 40


@pytest.fixture(scope="module")
def finished_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Path]]:
    registry().add("tests", "datasets", SPEC, lambda choice, context: Tones())
    out = tmp_path_factory.mktemp("runs")
    runs = {}
    for captioner in ("random@small-tones", "random@soundbox-events"):
        runs[captioner] = api.run(captioner, "small-tones", out=out)
        api.score(runs[captioner], METRICS)
        clean_commit(runs[captioner])
    yield runs
    del registry().parts["datasets"][SPEC.name]


@pytest.fixture
def board(finished_runs: Mapping[str, Path], tmp_path: Path) -> Board:
    copies = {
        name: Path(shutil.copytree(run, tmp_path / "runs" / str(at) / run.name))
        for at, (name, run) in enumerate(finished_runs.items())
    }
    return Board(copies, tmp_path / "leaderboard")

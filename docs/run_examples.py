"""Runs the examples in README.md and docs/, so that none of them can go stale.

A fenced block of the language ``console`` is a set of commands: each line that starts with ``$``
must end with 0, and, where lines follow it, its output must hold each of them. Blocks marked
``console network`` need what a machine without network does not have; they are checked to parse.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(r"^```console(?P<mark>[^\n]*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)


def examples(mark: str) -> Iterator[object]:
    """Every marked block as (command, expected lines) pairs, named by page and line."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            if block["mark"].strip() == mark:
                line = text[: block.start()].count("\n") + 1
                name = str(page.relative_to(ROOT))
                # A page's examples stand on each other. Pages may run side by side, but for those
                # that build a knowledge base: they build the same one, in the user's own folder.
                group = pytest.mark.xdist_group("kb" if "aacbench kb build" in text else name)
                yield pytest.param(_commands(block["body"]), id=f"{name}:{line}", marks=group)


def _commands(body: str) -> list[tuple[str, list[str]]]:
    commands: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif line.strip():
            commands[-1][1].append(line.strip())
    return commands


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to run in, with a sound, a folder of sounds, a captioner of one's own, and this
    repository's leaderboard."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "leaderboard").symlink_to(ROOT / "leaderboard", target_is_directory=True)
    subprocess.run(
        [sys.executable, str(ROOT / "docs" / "example_files.py"), str(folder)], check=True
    )
    return folder


@pytest.mark.parametrize("commands", list(examples("")))
def test_example_runs_as_printed(commands: list[tuple[str, list[str]]], place: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command, expected in commands:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=place,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        for line in expected:
            assert line in done.stdout, f"{command} did not print {line!r}:\n{done.stdout}"


@pytest.mark.parametrize("commands", list(examples("network")))
def test_example_that_needs_network_names_real_verbs_and_options(
    commands: list[tuple[str, list[str]]],
) -> None:
    for command, _ in commands:
        words = shlex.split(command)
        if words[0] != "aacbench":
            continue
        verbs = [word for word in words[1:3] if re.fullmatch(r"[a-z]+", word)]
        verbs = verbs[: 2 if verbs[:1] == ["data"] else 1]
        shown = _told([*verbs, "--help"])
        if verbs == ["train"]:  # a trainer's own options are listed apart
            shown += _told(["train", words[2], "--options"])
        for option in (word for word in words if word.startswith("--")):
            assert option.partition("=")[0] in shown, f"{command}: {option}"


def _told(words: list[str]) -> str:
    """What the command line prints, which must go well."""
    done = subprocess.run(
        [sys.executable, "-m", "aacbench", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stderr}"
    return done.stdout

"""`aacbench leaderboard build`, `check` and `show` as they are typed, and the workflows that do."""

from __future__ import annotations

import csv
import json
import re
import shlex
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from board_rows import REPOSITORY, per_clip, put_row
from click.testing import Result
from small_board import Board
from typer.main import get_command
from typer.testing import CliRunner

from aacbench.cli.app import app as every_verb
from aacbench.cli.leaderboard import app
from aacbench.errors import BadOption, UnknownName
from aacbench.leaderboard.adding import add_run

HOME = "random@small-tones"
BOARD = "soundbox-events.test.in"
WORKFLOWS = REPOSITORY / ".github" / "workflows"


def typed(*arguments: object) -> Result:
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """A leaderboard of two rows, one of them significantly better."""
    for at, name in enumerate(("worse", "better")):
        figures = {"spider": per_clip(at, 0.3 + 0.2 * at), "bleu_4": per_clip(at, 0.2)}
        put_row(tmp_path, name, figures)
    return tmp_path


# --- build and check ------------------------------------------------------------------------------


def test_what_build_wrote_passes_check(board: Board) -> None:
    add_run(board.runs[HOME], board.folder)
    built = typed("build", "--folder", board.folder)
    assert built.exit_code == 0
    assert (board.folder / "site" / "index.html").is_file()
    done = typed("check", "--folder", board.folder)
    assert (done.exit_code, "as build writes it" in done.output) == (0, True)


def test_check_names_a_stale_file_and_what_to_type(board: Board) -> None:
    add_run(board.runs[HOME], board.folder)
    typed("build", "--folder", board.folder)
    page = board.folder / "README.md"
    page.write_text(page.read_text() + "By hand.\n")
    done = typed("check", "--folder", board.folder)
    assert done.exit_code == 1
    assert "README.md: stale" in done.output
    assert "Type: aacbench leaderboard build" in done.output
    as_json = typed("check", "--folder", board.folder, "--json")
    assert json.loads(as_json.stdout) == [{"file": "README.md", "what": "stale"}]


def test_check_refuses_a_forged_score_though_its_seal_and_pages_are_fresh(board: Board) -> None:
    """Whoever edits a figure may seal the row and build the pages anew: the captions tell."""
    add_run(board.runs[HOME], board.folder)
    estimate = board.row().result["figures"]["bleu_1"]["estimate"]
    board.edit("result.json", f'"estimate": {estimate}', f'"estimate": {estimate + 0.2}')
    typed("build", "--folder", board.folder)
    done = typed("check", "--folder", board.folder)
    assert done.exit_code == 1
    assert board.row().folder in done.output
    assert "bleu_1" in done.output


def test_build_says_in_json_what_it_wrote(shown: Path) -> None:
    written = json.loads(typed("build", "--folder", shown, "--json").stdout)
    assert f"tables/{BOARD}.md" in written
    assert all((shown / name).is_file() for name in written)


# --- show -----------------------------------------------------------------------------------------


def test_boards_are_listed_with_how_many_rows_are_ranked(shown: Path) -> None:
    (line,) = [one for one in typed("show", "--folder", shown).stdout.split("\n") if BOARD in one]
    assert line.split()[-2:] == ["2", "2"]


def test_a_board_is_shown_best_first_with_a_star(shown: Path) -> None:
    lines = typed("show", BOARD, "--folder", shown).stdout.split("\n")
    better, worse = (
        next(n for n, line in enumerate(lines) if name in line) for name in (" better ", " worse ")
    )
    assert better < worse
    assert "]*" in lines[better]
    assert "BLEU-4" not in lines[1]


@pytest.mark.parametrize(
    ("form", "sign"), [("markdown", "| rank by SPIDEr |"), ("latex", "\\toprule"), ("csv", '"id"')]
)
def test_a_board_is_shown_in_the_form_asked_for(shown: Path, form: str, sign: str) -> None:
    assert sign in typed("show", BOARD, "--format", form, "--folder", shown).stdout


@pytest.mark.parametrize("how", [["--json"], ["--format", "json"]])
def test_json_holds_the_board_with_its_rows(shown: Path, how: list[str]) -> None:
    content = json.loads(typed("show", BOARD, "--folder", shown, *how).stdout)
    assert set(content["board"]["rows"]) == set(content["rows"])


def test_columns_are_those_asked_for(shown: Path) -> None:
    done = typed("show", BOARD, "-f", "csv", "--columns", "bleu_4", "--folder", shown)
    (first, _) = csv.DictReader(StringIO(done.stdout))
    assert "bleu_4" in first
    assert "spider" not in first
    with pytest.raises(BadOption, match="bleu_4"):
        typed("show", BOARD, "--columns", "bleu4", "--folder", shown)


def test_an_unknown_board_is_answered_with_the_nearest(shown: Path) -> None:
    with pytest.raises(UnknownName, match=re.escape(BOARD)):
        typed("show", "soundbox-events.in", "--folder", shown)


# --- workflows ------------------------------------------------------------------------------------


def workflow(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    return found


def steps(content: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in content["jobs"].values() for step in job["steps"]]


def lines(content: dict[Any, Any]) -> list[str]:
    return [line for step in steps(content) for line in step.get("run", "").split("\n") if line]


@pytest.mark.parametrize("name", ["ci.yml", "leaderboard.yml"])
def test_workflows_use_official_actions_of_a_version_and_ask_for_little(name: str) -> None:
    content = workflow(name)
    used = [step["uses"] for step in steps(content) if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"actions/(checkout|setup-python)@(v\d+(\.\d+)*|[0-9a-f]{40})", action)
    assert set(content["permissions"]) == {"contents"}
    assert content["permissions"]["contents"] == ("read" if name == "ci.yml" else "write")
    assert content["concurrency"]


@pytest.mark.parametrize("name", ["ci.yml", "leaderboard.yml"])
def test_what_workflows_call_is_there(name: str) -> None:
    """Verbs with their options, targets of make, and files."""
    called = lines(workflow(name))
    verbs = [shlex.split(line)[1:] for line in called if "bin/aacbench" in line]
    for words in verbs:
        command: Any = get_command(every_verb)
        while words and not words[0].startswith("-") and hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {option for one in command.params for option in one.opts}
        assert {word for word in words if word.startswith("-")} <= known
    rules = (REPOSITORY / "Makefile").read_text(encoding="utf-8").replace("$(VENV)", ".venv")
    for line in called:
        if line.startswith("make "):
            assert f"\n{line.split()[1]}:" in rules
        if line.startswith(".ci/"):
            assert (REPOSITORY / line).stat().st_mode & 0o100


def test_the_leaderboard_is_kept_fresh_on_a_schedule_on_new_rows_and_by_hand() -> None:
    content = workflow("leaderboard.yml")
    when = content[True]  # YAML takes the word "on" for a truth
    assert when["schedule"]
    assert "workflow_dispatch" in when
    assert set(when["push"]["paths"]) == {"leaderboard/results/**", "leaderboard/published/**"}
    order = [line.split("leaderboard ")[1] for line in lines(content) if "aacbench lead" in line]
    assert order[:2] == ["rescore", "build"]


def test_every_change_runs_what_a_change_must_pass() -> None:
    content = workflow("ci.yml")
    assert {"push", "pull_request"} <= set(content[True])
    assert ".ci/run" in lines(content)
    assert "leaderboard check" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")

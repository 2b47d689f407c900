"""`aacbench leaderboard audit`, as it is typed: sentences by paper, counts, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from printed_papers import table, write
from typer.testing import CliRunner

from aacbench.cli.leaderboard_audit import audit

REPOSITORY = Path(__file__).resolve().parents[2]
WRONG = table("cider_d spice spider", ["Ours", "0.464 0.179 0.355"], ["S", "0.436 0.150 0.293"])


def _typed(*words: str) -> Result:
    app = typer.Typer()
    app.command()(audit)
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "published", {"3": WRONG})
    write(tmp_path / "published", {"1": table("spice", ["S", "0.1"])}, paper="two")
    return tmp_path


def test_findings_are_sentences_under_paper_and_table_and_no_failure(folder: Path) -> None:
    result = _typed("--folder", str(folder))
    assert result.exit_code == 0
    assert "one: On sounds\n  table 3\n    contradiction: Ours prints SPIDEr 0.355" in result.output
    assert "[spider-is-the-mean]" in result.output
    assert "3 of 3 rows were checked, 2 of them agree with everything; 1 findings" in result.output


def test_strict_fails_on_a_contradiction_alone(folder: Path) -> None:
    assert _typed("--folder", str(folder), "--strict").exit_code == 1
    assert _typed("--folder", str(folder), "--strict", "--paper", "two").exit_code == 0
    assert _typed("--folder", str(folder), "--strict", "--rule", "in-range").exit_code == 0


def test_json_holds_findings_and_counts(folder: Path) -> None:
    result = json.loads(_typed("--folder", str(folder), "--json").output)
    (finding,) = result["findings"]
    assert (finding["severity"], finding["rows"]) == ("contradiction", ["one.3.1"])
    assert result["rules"]["spider-is-the-mean"] == {"checked": 2, "agrees": 1, "findings": 1}
    assert result["rows"] == {"rows": 3, "checked": 3, "agree": 2}


def test_the_repository_is_audited_as_it_stands() -> None:
    result = _typed("--folder", str(REPOSITORY / "leaderboard"), "--paper", "blap")
    assert result.exit_code == 0
    assert "blap: " in result.output
    assert "SPIDEr 8.8" in result.output

"""`build` is a pure function of its folder, and `compare` sees every byte that is not its."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from board_rows import per_clip, publish, put_row

from aacbench.errors import BadData
from aacbench.leaderboard import building


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A leaderboard of three rows and a paper, built."""
    folder = tmp_path_factory.mktemp("boards") / "leaderboard"
    for at in range(3):
        figures = {"spider": per_clip(at, 0.3 + 0.1 * at), "bleu_4": per_clip(at, 0.2)}
        put_row(folder, f"system-{at}", figures, measured=at > 0)
    publish(folder, "blap")
    building.build(folder)
    return folder


@pytest.fixture
def board(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "leaderboard"))


def generated(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).as_posix().startswith(building.GENERATED)
    }


def test_what_is_built_is_named_and_nothing_else_is_written(board: Path) -> None:
    before = {path for path in board.rglob("*") if path.is_file()}
    written = building.build(board)
    assert {path.relative_to(board).as_posix() for path in written} == set(generated(board))
    assert {path for path in board.rglob("*") if path.is_file()} == before
    for name in ("README.md", "tables/boards.json", "site/index.html"):
        assert board / name in written
    for form in ("md", "tex", "csv", "json"):
        assert board / "tables" / f"soundbox-events.test.in.{form}" in written


def test_two_builds_give_the_same_bytes_in_any_place_order_and_process(
    filled: Path, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    for path in sorted(filled.rglob("*"), reverse=True):  # files come into being in another order
        name = path.relative_to(filled)
        if path.is_file() and name.parts[0] in ("results", "published"):
            (other / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, other / name)
            os.utime(other / name, (0, 0))
    program = "import sys; from pathlib import Path; from aacbench.leaderboard import building\n"
    subprocess.run(
        [sys.executable, "-c", program + "building.build(Path(sys.argv[1]))", str(other)],
        env={**os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        check=True,
    )
    assert generated(other) == generated(filled)


def test_nothing_generated_names_this_machine(board: Path) -> None:
    for name, content in generated(board).items():
        if not name.startswith(building.VENDOR):
            assert str(board).encode() not in content, name
            assert str(Path.home()).encode() + b"/" not in content, name


def test_a_fresh_folder_has_nothing_to_mend(board: Path) -> None:
    assert building.compare(board) == []


@pytest.mark.parametrize(
    "name",
    ["README.md", "tables/boards.json", "tables/soundbox-events.test.in.csv", "site/index.html"],
)
def test_one_changed_byte_is_told_by_the_files_name(board: Path, name: str) -> None:
    path = board / name
    path.write_bytes(path.read_bytes() + b" ")
    assert [(one.file, one.what) for one in building.compare(board)] == [(name, "stale")]


def test_missing_and_extra_files_are_told_by_name(board: Path) -> None:
    (board / "tables" / "boards.json").unlink()
    (board / "tables" / "gone.test.in.md").write_text("a board that is no more")
    found = {one.file: one.what.partition(",")[0] for one in building.compare(board)}
    assert found == {"tables/boards.json": "missing", "tables/gone.test.in.md": "extra"}


def test_a_new_row_makes_the_page_stale_and_a_build_mends_it(board: Path) -> None:
    put_row(board, "newcomer", {"spider": per_clip(9, 0.9)})
    assert "README.md" in {one.file for one in building.compare(board)}
    building.build(board)
    assert building.compare(board) == []


def test_what_nothing_generates_any_more_goes(board: Path) -> None:
    stray = board / "tables" / "old" / "gone.md"
    stray.parent.mkdir()
    stray.write_text("a board that is no more")
    (board / "site" / "data.js.partial").write_text("half a file of a build that was killed")
    building.build(board)
    assert not stray.parent.exists()
    assert building.compare(board) == []


def test_a_clean_clone_may_lack_others_programs_and_not_have_others(board: Path) -> None:
    bundle = board / building.VENDOR / "vega.js"
    if not bundle.is_file():
        pytest.skip("vl-convert-python is not installed")
    bundle.write_text("something else")
    assert [one.file for one in building.compare(board)] == ["site/vendor/vega.js"]
    bundle.unlink()
    assert building.compare(board) == []


def test_a_build_without_the_plots_package_keeps_their_program_and_all_else_the_same(
    board: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = board / building.VENDOR / "vega.js"
    bundle.parent.mkdir(exist_ok=True)
    bundle.write_text("from a machine that has the package")
    monkeypatch.setattr("aacbench.pages.vega", lambda: None)
    assert building.compare(board) == []
    building.build(board)
    assert bundle.is_file()


def test_an_unchanged_file_is_not_written_again(board: Path) -> None:
    page = board / "README.md"
    os.utime(page, (0, 0))
    building.build(board)
    assert page.stat().st_mtime == 0


def test_an_edited_score_stops_the_build_by_name(board: Path) -> None:
    (row,) = (board / "results").glob("*/system-2/*")
    text = (row / "result.json").read_text()
    (row / "result.json").write_text(text.replace('"complete": true', '"complete": false'))
    with pytest.raises(BadData, match=r"system-2/.*result\.json: changed since it was sealed"):
        building.build(board)


def test_a_missing_caption_file_stops_the_build_by_name(board: Path) -> None:
    (row,) = (board / "results").glob("*/system-2/*")
    (row / "captions.jsonl").unlink()
    with pytest.raises(BadData, match=r"captions\.jsonl: missing"):
        building.build(board)


def test_a_folder_that_is_no_leaderboard_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="neither results nor published"):
        building.build(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_fails_leaves_what_was_there(board: Path) -> None:
    before = generated(board)
    (board / "published" / "blap" / "table_i.toml").write_text("no table")
    with pytest.raises(BadData):
        building.build(board)
    assert generated(board) == before

"""The page's writer: the same boards give the same bytes, and a stranger's words stay data."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from site_sample import sample_boards

from aacbench import pages
from aacbench.leaderboard import site


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_boards_give_the_same_bytes(tmp_path: Path) -> None:
    site.write(sample_boards(), tmp_path / "one")
    site.write(sample_boards(), tmp_path / "other")
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "other")


def test_all_that_is_written_is_told_and_needs_no_folder_beside_it(tmp_path: Path) -> None:
    written = site.write(sample_boards(), tmp_path / "site")
    assert sorted(written) == written
    assert {path.relative_to(tmp_path / "site").as_posix() for path in written} == set(
        _bytes(tmp_path / "site")
    )
    index = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'<(?:script|link)[^>]+(?:src|href)="(?!data:)([^"]+)"', index)
    assert named
    assert [name for name in named if not (tmp_path / "site" / name).is_file()] == []


def test_without_the_plot_library_the_rest_is_byte_for_byte_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write(sample_boards(), tmp_path / "with")
    monkeypatch.setattr(pages, "vega", lambda: None)
    site.write(sample_boards(), tmp_path / "without")
    without, full = _bytes(tmp_path / "without"), _bytes(tmp_path / "with")
    assert set(full) - set(without) <= {"vendor/vega.js"}
    assert {name: full[name] for name in without} == without


def test_data_come_back_as_they_went_in_one_row_a_line(tmp_path: Path) -> None:
    boards = sample_boards()
    site.write(boards, tmp_path)
    text = (tmp_path / "data.js").read_text(encoding="utf-8")
    assert json.loads(text.removeprefix("window.aacBoards = ").removesuffix(";\n")) == boards
    assert not re.search("[<>&\u2028\u2029]", text)
    for name in boards["rows"]:
        assert len([line for line in text.split("\n") if line.startswith(f'"{name}":')]) == 1


def test_a_reader_without_javascript_is_given_every_board_as_a_plain_table(tmp_path: Path) -> None:
    boards = sample_boards()
    boards["boards"][0]["title"] = '"><img src=x onerror=alert(1)>'
    site.write(boards, tmp_path)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    inside = index.split("<noscript>")[1].split("</noscript>")[0]
    assert [f"../tables/{board['id']}.md" in inside for board in boards["boards"]] == [
        True for _ in boards["boards"]
    ]
    assert "<img" not in inside


def test_the_page_forbids_itself_every_network_and_eval(tmp_path: Path) -> None:
    site.write(sample_boards(), tmp_path)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', index)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'")
    assert not re.search(r"unsafe|https?:|\*", policy[1])
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\son\w+=|\sstyle=", index)


def test_our_scripts_make_no_markup_from_text() -> None:
    folder = Path(site.__file__).parent
    for path in sorted(folder.rglob("*.js")):
        found = re.search(
            r"(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function|fetch\(",
            path.read_text(encoding="utf-8"),
        )
        assert found is None, f"{path.name}: {found}"


def test_no_figure_is_written_that_json_has_no_word_for(tmp_path: Path) -> None:
    boards = sample_boards()
    next(iter(boards["rows"].values()))["figures"]["spider"]["value"] = float("nan")
    with pytest.raises(ValueError, match="JSON"):
        site.write(boards, tmp_path)


def test_git_keeps_the_page_and_not_the_plot_library() -> None:
    root = Path(__file__).resolve().parent.parent.parent
    ask = ["git", "check-ignore", "leaderboard/site/vendor/vega.js", "leaderboard/site/index.html"]
    told = subprocess.run(ask, cwd=root, capture_output=True, text=True, check=False).stdout
    assert told.split() == ["leaderboard/site/vendor/vega.js"]

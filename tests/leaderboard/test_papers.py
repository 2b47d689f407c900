"""Reading published tables: what is printed is kept, what is wrong is refused by file and row."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from printed_papers import claim, read, table, write

from aacbench.errors import BadData
from aacbench.leaderboard.papers import read_published
from aacbench.leaderboard.printed import parse

REPOSITORY = Path(__file__).resolve().parents[2]
PUBLISHED = REPOSITORY / "leaderboard" / "published"
COUNTS = tomllib.loads((Path(__file__).parent / "published_counts.toml").read_text())


def test_every_table_has_the_rows_and_figures_counted_by_hand() -> None:
    tables = {(one.paper, one.table): one for one in read_published(PUBLISHED).tables}
    expected = {
        (paper, number): (counts["rows"], counts["cells"])
        for paper, numbers in COUNTS.items()
        for number, counts in numbers.items()
    }
    counted = {
        key: (
            len(one.rows),
            sum(cell.read is not None for row in one.rows for cell in row.cells.values()),
        )
        for key, one in tables.items()
    }
    assert counted == expected


def test_every_result_table_of_the_five_papers_is_there() -> None:
    published = read_published(PUBLISHED)
    numbers = {
        paper: {one.table for one in published.tables if one.paper == paper}
        for paper in published.papers
    }
    assert numbers == {
        "guide": {"ii", "iii"},
        "nac": {"1", "2", "3", "4"},
        "multi2cap": {"2", "3a", "3b", "4", "5", "8", "9"},
        "p2p": {"1", "2", "3", "4", "5", "6", "7"},
        "blap": {"i"},
    }


def test_a_figure_read_otherwise_than_printed_says_why() -> None:
    cells = [
        cell
        for one in read_published(PUBLISHED).tables
        for row in one.rows
        for cell in row.cells.values()
    ]
    mended = [
        cell
        for cell in cells
        if cell.read is not None
        and ((plain := parse(cell.printed)) is None or plain.read != cell.read)
    ]
    assert len(mended) > 10
    assert all(cell.note for cell in mended)


def test_percent_becomes_a_fraction_and_keeps_what_was_printed(tmp_path: Path) -> None:
    published = read(tmp_path, {"1": table("spice", ["Ours", "15.40"], scale="percent")})
    cell = published.table("one", "1").rows[0].cells["spice"]
    assert (cell.printed, cell.read, cell.digits) == ("15.40", 15.4, 2)
    assert cell.value == pytest.approx(0.154)
    assert cell.step == pytest.approx(0.0001)
    assert cell.low == pytest.approx(0.15395)


@pytest.mark.parametrize(
    ("printed", "read", "digits"),
    [
        (".464", 0.464, 3),
        ("0.490", 0.49, 3),
        ("27,839", 27839, 0),
        ("59.8%", 59.8, 1),
        ("8.9M", 8_900_000, -5),
        ("1.9Kh", 1900, -2),
        ("154h", 154, 0),
        ("+0.02", 0.02, 2),
    ],
)
def test_a_figure_reads_with_its_decimals(printed: str, read: float, digits: int) -> None:
    figure = parse(printed)
    assert figure is not None
    assert figure.read == pytest.approx(read)
    assert figure.digits == digits


@pytest.mark.parametrize("printed", ["", "-", "O.355", "4.1 ± 0.1", "0.3.5", "12 or so", "."])
def test_what_is_no_figure_is_not_read_as_one(printed: str) -> None:
    assert parse(printed) is None


def test_a_dash_and_an_unreadable_cell_have_no_value(tmp_path: Path) -> None:
    torn = {"printed": "0.#5", "unreadable": True, "note": "a blot"}
    content = table("spice", ["Ours", "-"], ["Theirs", "0.1"])
    content["rows"][1]["cells"]["spice"] = torn
    rows = read(tmp_path, {"1": content}).table("one", "1").rows
    assert [row.cells["spice"].value for row in rows] == [None, None]
    assert [row.cells["spice"].unreadable for row in rows] == [False, True]


def test_a_value_as_text_keeps_its_last_zero(tmp_path: Path) -> None:
    content = table("spice", ["Ours", "0.1"])
    content["rows"][0]["cells"]["spice"] = {"printed": "O.35O", "value": "0.350", "note": "O for 0"}
    cell = read(tmp_path, {"1": content}).table("one", "1").rows[0].cells["spice"]
    assert (cell.read, cell.digits) == (0.35, 3)


def _broken(change: str) -> dict[str, Any]:
    content = table("cider_d spice", ["Ours", "0.4 0.1"])
    row = content["rows"][0]
    if change == "row key":
        row["sytem"] = "x"
    elif change == "cell missing":
        del row["cells"]["spice"]
    elif change == "cell unknown":
        row["cells"]["spcie"] = "0.1"
    elif change == "no figure":
        row["cells"]["spice"] = "O.1"
    elif change == "no note":
        row["cells"]["spice"] = {"printed": "O.1", "value": 0.1}
    elif change == "scale":
        content["scale"] = "per mille"
    elif change == "key twice":
        content["columns"][1]["id"] = "cider_d"
    elif change == "domain":
        row["domain"] = "outside"
    elif change == "no target":
        del content["target"]
    elif change == "two targets":
        row["target"] = content["columns"][0]["target"] = "clotho"
    return content


@pytest.mark.parametrize(
    ("change", "words", "hint"),
    [
        ("row key", ["table_1.toml, row 1", "'sytem'"], "system"),
        ("cell missing", ["row 1 (Ours)", "'spice'"], 'spice = "-"'),
        ("cell unknown", ["row 1 (Ours)", "'spcie'"], "spice"),
        ("no figure", ["row 1 (Ours), spice", "'O.1'"], "value ="),
        ("no note", ["row 1 (Ours), spice", "no word why"], "note ="),
        ("scale", ["table_1.toml, scale", "per mille"], "Mend"),
        ("key twice", ["'cider_d' stands twice"], "key ="),
        ("domain", ["row 1, domain"], "Mend"),
        ("no target", ["no target for column 'cider_d'"], "target ="),
        ("two targets", ["by the row and by column 'cider_d'"], "Leave one"),
    ],
)
def test_a_broken_table_is_refused_by_row_and_key(
    tmp_path: Path, change: str, words: list[str], hint: str
) -> None:
    with pytest.raises(BadData) as caught:
        read(tmp_path, {"1": _broken(change)})
    assert all(word in caught.value.message for word in words)
    assert hint in caught.value.hint


def test_a_claim_about_no_table_is_refused(tmp_path: Path) -> None:
    content = {"1": table("spice", ["Ours", "0.1"])}
    with pytest.raises(BadData, match="claim 1: there is no table '9'"):
        read(tmp_path, content, [claim("best", table="9")])


def test_a_claim_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    content = {"1": table("spice", ["Ours", "0.1"])}
    with pytest.raises(BadData, match="kind 'bets' is not one of best"):
        read(tmp_path, content, [claim("bets")])


def test_a_file_named_for_another_table_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, {"1": table("spice", ["Ours", "0.1"])})
    (folder / "one" / "table_1.toml").rename(folder / "one" / "table_2.toml")
    with pytest.raises(BadData, match=r"table_2\.toml says that it is table '1'"):
        read_published(folder)


def test_a_folder_without_papers_says_which_to_name(tmp_path: Path) -> None:
    with pytest.raises(BadData) as caught:
        read_published(tmp_path)
    assert "--folder leaderboard" in caught.value.hint

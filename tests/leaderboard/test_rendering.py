"""Tables: strangers' names stay text in every form, and every number says where it is from."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from board_rows import REPOSITORY, per_clip, publish, put_row

from aacbench.errors import BadOption
from aacbench.leaderboard import building
from aacbench.leaderboard.assembling import Leaderboard, assemble
from aacbench.leaderboard.rendering import comma, latex, markdown, sheets
from aacbench.leaderboard.rendering.readme import readme
from aacbench.leaderboard.results import read_results

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "a | b\n| c |",
    "=HYPERLINK(1)",
    "+1",
    "-1+cmd",
    "@SUM(1)",
    "[click](javascript:alert(1))",
    "`code` **bold** _it_ $x$ ~~y~~",
    "\\end{tabular} \\input{secret} 100% #1 & {x} ~ ^",
    "right\u202eleft \u200b\x1b[31m",
    "https://a.example www.a.example",
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    folder = tmp_path_factory.mktemp("hostile")
    for at, name in enumerate(HOSTILE):
        figures = {"spider": per_clip(at, 0.3), name: per_clip(at, 0.4)}
        put_row(folder, name, figures, note=name, measured=at % 2 == 0, learnt=[name])
    return assemble(read_results(folder))


class Tags(HTMLParser):
    """The tags of a page, by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.append(tag)


def table_rows(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.startswith("|")]


def edges(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line))


def test_no_name_breaks_out_of_a_markdown_table(hostile: Leaderboard) -> None:
    text = markdown.page(hostile, hostile.boards[0]) + readme(hostile)
    tags = Tags()
    tags.feed(text)
    assert tags.names == []
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({edges(line) for line in table_rows(table)}) == 1
    assert not re.search(r"(?<!\\)\]\(javascript", text)
    assert "\u202e" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("name", HOSTILE)
def test_escaped_markdown_holds_no_live_markup(name: str) -> None:
    text = markdown.escaped(name)
    assert "<" not in text
    assert not re.search(r"(?<!\\)[|`*\[\]$~_]", text)
    assert "://" not in text
    assert "www." not in text
    assert not re.match(r"- (?:[#+=>-]|\d+[.)])", markdown.item(name))


def test_no_name_is_obeyed_by_latex(hostile: Leaderboard) -> None:
    text = latex.board_table(hostile, hostile.boards[0])
    body = text[text.index("\\midrule") : text.index("\\bottomrule")].split("\n")[1:-1]
    assert len(body) == len(HOSTILE)
    columns = {len(re.findall(r"(?<!\\)&", line)) for line in body}
    assert columns == {len(re.findall(r"(?<!\\)&", text.split("\\toprule\n")[1].split("\n")[0]))}
    known = {"textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater"}
    known |= {"textbar", "textquotedbl", "textbf"}
    for line in body:
        assert set(re.findall(r"\\([a-zA-Z]+)", line)) <= known
        assert not re.search(r"(?<!\\)[#$%]", line)
    assert text.count("\\end{tabular}") == 1
    assert text.count("{") - text.count("\\{") == text.count("}") - text.count("\\}")


def test_no_field_of_a_csv_is_a_formula(hostile: Leaderboard) -> None:
    rows = list(csv.reader(StringIO(comma.board_table(hostile, hostile.boards[0]))))
    assert len(rows) == 1 + len(HOSTILE)
    assert len({len(row) for row in rows}) == 1
    for field in (field for row in rows for field in row):
        assert not field.startswith(("=", "+", "@")), field
        assert not re.match(r"-\D", field), field


def test_csv_gives_back_the_figures_as_numbers(hostile: Leaderboard) -> None:
    board = hostile.boards[0]
    for line in csv.DictReader(StringIO(comma.board_table(hostile, board))):
        value = hostile.rows[line["id"]].figures["spider"]
        rank = board.standings.ranks["spider"][line["id"]]
        assert float(line["spider"]) == pytest.approx(value.value, abs=1e-6)
        assert float(line["spider low"]) == pytest.approx(value.low, abs=1e-6)
        assert int(line["spider rank high"]) == rank.high


def test_a_negative_figure_stays_a_number_in_csv(tmp_path: Path) -> None:
    put_row(tmp_path, "poor", {"clap_s": per_clip(1, -0.2)})
    found = assemble(read_results(tmp_path))
    (line,) = csv.DictReader(StringIO(comma.board_table(found, found.boards[0])))
    assert float(line["clap_s"]) < 0


def test_bold_is_what_the_clips_show_and_nothing_else(tmp_path: Path) -> None:
    put_row(tmp_path, "better", {"spider": per_clip(1, 0.6), "fense": per_clip(3, 0.4)})
    put_row(tmp_path, "worse", {"spider": per_clip(2, 0.3), "fense": per_clip(4, 0.4)})
    found = assemble(read_results(tmp_path))
    text = markdown.board_table(found, found.boards[0])
    bold = re.findall(r"\*\*(.+?)\*\*", text)
    value = found.rows[found.boards[0].rows[0]].figures["spider"]
    assert bold == [markdown.escaped(f"{value.shown} {value.interval}")]
    assert latex.board_table(found, found.boards[0]).count("\\textbf") == 1


def test_self_scored_figures_are_shown_and_marked(tmp_path: Path) -> None:
    put_row(tmp_path, "judge", {"clap_s": per_clip(1, 0.6)}, self_scored=["clap_s"])
    found = assemble(read_results(tmp_path))
    assert "(self-scored)" in markdown.board_table(found, found.boards[0])


def test_every_row_of_the_front_page_says_where_its_numbers_are_from(tmp_path: Path) -> None:
    put_row(tmp_path, "ours", {"spider": per_clip(1, 0.3)})
    put_row(tmp_path, "theirs", {"spider": per_clip(2, 0.3)}, measured=False)
    publish(tmp_path)
    found = building.read(tmp_path)
    text = readme(found)
    for link in re.findall(r"\]\((results/[^)]+)\)", text):
        assert (tmp_path / link.replace("%40", "@")).exists(), link
    assert "[captions](results/" in text
    assert "[figures](results/" in text
    shown = [line for line in table_rows(text) if "blap, table i " in line]
    assert len(shown) == sum(row.provenance.get("paper") == "blap" for row in found.rows.values())


def test_links_to_findings_lead_somewhere(tmp_path: Path) -> None:
    publish(tmp_path)
    found = building.read(tmp_path)
    text = readme(found)
    anchors = set(re.findall(r'<a id="([^"]+)"></a>', text))
    linked = set(re.findall(r"\]\(#(finding-[^)]+)\)", text))
    assert linked
    assert linked <= anchors
    assert len(anchors) == len(found.findings)
    pages = [markdown.page(found, board) for board in found.boards]
    far = {one for page in pages for one in re.findall(r"\]\(\.\./README\.md#([^)]+)\)", page)}
    assert far <= anchors


def test_findings_stand_beside_the_rows_that_they_are_about() -> None:
    found = building.read(REPOSITORY / "leaderboard")
    ours = found.rows["p2p.3.4"]
    rules = {found.findings[name].rule for name in ours.findings}
    assert "spider-is-the-mean" in rules
    untouched = [row for row in found.rows.values() if row.kind == "published" and not row.findings]
    assert untouched, "rows that agree carry no finding"


def test_asking_for_a_figure_that_no_row_has_offers_the_nearest(tmp_path: Path) -> None:
    put_row(tmp_path, "one", {"spider": per_clip(1, 0.3)})
    found = assemble(read_results(tmp_path))
    with pytest.raises(BadOption, match="spider"):
        sheets.sheet(found, found.boards[0], ["spyder"])


def test_json_of_a_board_names_nothing_that_it_does_not_hold(hostile: Leaderboard) -> None:
    content = json.loads(building.as_json(hostile.of_board(hostile.boards[0])))
    board = content["board"]
    assert set(board["rows"]) == set(content["rows"])
    assert set(board["columns"]) | set(board["more"]) == set(content["figures"])
    assert {name for row in content["rows"].values() for name in row["figures"]} <= set(
        content["figures"]
    )


@pytest.mark.parametrize(
    ("parameters", "shown"), [(None, ""), (950, "950"), (1_411_200, "1.41M"), (8.34e9, "8.34B")]
)
def test_sizes_are_short(parameters: int | None, shown: str) -> None:
    assert sheets.size(parameters) == shown

"""The board in a browser: sorting, filtering, columns, kinds and links that keep all of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from browser import trouble
from site_sample import CLOTHO, reading, sample_boards, systems

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BOARD = next(board for board in sample_boards()["boards"] if board["id"] == "clotho.evaluation.in")
ROWS = sample_boards()["rows"]


def _value(name: str, figure: str) -> float | None:
    found = ROWS[name]["figures"].get(figure)
    return None if found is None else found["value"]


def _by(figure: str, best_first: bool = True) -> list[float | None]:
    """The column's figures in order, missing ones last."""
    values = [_value(name, figure) for name in BOARD["rows"]]
    there = sorted((value for value in values if value is not None), reverse=best_first)
    return [*there, *(None for value in values if value is None)]


def _column(page: Page, figure: str) -> list[float | None]:
    return [_value(name, figure) for name in systems(page)]


def _sorted_by(page: Page) -> dict[str, str]:
    told: dict[str, str] = page.eval_on_selector_all(
        "#table thead th[data-column]",
        "heads => Object.fromEntries(heads.map(head => [head.dataset.column, head.ariaSort]))",
    )
    return {name: order for name, order in told.items() if order != "none"}


def test_a_board_opens_from_disk_with_no_error_and_asks_nothing_of_anyone(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        page.locator("#gain-plot").scroll_into_view_if_needed()
        page.wait_for_selector("#gain-plot[data-drawn] svg")
        assert page.inner_text("#board-title") == "Clotho evaluation"
        assert systems(page)[0] == "reeds.2.1"
        assert not trouble(page)


def test_a_column_sorts_by_click_and_by_key_and_says_so(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        assert _sorted_by(page) == {"spider": "descending"}
        assert _column(page, "spider") == _by("spider")
        page.click("th[data-column=fense] button")
        assert _sorted_by(page) == {"fense": "descending"}
        assert _column(page, "fense") == _by("fense")
        page.keyboard.press("Enter")
        assert _sorted_by(page) == {"fense": "ascending"}
        assert _column(page, "fense") == _by("fense", best_first=False)
        page.click("th[data-column=latency] button")
        assert systems(page)[0] == "loud.clotho.in", "a time is best where it is small"
        page.click("th[data-column=system] button")
        names = [ROWS[name]["system"] for name in systems(page)]
        assert names.index("halfway:mini") < names.index("pebble:mini")
        assert not trouble(page)


def test_ranks_follow_the_sorted_column_and_stand_only_beside_ranked_rows(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        rank = "tr[data-row='{}'] td.rank"
        assert page.inner_text(rank.format("whistle.clotho.in")).split() == ["2", "1\u20133"]
        assert page.inner_text(rank.format("part.clotho.in")).startswith("\u2014")
        assert "1,031 of 1,045" in page.inner_text("#legend")
        page.click("th[data-column=fense] button")
        assert page.inner_text(rank.format("loud.clotho.in")).split()[0] == "1"


def test_bold_is_what_the_board_calls_best_and_nothing_else(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        bold = page.eval_on_selector_all(
            "#table .value",
            "all => all.filter(one => getComputedStyle(one).fontWeight >= 600)"
            ".map(one => one.dataset.focus)",
        )
        assert bold == ["open whistle.clotho.in~fense"]


def test_the_filter_looks_at_system_training_data_and_paper(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        page.fill("#filter", "WAVCAPS")
        assert systems(page) == ["reeds.2.1"]
        page.fill("#filter", "tall grass captioning")
        assert set(systems(page)) == {"reeds.2.1", "reeds.2.2"}, "both are of that paper"
        page.fill("#filter", "guide whistle")
        assert systems(page) == ["whistle-guide.clotho.in"]
        assert page.inner_text("#count") == "1 of 12 rows"
        page.fill("#filter", "nobody")
        assert systems(page) == []
        assert "clear the filter" in page.inner_text("#table tbody")
        assert not trouble(page)


def test_each_kind_of_row_can_be_hidden(chromium: Browser, sample_site: Path) -> None:
    with reading(chromium, sample_site) as page:
        page.click("#kinds [data-kind=published]")
        assert {ROWS[name]["kind"] for name in systems(page)} == {"measured", "re-scored"}
        page.click("#kinds [data-kind=measured]")
        assert systems(page) == ["old.clotho.in"]
        assert page.get_attribute("#kinds [data-kind=measured]", "aria-pressed") == "false"
        page.click("#kinds [data-kind=published]")
        assert {ROWS[name]["kind"] for name in systems(page)} == {"published", "re-scored"}


def test_columns_are_chosen_and_the_usual_ones_come_back(
    chromium: Browser, sample_site: Path
) -> None:
    heads = "#table thead th[data-column]"
    names = "heads => heads.map(head => head.dataset.column)"
    with reading(chromium, sample_site) as page:
        usual = page.eval_on_selector_all(heads, names)
        assert usual == ["system", *BOARD["columns"], "latency", "parameters"]
        page.click("#columns-button")
        page.click("#columns [data-id=fer]")
        page.click("#columns [data-id='aud:mini']")
        changed = page.eval_on_selector_all(heads, names)
        assert set(changed) == (set(usual) | {"fer"}) - {"aud:mini"}
        page.click("#columns >> text=All")
        assert set(page.eval_on_selector_all(heads, names)) == {*usual, *BOARD["more"]}
        page.keyboard.press("Escape")
        assert page.is_hidden("#columns")
        assert page.evaluate("document.activeElement.id") == "columns-button"
        page.click("#columns-button")
        page.click("#columns >> button:has-text('Usual')")
        assert page.eval_on_selector_all(heads, names) == usual


def test_a_link_shows_what_its_sender_saw(chromium: Browser, sample_site: Path) -> None:
    with reading(chromium, sample_site, anchor="") as page:
        page.click("#index >> text=Clotho evaluation >> nth=0")
        page.click("#domains >> text=In-domain")
        page.click("th[data-column=fense] button")
        page.click("#kinds [data-kind=re-scored]")
        page.click("#columns-button")
        page.click("#columns [data-id=fer]")
        page.keyboard.press("Escape")
        page.fill("#filter", "clotho")
        seen, anchor = page.inner_text("#table"), page.evaluate("location.hash.slice(1)")
    with reading(chromium, sample_site, anchor=anchor) as page:
        assert page.inner_text("#table") == seen
        assert page.input_value("#filter") == "clotho"
        assert _sorted_by(page) == {"fense": "descending"}


def test_back_and_forward_go_through_what_was_chosen(chromium: Browser, sample_site: Path) -> None:
    with reading(chromium, sample_site) as page:
        page.click("th[data-column=fense] button")
        page.click("#domains >> text=Out-of-domain")
        assert page.inner_text("#domains [aria-current]").startswith("Out-of-domain")
        page.go_back()
        assert _sorted_by(page) == {"fense": "descending"}
        page.go_back()
        assert _sorted_by(page) == {"spider": "descending"}
        page.go_forward()
        assert _sorted_by(page) == {"fense": "descending"}
        assert not trouble(page)


def test_a_link_to_what_there_is_not_opens_the_first_board(
    chromium: Browser, sample_site: Path
) -> None:
    nonsense = "board=__proto__&sort=-constructor&columns=toString&hide=x&open=y~z&quality=valueOf"
    with reading(chromium, sample_site, anchor=nonsense) as page:
        assert page.inner_text("#board-title") == "Clotho evaluation"
        assert systems(page)
        assert not trouble(page)


def test_kinds_of_targets_and_domains_stand_apart(chromium: Browser, sample_site: Path) -> None:
    with reading(chromium, sample_site, anchor=CLOTHO) as page:
        assert page.locator("#index h3").all_inner_texts() == [
            "Sound",
            "Music",
            "Image",
            "Retrieval",
        ]
        assert [text.split(" ")[0] for text in page.locator("#domains a").all_inner_texts()] == [
            "In-domain",
            "Out-of-domain",
            "Unknown",
        ]
        page.click("#domains >> text=Unknown domain")
        assert systems(page) == ["reeds.4.1"]
        assert page.locator("#table .rank").count() == 0, "nothing on this board has a rank"


def test_the_legend_says_what_letters_and_signs_mean_and_what_the_board_notes(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        legend = page.inner_text("#legend")
        for part in (
            "no captions, hence no interval and no rank",
            "self-scored",
            "Sedge et al. 2024: fine-tuned on Clotho",
            BOARD["notes"][0],
        ):
            assert part in legend

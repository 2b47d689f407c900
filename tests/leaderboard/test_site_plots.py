"""Plots in a browser: what they show is what the boards say, and each has the same as text."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import trouble
from site_sample import CLOTHO, reading, sample_boards, systems

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def _drawn(page: Page, name: str) -> None:
    page.locator(f"#{name}-plot").scroll_into_view_if_needed()
    page.wait_for_selector(f"#{name}-plot[data-drawn] svg")


def _points(page: Page, name: str) -> list[dict[str, Any]]:
    """The data behind a plot, as Vega holds them."""
    found: list[dict[str, Any]] = page.evaluate(
        "name => document.getElementById(`${name}-plot`).view.data('source_0')", name
    )
    return found


def _table(page: Page, name: str) -> list[list[str]]:
    """The text alternative's rows."""
    rows: list[list[str]] = page.eval_on_selector_all(
        f"#{name}-table tbody tr",
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))",
    )
    return rows


def test_the_pareto_front_holds_who_is_beaten_by_nobody_on_one_machine(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        _drawn(page, "quality")
        points = _points(page, "quality")
        assert {point["name"] for point in points if point["front"]} == {
            "pebble:mini",
            "whistle:base@clotho",
            "server-only:large",
        }
        assert {point["name"] for point in points if point["invalid"]} == {"loudroom:paper"}
        assert page.locator("#quality-plot [aria-roledescription='point']").count() == 6
        assert page.locator("#quality-plot .mark-line path").count() == 2, "one front a machine"
        said = page.inner_text("#quality-says")
        assert "pebble:mini (18 ms), server-only:large (33 ms) and whistle:base@clotho" in said
        assert "2 machines are kept apart" in said
        assert len(_table(page, "quality")) == 6
        assert not trouble(page)


def test_the_front_of_a_figure_that_should_be_small_is_the_other_way_up(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        _drawn(page, "quality")
        page.select_option("#quality-figure", "fer")
        page.wait_for_function(
            "document.getElementById('quality-plot').view.data('source_0').length === 3"
        )
        front = {point["name"] for point in _points(page, "quality") if point["front"]}
        assert front == {"pebble:mini", "whistle:base@clotho"}
        assert "quality=fer" in page.evaluate("location.hash")


def test_the_quality_plot_follows_the_filter(chromium: Browser, sample_site: Path) -> None:
    with reading(chromium, sample_site, anchor=f"{CLOTHO}&words=pebble") as page:
        _drawn(page, "quality")
        assert [point["name"] for point in _points(page, "quality")] == ["pebble:mini"]
        page.fill("#filter", "old-hand")
        assert "No system" in page.inner_text("#quality-says")
        assert page.locator("#quality-plot svg").count() == 0


def test_slopes_join_the_two_rows_of_each_system(chromium: Browser, sample_site: Path) -> None:
    with reading(chromium, sample_site) as page:
        _drawn(page, "slope")
        boards = sample_boards()
        expected = [
            boards["rows"][slope[side]]["figures"]["spider"]["value"]
            for slope in boards["slopes"]
            for side in ("in", "out")
        ]
        assert [point["value"] for point in _points(page, "slope")] == expected
        assert page.locator("#slope-plot .mark-line path").count() == 3
        assert "3 of 3 systems score worse" in page.inner_text("#slope-says")
        assert _table(page, "slope")[0][-1] == "\u22120.105"
        assert not trouble(page)


def test_the_guides_gain_is_told_with_its_interval_and_sure_only_where_it_is(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        _drawn(page, "gain")
        page.select_option("#gain-figure", "spider")
        page.wait_for_function(
            "document.getElementById('gain-plot').view.data('source_0')[0].difference === -0.003"
        )
        points = _points(page, "gain")
        assert [point["difference"] for point in points] == [-0.003, 0.005, -0.005]
        assert [point["sure"] for point in points] == [False, False, False]
        assert "3 not told apart" in page.inner_text("#gain-says")
        assert _table(page, "gain")[2][2:] == [
            "0.455",
            "0.450",
            "\u22120.005",
            "\u22120.009 to \u22120.001",
            "0.060",
        ], "p of all comparisons together, not of this one alone"
        assert not trouble(page)


def test_the_matrix_opens_the_row_behind_each_cell(chromium: Browser, sample_site: Path) -> None:
    with reading(chromium, sample_site) as page:
        page.click("#matrix-table button >> text=0.181")
        assert "whistle:base@audiocaps" in page.inner_text("dialog[open]")
        page.keyboard.press("Escape")
        page.select_option("#matrix-figure", "fense")
        assert page.locator("#matrix-table button").all_inner_texts() == [
            "0.620",
            "0.452",
            "0.481",
            "0.541",
        ]
        shades = page.eval_on_selector_all(
            "#matrix-table tbody td", "cells => cells.map(cell => cell.style.cssText)"
        )
        assert [text.split(" ")[-1] for text in shades] == ["100%;", "0%;", "0%;", "100%;"]


def test_the_audit_lists_every_finding_and_opens_its_row(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        page.eval_on_selector_all("#audit details", "all => all.forEach(d => { d.open = true; })")
        sentences = {each["sentence"] for each in sample_boards()["findings"].values()}
        told = page.inner_text("#audit-list")
        assert {sentence for sentence in sentences if sentence in told} == sentences
        page.click("#audit-list [data-focus='finding reeds-2-mean']")
        assert "Tall Grass" in page.inner_text("dialog[open]")
        page.keyboard.press("Escape")
        focused = page.evaluate("document.activeElement.dataset.focus")
        assert focused == "finding reeds-2-mean"


@pytest.mark.parametrize("name", ["quality", "slope", "gain"])
def test_a_plot_is_told_to_those_who_do_not_see_it(
    chromium: Browser, sample_site: Path, name: str
) -> None:
    with reading(chromium, sample_site) as page:
        _drawn(page, name)
        label = page.get_attribute(f"#{name}-plot svg", "aria-label") or page.get_attribute(
            f"#{name}-plot svg [aria-label]", "aria-label"
        )
        assert label
        page.click(f"#{name}-table summary")
        assert page.is_visible(f"#{name}-table table")


def test_without_the_plot_library_the_page_says_how_to_get_it_and_tables_work(
    chromium: Browser, sample_site: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "site"
    shutil.copytree(sample_site, bare, ignore=shutil.ignore_patterns("vendor"))
    with reading(chromium, bare) as page:
        page.locator("#gain-plot").scroll_into_view_if_needed()
        page.wait_for_selector("#gain-plot .missing")
        assert "aacbench leaderboard build" in page.inner_text("#gain-plot")
        assert len(_table(page, "gain")) == 3
        page.click("th[data-column=fense] button")
        assert systems(page)[0] == "loud.clotho.in"
        assert not trouble(page).errors
        assert not trouble(page).requests


@pytest.mark.parametrize("words", ["pebble", "loudroom"])
def test_one_system_alone_is_drawn_with_and_without_a_valid_latency(
    chromium: Browser, sample_site: Path, words: str
) -> None:
    with reading(chromium, sample_site, anchor=f"{CLOTHO}&words={words}") as page:
        _drawn(page, "quality")
        assert page.locator("#quality-plot [aria-roledescription='point']").count() == 1
        said = page.inner_text("#quality-says")
        assert ("No valid latency" in said) is (words == "loudroom")
        assert not trouble(page)

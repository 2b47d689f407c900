"""What a reader opens and sees, and no stranger can misuse: provenance, keyboard, small windows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import trouble, wider_than_window
from site_sample import CLOTHO, reading, sample_boards

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OPEN = "dialog#provenance[open]"
GUIDED = "[data-focus='open whistle-guide.clotho.in~aud:mini']"
PRINTED = "[data-focus='open reeds.2.1~spider']"
FOCUSED = "document.activeElement.dataset.focus"


def test_a_measured_number_opens_its_run_and_the_command_that_makes_it_again(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        page.click(GUIDED)
        told = page.inner_text(OPEN)
        come_from = sample_boards()["rows"]["whistle-guide.clotho.in"]["provenance"]
        for part in ("0.970", "0.958\u20130.982", "shown and not ranked", "5.2 %"):
            assert part in told
        for part in ("key", "folder", "commit", "command"):
            assert come_from[part] in told
        link = page.get_attribute(f"{OPEN} a", "href") or ""
        assert re.fullmatch(r"\.\./results/clotho%40evaluation/.*/captions\.jsonl", link)
        page.click("#provenance-close")
        assert page.is_hidden(OPEN)


def test_a_printed_number_opens_its_paper_and_what_the_audit_says(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        page.click(PRINTED)
        told = page.inner_text(OPEN)
        for part in ("O.355", "letter O", "Reeds that Hear", "table 2, row 1", "\u2020 fine-tuned"):
            assert part in told
        assert "give 0.3215" in told
        page.keyboard.press("Escape")
        page.click("tr[data-row='reeds.2.1'] .finding")
        assert "give 0.3215" in page.inner_text(OPEN)
        assert "led by another row" in page.inner_text(OPEN)


def test_a_number_is_reached_opened_and_left_by_keyboard_alone(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        page.focus("th[data-column=parameters] button")
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == "open reeds.2.1~", "one stop for the whole body"
        page.keyboard.press("ArrowDown")
        assert page.evaluate(FOCUSED) == "open part.clotho.in~"
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        assert page.evaluate(FOCUSED) == "open loud.clotho.in~spider"
        page.keyboard.press("End")
        assert page.evaluate(FOCUSED) == "open loud.clotho.in~parameters"
        page.keyboard.press("Enter")
        assert page.is_visible(OPEN)
        assert page.evaluate("document.activeElement.closest('dialog') !== null")
        page.keyboard.press("Escape")
        assert page.is_hidden(OPEN)
        assert page.evaluate(FOCUSED) == "open loud.clotho.in~parameters"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#table') === null")


def test_everything_that_can_be_pressed_is_reached_by_tab_and_shows_it(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        wanted = {"theme", "filter", "columns-button", "slope-figure", "gain-figure"}
        seen: set[str] = set()
        for _ in range(70):
            page.keyboard.press("Tab")
            name, outline = page.evaluate(
                "[document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]"
            )
            seen.add(name)
            assert outline != "none", f"no focus ring on {name or page.evaluate(FOCUSED)}"
            if wanted <= seen:
                break
        assert wanted <= seen


def test_an_open_number_is_part_of_the_link_and_back_closes_it(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site) as page:
        page.click(PRINTED)
        anchor = page.evaluate("location.hash.slice(1)")
        page.go_back()
        assert page.is_hidden(OPEN)
        page.go_forward()
        assert page.is_visible(OPEN)
        page.keyboard.press("Escape")
        page.wait_for_function("!location.hash.includes('open=')")
    with reading(chromium, sample_site, anchor=anchor) as page:
        assert "0.355" in page.inner_text(OPEN)
        page.keyboard.press("Escape")
        assert page.evaluate(FOCUSED) == "open reeds.2.1~spider"
        assert "open=" not in page.evaluate("location.hash")
        assert not trouble(page)


@pytest.mark.parametrize("row", ["evil.clotho.in", "evil.1.1"])
def test_words_that_try_to_be_html_are_shown_and_do_nothing(
    chromium: Browser, sample_site: Path, row: str
) -> None:
    anchor = f"{CLOTHO}&columns=spider,bleu_1&open={row}~spider"
    with reading(chromium, sample_site, anchor=anchor) as page:
        page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
        page.wait_for_timeout(300)
        strangers = page.evaluate(
            "[...document.querySelectorAll('main, dialog')]"
            ".flatMap(part => [...part.querySelectorAll('img, script, iframe, i, b, svg[onload]')])"
            ".map(each => each.outerHTML)"
        )
        assert strangers == []
        assert page.evaluate("window.hacked") is None
        links = page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
        assert [link for link in links if not link.startswith("file:///")] == []
        shown = page.inner_text("body")
        assert "<img src=x onerror=\"window.hacked = 'system'\">" in shown
        assert "<script>window.hacked = 'finding'</script>" in shown
        assert "<b>BLEU-1</b>" in shown
        assert not trouble(page)


def test_hostile_text_typed_into_filter_and_address_does_nothing(
    chromium: Browser, sample_site: Path
) -> None:
    attack = "words=%3Cimg%20src%3Dx%20onerror%3Dwindow.hacked%3D1%3E&at=%3Cscript%3E"
    with reading(chromium, sample_site, anchor=f"{CLOTHO}&{attack}") as page:
        assert page.input_value("#filter") == "<img src=x onerror=window.hacked=1>"
        assert page.evaluate("window.hacked") is None
        assert page.locator("main img").count() == 0
        assert not trouble(page)


@pytest.mark.parametrize("width", [360, 600])
def test_a_narrow_window_scrolls_the_table_and_never_the_page(
    chromium: Browser, sample_site: Path, width: int
) -> None:
    with reading(chromium, sample_site, size=(width, 740)) as page:
        page.locator("#gain-plot").scroll_into_view_if_needed()
        page.wait_for_selector("#gain-plot[data-drawn] svg")
        page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
        assert wider_than_window(page) == 0
        box = page.locator(".sheet.tall")
        assert box.evaluate("box => box.scrollWidth > box.clientWidth")
        box.evaluate("box => box.scrollTo(500, 0)")
        name = page.locator("tr[data-row='whistle.clotho.in'] th.system").bounding_box()
        place = box.bounding_box()
        assert name is not None
        assert place is not None
        assert abs(name["x"] - place["x"]) < 70, "the name of the system stays in sight"
        page.click("#columns-button")
        assert wider_than_window(page) == 0
        page.keyboard.press("Escape")
        page.click(PRINTED)
        dialog = page.locator(OPEN).bounding_box()
        assert dialog is not None
        assert dialog["x"] >= 0
        assert dialog["x"] + dialog["width"] <= width
        assert wider_than_window(page) == 0


def test_the_head_of_the_table_stays_while_its_rows_scroll(
    chromium: Browser, sample_site: Path
) -> None:
    with reading(chromium, sample_site, size=(900, 520)) as page:
        box = page.locator(".sheet.tall")
        box.evaluate("box => box.scrollTo(0, 300)")
        assert box.evaluate("box => box.scrollTop") > 50
        head = page.locator("th[data-column=spider]").bounding_box()
        place = box.bounding_box()
        assert head is not None
        assert place is not None
        assert abs(head["y"] - place["y"]) < 4


# Every text that can be seen, with its colour and the first opaque colour behind it.
TEXTS = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba(getComputedStyle(document.body).backgroundColor);
  };
  const light = ([r, g, b]) => {
    const part = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim().slice(0, 40);
    if (!text || !node.checkVisibility() || node.closest("noscript")) continue;
    texts += 1;
    const style = getComputedStyle(node);
    const ink = rgba(node.closest("svg.marks") ? style.fill : style.color);
    const [one, other] = [light(ink), light(behind(node))].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    if (contrast < 4.5) low.push([text, contrast.toFixed(2)]);
  }
  return { texts, low };
}
"""


def _contrasts(page: Page) -> dict[str, Any]:
    told: dict[str, Any] = page.evaluate(TEXTS)
    return told


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_both_colours(
    chromium: Browser, sample_site: Path, scheme: str
) -> None:
    with reading(chromium, sample_site, color_scheme=scheme) as page:
        page.locator("#gain-plot").scroll_into_view_if_needed()
        page.wait_for_selector("#gain-plot[data-drawn] svg")
        page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
        page.click("#kinds [data-kind=re-scored]")
        on_page = _contrasts(page)
        assert on_page["texts"] > 200
        assert on_page["low"] == []
        page.click(PRINTED)
        assert _contrasts(page)["low"] == []
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", paper))) < 200) is (scheme == "dark")


def test_the_switch_turns_the_page_dark_and_a_plot_with_it(
    chromium: Browser, sample_site: Path
) -> None:
    ink = "getComputedStyle(document.querySelector('#slope-plot svg text')).fill"
    with reading(chromium, sample_site, anchor=f"{CLOTHO}&at=slope") as page:
        page.wait_for_selector("#slope-plot svg text")
        before = page.evaluate(ink)
        page.click("#theme")
        assert page.get_attribute("html", "data-theme") == "dark"
        assert page.evaluate(ink) != before
        assert page.get_attribute("#theme", "aria-label") == "Use light colours"


def test_paper_gets_the_whole_table_and_no_controls(chromium: Browser, sample_site: Path) -> None:
    with reading(chromium, sample_site, size=(800, 600), color_scheme="dark") as page:
        page.emulate_media(media="print")
        assert page.is_hidden("#filter")
        assert page.is_hidden("#theme")
        assert page.locator(".sheet.tall").evaluate("box => box.scrollHeight <= box.clientHeight")
        assert page.is_visible("tr[data-row='evil.clotho.in'] .value >> nth=0")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )


def test_without_javascript_the_reader_is_led_to_plain_tables(
    chromium: Browser, sample_site: Path
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((sample_site / "index.html").as_uri())
    assert "need JavaScript" in page.inner_text("noscript")
    boards = sample_boards()["boards"]
    assert page.locator("noscript a").count() == len(boards)
    context.close()


@pytest.mark.parametrize("part", ["parameters", "latency", "spider", "nonsense", "audit", ""])
def test_a_link_to_a_number_that_a_row_has_not_opens_the_row(
    chromium: Browser, sample_site: Path, part: str
) -> None:
    anchor = f"board=musiccaps.eval.in&open=reeds.5.1~{part}"
    with reading(chromium, sample_site, anchor=anchor) as page:
        assert "Brass Band" in page.inner_text(OPEN)
        assert "table 5, row 1" in page.inner_text(OPEN)
        assert not trouble(page)


def test_a_leaderboard_without_boards_says_so(chromium: Browser, tmp_path: Path) -> None:
    from aacbench.leaderboard import site

    nothing = json.loads(json.dumps(sample_boards()))
    for part in ("boards", "matrix", "pairs", "slopes"):
        nothing[part] = []
    for part in ("rows", "findings"):
        nothing[part] = {}
    site.write(nothing, tmp_path)
    with reading(chromium, tmp_path, anchor="") as page:
        assert page.inner_text("#board-title") == "No boards yet"
        assert not trouble(page)

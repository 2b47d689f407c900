"""The listening page in a real browser, opened from disk: heard, sorted, searched, typed at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import nasty
import pytest
from browser import opened, trouble, wider_than_window

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROUGE = "rouge_l:simple"
CLIPS = "JSON.parse(document.querySelector('#data').textContent).clips"
SEEN = """(element) => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll('.unseen').forEach((one) => one.remove());
    return copy.textContent;
}"""
BESIDE = """() => {
    const pane = document.querySelector('.clip-pane');
    return pane.scrollWidth - pane.clientWidth;
}"""


def ready(page: Page, name: str) -> None:
    """Wait until a clip is the one shown."""
    page.wait_for_function("n => document.querySelector('.clip-name')?.textContent === n", arg=name)


def chosen(page: Page) -> str:
    return page.locator(".clip-name").inner_text()


def listed(page: Page) -> list[str]:
    """Every clip of the list in order, read row by row as it is scrolled."""
    found: dict[int, str] = {}
    height = page.evaluate("document.querySelector('#list').clientHeight")
    for top in range(
        0, page.evaluate("document.querySelector('#list-sheet').offsetHeight"), height
    ):
        page.evaluate("top => { document.querySelector('#list').scrollTop = top; }", top)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        for row in page.locator(".row").all():
            found[int(row.get_attribute("aria-posinset") or 0)] = row.locator(
                ".row-id"
            ).inner_text()
    assert sorted(found) == list(range(1, len(found) + 1))
    return [found[place] for place in sorted(found)]


def scores(folder: Path) -> dict[str, float]:
    lines = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    return {line["id"]: line[ROUGE] for line in lines}


@pytest.fixture(scope="module")
def shared(chromium: Browser, both: Path) -> Iterator[Page]:
    """One window for what leaves nothing behind."""
    with opened(chromium, both) as page:
        page.wait_for_selector(".clip-name")
        yield page
        assert not trouble(page)


@pytest.fixture
def fresh(shared: Page) -> Page:
    """The shared window as when it was opened."""
    shared.evaluate("window.location.hash = '#sort=target&clip=00.wav'")
    ready(shared, "00.wav")
    shared.evaluate("document.activeElement.blur()")
    return shared


def go(page: Page, anchor: str) -> None:
    page.evaluate("anchor => { window.location.hash = anchor; }", anchor)
    page.wait_for_function("() => !document.querySelector('.clip')?.matches(':empty')")


def test_it_opens_from_disk_without_a_word_or_a_request(chromium: Browser, both: Path):
    with opened(chromium, both) as page:
        page.wait_for_selector(".figures")
        assert not trouble(page)
        assert page.title() == "folder:mine@all: listening page"
        assert page.locator(".row").count() < 20  # of 30: only those in sight are drawn


def test_real_sound_is_played_and_its_place_drawn(fresh: Page):
    fresh.click("#play")
    fresh.wait_for_function("() => document.querySelector('#audio').currentTime > 0.2")
    assert fresh.evaluate("document.querySelector('#audio').duration") == pytest.approx(2, abs=0.01)
    assert fresh.get_attribute("#play", "aria-label") == "Pause"
    assert float(fresh.evaluate("parseFloat(document.querySelector('#playhead').style.left)")) > 5
    fresh.keyboard.press("j")
    ready(fresh, "01.wav")
    assert fresh.get_attribute("#play", "aria-label") == "Play"


def test_a_press_on_the_spectrogram_goes_there(fresh: Page):
    box = fresh.locator("#tracks").bounding_box()
    assert box is not None
    fresh.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 30)
    assert fresh.evaluate("document.querySelector('#audio').currentTime") == pytest.approx(
        1.5, abs=0.02
    )
    fresh.keyboard.press("ArrowLeft")
    assert fresh.evaluate("document.querySelector('#audio').currentTime") == pytest.approx(
        0.5, abs=0.02
    )


def test_wave_and_spectrogram_are_there_and_silence_is_flat(fresh: Page):
    fresh.wait_for_function("() => document.querySelector('.mel img').naturalHeight === 64")
    height = "document.querySelector('.wave path').getBBox().height"
    assert fresh.evaluate(height) > 200
    go(fresh, "clip=01.wav")
    ready(fresh, "01.wav")
    assert fresh.evaluate(height) == 0
    assert "silent throughout" in fresh.inner_text(".sound-facts")


def test_each_order_is_the_one_of_scores_jsonl(fresh: Page, runs: Mapping[str, Path]):
    plain, other = (scores(folder) for folder in runs.values())
    both = {name: [one[name] for one in (plain, other) if name in one] for name in other}
    keys = {
        "worst": lambda name: sum(both[name]) / len(both[name]),
        "best": lambda name: -sum(both[name]) / len(both[name]),
        "disagreement": lambda name: -(max(both[name]) - min(both[name])),
    }
    for sort, key in keys.items():
        go(fresh, f"sort={sort}&figure={ROUGE}&clip=00.wav")
        names = listed(fresh)
        values = [round(key(name), 6) for name in names if len(both[name]) == 2]
        assert values == sorted(values), sort
        assert len(names) == 30
    assert names[-1] == "07.wav"  # only one system captioned it: nothing to disagree with
    go(fresh, "sort=target&clip=00.wav")
    assert listed(fresh) == sorted(both)


def test_the_page_orders_as_the_command_did_by_default(one: Path, chromium: Browser):
    with opened(chromium, one, anchor="sort=disagreement") as page:
        page.wait_for_selector(".clip-name")
        spread = page.evaluate(f"{CLIPS}.map((clip) => [clip.id, clip.spread[0]])")
        expected = sorted(spread, key=lambda pair: (pair[1] is None, -(pair[1] or 0)))
        assert listed(page) == [name for name, _ in expected]


def test_words_narrow_the_list_and_are_marked(fresh: Page):
    go(fresh, "in=references&clip=00.wav")
    fresh.keyboard.press("/")
    fresh.keyboard.type("whistles")
    fresh.wait_for_function(
        "() => document.querySelector('#count').textContent.startsWith('7 of 30')"
    )
    names = listed(fresh)
    assert sorted(names) == [f"{number:02}.wav" for number in range(3, 30, 4)]
    assert fresh.locator(".references mark").first.inner_text() == "whistles"
    fresh.keyboard.press("Escape")
    assert fresh.evaluate("document.activeElement.id") != "word"
    go(fresh, 'word="rain"&in=captions&clip=00.wav&systems=B')
    assert len(listed(fresh)) == 30
    go(fresh, "word=-rain&in=captions&clip=00.wav&systems=B")
    assert fresh.inner_text("#list") == "No clip is like this."


def test_a_link_brings_back_clip_order_words_and_systems(chromium: Browser, both: Path):
    anchor = f"clip=05.wav&sort=best&figure={ROUGE}&word=rain&in=references&systems=B"
    with opened(chromium, both, anchor=anchor) as page:
        ready(page, "05.wav")
        assert page.input_value("#sort") == "best"
        assert page.input_value("#figure") == ROUGE
        assert page.input_value("#word") == "rain"
        assert page.input_value("#scope") == "references"
        assert page.locator(".system").count() == 1
        page.keyboard.press("k")
        page.keyboard.press("j")
        page.keyboard.press("j")
        parts = page.evaluate("[...new URLSearchParams(location.hash.slice(1)).keys()].sort()")
        assert parts == ["clip", "figure", "in", "sort", "systems", "word"]
        page.reload()
        page.wait_for_selector(".clip-name")
        assert page.input_value("#word") == "rain"
        assert not trouble(page)


def test_a_link_that_makes_no_sense_opens_the_page_all_the_same(chromium: Browser, both: Path):
    with opened(
        chromium, both, anchor="clip=none&sort=__proto__&figure=x&systems=Q&show=y"
    ) as page:
        page.wait_for_selector(".figures")
        assert not trouble(page)
        assert page.locator(".system").count() == 2


def test_everything_can_be_done_by_keys(fresh: Page):
    go(fresh, "sort=target&clip=00.wav")
    ready(fresh, "00.wav")
    for key, name in (
        ("j", "01.wav"),
        ("j", "02.wav"),
        ("k", "01.wav"),
        ("G", "29.wav"),
        ("g", "00.wav"),
    ):
        fresh.keyboard.press(key)
        ready(fresh, name)
    assert fresh.locator('.row[aria-selected="true"] .row-id').inner_text() == "00.wav"
    fresh.keyboard.press("k")
    assert chosen(fresh) == "00.wav"
    fresh.keyboard.press(" ")
    fresh.wait_for_function("() => !document.querySelector('#audio').paused")
    fresh.keyboard.press(" ")
    fresh.wait_for_function("() => document.querySelector('#audio').paused")
    fresh.focus("#list")
    fresh.keyboard.press("ArrowDown")
    ready(fresh, "01.wav")
    assert fresh.get_attribute("#list", "aria-activedescendant") == "row-1"
    fresh.keyboard.press("?")
    assert fresh.locator("#help").is_visible()
    fresh.keyboard.press("j")
    assert chosen(fresh) == "01.wav"
    fresh.keyboard.press("Escape")
    assert not fresh.locator("#help").is_visible()


def test_a_clip_that_failed_shows_its_sentence(fresh: Page):
    go(fresh, "show=failed")
    assert listed(fresh) == ["07.wav"]
    fresh.locator(".row").click()
    ready(fresh, "07.wav")
    assert "the <b>ears</b> of this model are shut" in fresh.inner_text(".error-text")
    assert fresh.locator(".row .badge.bad").inner_text() == "failed"


def test_a_clip_without_sound_says_why(chromium: Browser, one: Path, fresh: Page):
    go(fresh, "clip=08.wav")
    ready(fresh, "08.wav")
    assert "not on the machine that wrote this page" in fresh.inner_text(".sound")
    with opened(chromium, one) as page:
        page.wait_for_selector(".clip-name")
        silent = page.evaluate(f"{CLIPS}.find((clip) => !clip.sound && clip.id !== '08.wav').id")
        go(page, f"clip={silent}")
        ready(page, silent)
        assert "not among those chosen" in page.inner_text(".sound")
        assert page.locator("#play").count() == 0


def test_what_the_guide_changed_is_told_token_by_token(fresh: Page):
    go(fresh, "clip=02.wav&systems=B")
    ready(fresh, "02.wav")
    assert fresh.inner_text(".steering summary") == "What the guide changed: 1 of 3 tokens"
    assert fresh.locator(".word").count() == 2  # the third token goes on the second's word
    changed = fresh.locator(".token.changed")
    assert changed.count() == 1
    assert changed.locator(".token-text").inner_text() == "r"
    assert changed.locator("del").inner_text() == "<i>people</i>"
    figures = changed.locator(".token-figures").all_inner_texts()
    assert figures == ["12 → 55 %", "30 → 10 %"]
    widths = changed.locator(".bar > span").evaluate_all("all => all.map(one => one.style.width)")
    assert widths == ["12%", "55%"]
    assert fresh.locator(".row-head .badge", has_text="guided").count() > 0


def test_figures_tell_better_from_worse_without_colour(fresh: Page, runs: Mapping[str, Path]):
    go(fresh, f"figure={ROUGE}&sort=best&systems=A")
    fresh.wait_for_selector(".key-figure.chosen")
    fresh.keyboard.press("g")
    best = max(scores(runs["Plain"]).values())
    chosen_figure = fresh.locator(".key-figure.chosen")
    assert f"{best:.3f}" in chosen_figure.inner_text()
    assert "▲" in chosen_figure.inner_text()
    assert "much better than the run's mean" in (chosen_figure.text_content() or "")


def test_alternatives_and_times_are_shown_on_demand(fresh: Page):
    go(fresh, "clip=02.wav&systems=A")
    ready(fresh, "02.wav")
    assert not fresh.locator(".alternatives").is_visible()
    fresh.click("summary:has-text('2 alternatives')")
    assert fresh.locator(".alternatives li").all_inner_texts() == [
        "something else \N{MINUS SIGN}0.900",
        "nothing at all \N{MINUS SIGN}1.250",
    ]
    fresh.click("summary:has-text('Took')")
    assert "decode" in fresh.inner_text(".stages")
    assert "30 ms" in fresh.inner_text(".stages")


@pytest.mark.parametrize("name", sorted(nasty.NASTY))
def test_hostile_captions_are_words_and_the_page_keeps_its_form(fresh: Page, name: str):
    go(fresh, f"clip={name}&systems=A")
    ready(fresh, name)
    assert fresh.evaluate("window.broken") is None
    assert fresh.locator(".caption img, .caption b, .caption script").count() == 0
    said = nasty.NASTY[name]
    if said.strip():
        seen = fresh.locator(".caption").first.evaluate(SEEN)
        kept = [c for c in said if c.isalnum() or c in "<>{}_"]
        assert [c for c in seen if c.isalnum() or c in "<>{}_"] == kept
    assert wider_than_window(fresh) == 0
    assert fresh.evaluate(BESIDE) == 0
    box = fresh.locator(".caption").first.bounding_box()
    assert box is not None
    assert box["height"] < 260  # 5,000 characters are folded
    assert not trouble(fresh)


def test_what_turns_text_round_is_named_and_long_text_unfolds(fresh: Page):
    go(fresh, "clip=12.wav&systems=A")
    ready(fresh, "12.wav")
    assert fresh.locator(".caption .unseen").all_inner_texts() == [
        "U+202E",
        "U+202C",
        "U+2067",
        "U+2069",
    ]
    go(fresh, "clip=13.wav&systems=A")
    ready(fresh, "13.wav")
    fresh.click(".said .unfold")
    box = fresh.locator(".caption").bounding_box()
    assert box is not None
    assert box["height"] > 500


def test_a_run_without_scores_is_listed_and_says_how_to_score(
    chromium: Browser, runs: Mapping[str, Path], tmp_path: Path
):
    from aacbench import report

    bare = tmp_path / "bare"
    bare.mkdir()
    for file in ("manifest.json", "captions.jsonl"):
        (bare / file).write_bytes((runs["Plain"] / file).read_bytes())
    written = report.write([bare], tmp_path / "out", clips=1)
    with opened(chromium, written.page) as page:
        page.wait_for_selector(".caption")
        assert "aacbench score" in page.inner_text("#notes")
        assert page.locator("#sort option").all_inner_texts() == ["As in the data set"]
        assert page.locator("#figure").is_disabled()
        assert listed(page) == [f"{number:02}.wav" for number in range(30)]
        assert not trouble(page)


def test_a_narrow_screen_shows_the_clip_and_brings_the_list_on_demand(
    chromium: Browser, both: Path
):
    with opened(chromium, both, size=(390, 844), anchor="clip=14.wav") as page:
        ready(page, "14.wav")
        assert wider_than_window(page) == 0
        assert not page.locator("#list").is_visible()
        page.click("#bottom-list")
        assert page.locator("#list").is_visible()
        assert page.locator(".row").count() > 3
        page.locator(".row").first.click()
        assert not page.locator("#list").is_visible()
        before = chosen(page)
        page.click("#bottom-next")
        assert chosen(page) != before
        page.click("#bottom-play")
        page.wait_for_function("() => document.querySelector('#audio').currentTime > 0")
        assert wider_than_window(page) == 0
        assert not trouble(page)


def test_dark_is_dark_and_can_be_switched(chromium: Browser, both: Path):
    lightness = """() => {
        const canvas = document.createElement('canvas').getContext('2d');
        canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
        canvas.fillRect(0, 0, 1, 1);
        return canvas.getImageData(0, 0, 1, 1).data[0];
    }"""
    with opened(chromium, both, color_scheme="dark") as page:
        page.wait_for_selector(".figures")
        assert page.evaluate(lightness) < 60
        page.click("#theme-button")
        assert page.evaluate(lightness) > 200
        assert not trouble(page)

"""What a real guide did to a real captioner, from its run to the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import opened, trouble

from aacbench import api, report

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CLIPS = 6
METRICS = ("rouge_l:simple", "length:simple")


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The same captioner on generated sounds without its guide and with it."""
    home = tmp_path_factory.mktemp("guided")
    found = {
        name: api.run(f"nac:mini@events{name}", "soundbox-events", limit=CLIPS, out=home)
        for name in ("", "+guide")
    }
    for folder in found.values():
        api.score(folder, METRICS)
    return found


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "captions.jsonl").read_text().splitlines()]


def test_the_page_shows_what_the_guide_did_and_what_came_of_it(
    chromium: Browser, guided: Mapping[str, Path], tmp_path: Path
):
    written = report.write(list(guided.values()), tmp_path / "out")
    assert written.sounds == written.clips == CLIPS
    plain = {line["id"]: line["text"] for line in lines(guided[""])}
    with opened(chromium, written.page) as page:
        page.wait_for_selector(".steering")
        differ = 0
        for line in lines(guided["+guide"]):
            page.evaluate("id => { window.location.hash = `#clip=${id}`; }", line["id"])
            page.wait_for_function(
                "n => document.querySelector('.clip-name')?.textContent === n", arg=line["id"]
            )
            steered = line["steered"]
            changed = sum(token["instead"] is not None for token in steered)
            summary = page.locator(".steering summary").inner_text()
            assert summary == f"What the guide changed: {changed} of {len(steered)} tokens"
            words = page.locator(".word").evaluate_all(
                "all => all.map((word) => [...word.querySelectorAll('.token-text')]"
                ".map((token) => token.textContent).join(''))"
            )
            assert " ".join(words) == line["text"]
            twin = page.locator(".twin")
            if plain[line["id"]] == line["text"]:
                assert "the same words" in twin.inner_text()
                continue
            differ += 1
            assert kept(twin, "del") == line["text"].lower()
            assert kept(twin, "ins") == plain[line["id"]].lower()
        assert differ
        assert page.locator(".lane").count() > 0
        assert not trouble(page)


def kept(twin, without: str) -> str:
    """What a comparison says when one of its two sides is left out."""
    words = twin.locator(".prose").evaluate(
        "(all, tag) => [...all.children].filter((one) => one.localName !== tag)"
        ".map((one) => one.textContent).join(' ')",
        without,
    )
    return words.lower()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_twin_is_the_captioner_that_searches_as_the_guide_does(
    guided: Mapping[str, Path], tmp_path: Path, order: tuple[int, ...]
):
    from aacbench.report.reading import read_runs

    alike = api.run("nac:mini@events(beams=1)", "soundbox-events", limit=CLIPS, out=tmp_path)
    folders = [guided[""], guided["+guide"], alike]
    found = read_runs([folders[at] for at in order])
    twins = {run.folder: found.twin(run) for run in found.runs}
    assert twins == {guided[""]: None, guided["+guide"]: order.index(2), alike: None}
    assert read_runs([guided["+guide"], guided[""]]).twin(found.runs[order.index(1)]) == 1


def test_events_lie_where_the_target_says(
    chromium: Browser, guided: Mapping[str, Path], tmp_path: Path
):
    written = report.write([guided[""]], tmp_path / "out", clips=1, sort="target")
    annotations = api.load_dataset("soundbox-events").annotations("test")
    with opened(chromium, written.page) as page:
        page.wait_for_selector(".event")
        name = page.locator(".clip-name").inner_text()
        known = sorted((e.label, round(e.onset, 1)) for e in annotations[name].events)
        shown = page.locator(".event").evaluate_all(
            "all => all.map((one) => [one.title.split(',')[0], Number(one.dataset.onset)])"
        )
        assert sorted((label, round(onset, 1)) for label, onset in shown) == known
        seconds = page.evaluate("Number(document.querySelector('#tracks').ariaValueMax)")
        lefts = page.locator(".event").evaluate_all(
            "all => all.map((e) => parseFloat(e.style.left))"
        )
        assert lefts == pytest.approx([100 * onset / seconds for _, onset in shown], abs=0.01)

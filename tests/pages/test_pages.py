"""What all pages share: data that cannot become markup, readable colours, one plot bundle."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import opened, trouble

from aacbench import pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "<img src=x onerror=alert(1)>",
    "a\u2028b\u2029c",
    "&lt;b&gt;",
    'quotes " and \\ and \u0000',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_embedded_strings_come_back_and_cannot_leave_their_script_element(text: str) -> None:
    written = pages.embedded({text: [text]})
    assert json.loads(written) == {text: [text]}
    assert not re.search("[<>&\u2028\u2029]", written)


def test_what_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pages.embedded({"score": math.nan})


def test_a_browser_reads_embedded_data_as_it_was(chromium: Browser, tmp_path: Path) -> None:
    page_file = tmp_path / "page.html"
    page_file.write_text(
        "<!doctype html><meta charset=utf-8><title>t</title>"
        f'<script type="application/json" id="data">{pages.embedded(HOSTILE)}</script>',
        encoding="utf-8",
    )
    with opened(chromium, page_file) as page:
        read = page.evaluate("JSON.parse(document.getElementById('data').textContent)")
        assert read == HOSTILE
        assert not trouble(page)


PAPERS = ("paper", "surface", "sunken")
INKS = ("ink", "ink-soft", "ink-faint", "accent", "good", "doubt", "bad")
PAIRS = [(ink, paper) for ink in INKS for paper in PAPERS] + [
    ("accent", "accent-wash"),
    ("on-accent", "accent"),
    ("good", "good-wash"),
    ("doubt", "doubt-wash"),
    ("bad", "bad-wash"),
    ("ink", "highlight"),
]


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2) of a colour as a browser prints it: ``rgb(1, 2, 3)``."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_ink_can_be_read_on_every_paper(
    chromium: Browser,
    tmp_path: Path,
    scheme: str,
) -> None:
    page_file = tmp_path / "page.html"
    page_file.write_text(
        f"<!doctype html><meta charset=utf-8><title>t</title><style>{pages.theme()}</style>"
        f"<script>{pages.asset('theme.js')}</script><body>",
        encoding="utf-8",
    )
    with opened(chromium, page_file, color_scheme=scheme) as page:

        def contrast(ink: str, paper: str) -> float:
            ask = "names => names.map(name => window.aacTheme.colour(name))"
            return _contrast(*page.evaluate(ask, [ink, paper]))

        low = {pair: contrast(*pair) for pair in PAIRS if contrast(*pair) < 4.5}
        assert low == {}
        series = {f"series-{n}": contrast(f"series-{n}", "paper") for n in range(1, 7)}
        assert {name: value for name, value in series.items() if value < 3} == {}
        assert not trouble(page)


def test_the_plot_bundle_is_one_classic_script_and_the_same_each_time() -> None:
    vl_convert = pytest.importorskip("vl_convert")
    bundle = pages.vega()
    assert bundle is not None
    assert bundle.startswith("/* Vega")
    assert vl_convert.__version__ in bundle.splitlines()[0]
    assert "</script" not in bundle
    pages.vega.cache_clear()
    assert pages.vega() == bundle


def test_without_vl_convert_there_is_no_bundle_and_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages.vega.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    assert pages.vega() is None
    assert "pip install" in pages.WITHOUT_VEGA
    pages.vega.cache_clear()

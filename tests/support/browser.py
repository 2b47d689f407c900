"""Pages opened in a real headless Chromium, with everything that they did wrong written down.

A folder of tests that needs it has `from browser import chromium` in its conftest.py; then a test
says `with opened(chromium, path) as page:`, and `trouble(page)` is what went wrong on that page.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome")
LOCAL = ("file:", "data:", "blob:", "about:")


@dataclass
class Trouble:
    """What a page did that it should not: words in the console, errors, requests elsewhere."""

    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.console or self.errors or self.requests)


_TROUBLE: dict[int, Trouble] = {}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One headless browser for the tests of a module. Without one: skipped; failed where CI is set.

    No longer than a module, because Playwright's event loop runs as long as it is open and other
    tests of the process could start none of their own.
    """
    api = _playwright()
    executable = next(filter(None, map(shutil.which, EXECUTABLES)), None)
    if executable is None:
        _without(f"no browser on this machine (looked for {', '.join(EXECUTABLES)})")
    with api() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


def _playwright() -> Any:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without("playwright is not installed: pip install 'aacbench[dev]'")
    return sync_playwright


def _without(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def opened(
    browser: Browser,
    file: Path,
    *,
    anchor: str = "",
    size: tuple[int, int] = (1280, 900),
    **context: Any,
) -> Iterator[Page]:
    """`file` opened from disk in a window of `size` pixels; `anchor` is what follows the ``#``.

    Further keywords go to Playwright's `new_context` (``color_scheme="dark"``, ...).
    """
    width, height = size
    surroundings = browser.new_context(viewport={"width": width, "height": height}, **context)
    page = surroundings.new_page()
    page.set_default_timeout(10_000)
    _TROUBLE[id(page)] = found = Trouble()
    page.on("console", lambda said: _heard(found, said.type, said.text))
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    page.on("request", lambda request: _asked(found, request.url))
    try:
        page.goto(file.resolve().as_uri() + (f"#{anchor}" if anchor else ""))
        yield page
    finally:
        surroundings.close()
        _TROUBLE.pop(id(page))


def _heard(found: Trouble, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        found.console.append(f"{kind}: {text}")


def _asked(found: Trouble, url: str) -> None:
    if not url.startswith(LOCAL):
        found.requests.append(url)


def trouble(page: Page) -> Trouble:
    """All that went wrong on a page since it was opened."""
    return _TROUBLE[id(page)]


def wider_than_window(page: Page) -> int:
    """How many pixels the page must be scrolled sideways to see all of it: 0 where it fits."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )

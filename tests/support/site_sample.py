"""The leaderboard's page written from made-up boards: long names, gaps, strings that attack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import opened

from aacbench.leaderboard import site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BOARDS = Path(__file__).resolve().parent.parent / "leaderboard" / "site_boards.json"
CLOTHO = "board=clotho.evaluation.in"


def sample_boards() -> dict[str, Any]:
    """The content of a boards.json."""
    content: dict[str, Any] = json.loads(BOARDS.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="session")
def sample_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a page written from `sample_boards`."""
    folder = tmp_path_factory.mktemp("leaderboard") / "site"
    site.write(sample_boards(), folder)
    return folder


@contextmanager
def reading(browser: Browser, folder: Path, anchor: str = CLOTHO, **window: Any) -> Iterator[Page]:
    """The page of `folder`, drawn."""
    with opened(browser, folder / "index.html", anchor=anchor, **window) as page:
        page.wait_for_selector("html[data-ready]", state="attached")
        yield page


def systems(page: Page) -> list[str]:
    """The ids of the rows that stand on the board, in order."""
    ids: list[str] = page.eval_on_selector_all(
        "#table tbody tr[data-row]", "rows => rows.map(row => row.dataset.row)"
    )
    return ids

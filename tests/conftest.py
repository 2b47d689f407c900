"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def aacbench_shared() -> Path:
    """The shared material: real captions, sounds and published outputs."""
    named = os.environ.get("AACBENCH_TEST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared test material at {folder} (set AACBENCH_TEST_DATA)")
    return folder


@pytest.fixture
def shared_assets(aacbench_shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The public files that real ears need, found where the shared material keeps them."""
    folder = aacbench_shared / "assets"
    monkeypatch.setenv("AACBENCH_ASSETS", str(folder))
    return folder


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI, fail when a test skipped for want of material that is there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    at_hand = (REPOSITORY.parent / "shared" / "data").is_dir()
    if reporter is None or not at_hand or not os.environ.get("CI"):
        return
    skipped = [str(report.longrepr) for report in reporter.stats.get("skipped", [])]
    wanting = [reason for reason in skipped if "shared test material" in reason]
    if wanting:
        reporter.write_line(f"{len(wanting)} tests skipped for want of material that is there")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

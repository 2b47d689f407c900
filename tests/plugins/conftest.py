"""What the tests of several plugins share: captions, a language model of GPT-2's kind, sounds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gpt2_folder import make_gpt2

from aacbench.types import Clip
from aacbench.workshop import Workshop


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No cache and no assets but this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("AACBENCH_DATA", raising=False)
        patch.delenv("AACBENCH_ASSETS", raising=False)
        yield


@pytest.fixture(scope="session")
def captions() -> list[str]:
    """Five hundred of soundbox's training captions."""
    annotations = Workshop().build("datasets", "soundbox-events").annotations("train")
    return [text for one in list(annotations.values())[:100] for text in one.references]


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> Path:
    """A folder with a GPT-2 of two random layers and words learnt from captions."""
    return make_gpt2(tmp_path_factory.mktemp("gpt2"), captions)


@pytest.fixture(scope="session")
def clips(aacbench_shared: Path) -> list[Clip]:
    """Real recordings."""
    folder = aacbench_shared / "data" / "audio" / "audiocaps_test"
    return [Clip(path.stem, path) for path in sorted(folder.glob("*.wav"))[:3]]

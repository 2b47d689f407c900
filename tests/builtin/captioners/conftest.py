"""Small models of each kind on disk, and real recordings for them to hear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import tiny_listeners

from aacbench.types import Audio, Clip
from aacbench.workshop import Workshop

MAKERS = {
    "qwen2_audio": tiny_listeners.make_qwen2_audio,
    "audioflamingo3": tiny_listeners.make_audio_flamingo,
    "musicflamingo": tiny_listeners.make_music_flamingo,
    "moonshine": tiny_listeners.make_moonshine,
    "whisper": tiny_listeners.make_whisper,
}
Build = Callable[..., Any]


@pytest.fixture(scope="session")
def captions() -> list[str]:
    """Some hundred of soundbox's training captions."""
    annotations = Workshop().build("datasets", "soundbox-events").annotations("train")
    return [text for one in list(annotations.values())[:50] for text in one.references]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> Callable[[str], Path]:
    """The folder of a model of a kind, written once."""
    written: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in written:
            written[kind] = MAKERS[kind](tmp_path_factory.mktemp(kind), captions)
        return written[kind]

    return folder


@pytest.fixture
def build(folders: Callable[[str], Path]) -> Build:
    """`hf:` on a model of a kind, by its expression, with short captions."""

    def made(kind: str, guide: str = "", **options: Any) -> Any:
        inside = ", ".join(f"{k}={v}" for k, v in {"max_tokens": 10, **options}.items())
        return Workshop().build("captioners", f"hf:{folders(kind)}({inside}){guide}")

    return made


@pytest.fixture(scope="session")
def clips(aacbench_shared: Path) -> list[Clip]:
    """Three real recordings of 10, 2 and 4.3 seconds."""
    folder = aacbench_shared / "data" / "audio" / "audiocaps_test"
    heard = []
    for path, seconds in zip(sorted(folder.glob("*.wav"))[:3], (10, 2, 4.3), strict=True):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        cut = samples[: int(seconds * rate)].mean(1)
        heard.append(Clip(path.stem, Audio(cut, rate)))
    return heard

"""Embeddings are computed once: clip by clip, whatever list they come in, and past a kill."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from aacbench import embeddings
from aacbench.embeddings import Shelf, cached_audio
from aacbench.types import Audio, Clip

TONES = [
    Clip(str(number), Audio(np.full(400, number / 100, np.float32), 16_000)) for number in range(50)
]


class Loudness:
    """An encoder for counting by hand: a sound's first sample, and what it was asked for."""

    dim = 2

    def __init__(self, dies_at: str | None = None) -> None:
        self.heard: list[str] = []
        self.dies_at = dies_at

    def embed_audio(self, clips: Sequence[Clip]) -> np.ndarray:
        if self.dies_at in {clip.id for clip in clips}:
            raise KeyboardInterrupt
        self.heard += [clip.id for clip in clips]
        levels = [clip.audio.samples[0] for clip in clips if isinstance(clip.audio, Audio)]
        return np.array([[level, 1.0] for level in levels], np.float32)

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        raise AssertionError(texts)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_part_of_a_set_is_taken_from_the_whole_in_the_order_asked_for():
    encoder = Loudness()
    whole = cached_audio(encoder, "clap:mini", TONES)
    assert whole.dtype == np.float32
    part = cached_audio(encoder, "clap:mini", [TONES[7], TONES[3], TONES[7]])
    np.testing.assert_array_equal(part, whole[[7, 3, 7]])
    assert len(encoder.heard) == 50
    assert cached_audio(encoder, "clap:mini", []).shape == (0, 2)


def test_a_sound_of_the_same_name_is_another_sound():
    encoder = Loudness()
    cached_audio(encoder, "clap:mini", TONES[:1])
    louder = Clip("0", Audio(np.full(400, 0.9, np.float32), 16_000))
    np.testing.assert_allclose(cached_audio(encoder, "clap:mini", [louder]), [[0.9, 1.0]])


def test_two_encoders_keep_apart():
    first, second = Loudness(), Loudness()
    cached_audio(first, "clap:mini", TONES[:2])
    cached_audio(second, "clap:mini(top=3)", TONES[:2])
    assert second.heard == ["0", "1"]


def test_a_killed_process_loses_the_batch_in_hand_and_no_more():
    dying = Loudness(dies_at="40")
    with pytest.raises(KeyboardInterrupt):
        cached_audio(dying, "clap:mini", TONES)
    assert len(dying.heard) == embeddings.BATCH
    next_one, told = Loudness(), []
    rows = cached_audio(next_one, "clap:mini", TONES, lambda done, of: told.append((done, of)))
    assert next_one.heard == [str(number) for number in range(embeddings.BATCH, 50)]
    assert told == [(18, 18)]
    np.testing.assert_allclose(rows[:, 0], np.arange(50) / 100, atol=1e-7)


def test_a_shelf_gives_back_the_very_bits(tmp_path: Path):
    rows = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    keys = ["rain", "a \ud800 b", ""]
    Shelf(tmp_path / "new" / "rows.sqlite").write(dict(zip(keys, rows, strict=True)))
    found = Shelf(tmp_path / "new" / "rows.sqlite").read([*keys, "absent"])
    assert list(found) == keys
    assert np.array_equal(np.stack([found[key] for key in keys]), rows)

"""Conformance checks of encoders and classifiers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from aacbench import Clip, testing
from aacbench.audio import waveform


def unit(seed: str) -> np.ndarray:
    """A direction that depends on a text alone, (8,)."""
    digest = hashlib.sha256(seed.encode()).digest()
    row = np.random.default_rng(list(digest)).normal(size=8)
    return (row / np.linalg.norm(row)).astype(np.float32)


class Rows:
    """A sound encoder, each side of which a test may `change`."""

    dim: Any = 8

    def __init__(self, change: Callable[[Any], Any] = lambda rows: rows, side: str = "") -> None:
        self.change, self.side = change, side

    def embed_audio(self, clips: Sequence[Clip]) -> Any:
        heard = [f"{np.abs(waveform(clip, 16_000)).sum():.3f}" for clip in clips]
        return self._give("audio", [unit(text) for text in heard])

    def embed_text(self, texts: Sequence[str]) -> Any:
        return self._give("text", [unit(text) for text in texts])

    def _give(self, side: str, rows: list[np.ndarray]) -> Any:
        stacked = np.stack(rows)
        return self.change(stacked) if self.side in ("", side) else stacked


class NoWidth(Rows):
    dim = None


def padded(rows: np.ndarray) -> np.ndarray:
    """Rows that lean to one side in a larger batch, of unit length all the same."""
    leaning = rows + 0.01 * (len(rows) - 1) * np.eye(8)[0]
    return (leaning / np.linalg.norm(leaning, axis=1, keepdims=True)).astype(np.float32)


BROKEN_ENCODERS: dict[str, tuple[Any, str]] = {
    "no dim": (NoWidth(), "dim is None"),
    "list": (Rows(lambda rows: rows.tolist()), "embed_audio(clips) gives list"),
    "float64": (Rows(lambda rows: rows.astype(float)), "embed_audio(clips) gives float64"),
    "one row short": (Rows(lambda rows: rows[1:], "text"), "embed_text(texts) gives the shape (3"),
    "NaN": (Rows(lambda rows: rows * np.float32("nan")), "NaN or infinity"),
    "not of unit length": (Rows(lambda rows: 2 * rows), "a row of length 2.0000"),
    "batch matters to sound": (Rows(padded, "audio"), "gives the clip noise another row alone"),
    "batch matters to text": (Rows(padded, "text"), "gives 'rain' another row alone"),
    "order matters": (
        Rows(lambda rows: rows[np.argsort(rows[:, 0])]),
        "another row",
    ),
}


def test_sound_encoder_passes() -> None:
    testing.check_encoder(Rows())


@pytest.mark.parametrize("fault", BROKEN_ENCODERS)
def test_broken_encoder_is_named(fault: str, fault_of: Any) -> None:
    encoder, said = BROKEN_ENCODERS[fault]
    found = fault_of(testing.check_encoder, encoder, name="mine")
    assert said in found.message
    assert "encoder 'mine'" in found.message


class Labels:
    """Two labels, told from the length of a text."""

    def __init__(
        self,
        change: Callable[[np.ndarray], Any] = lambda rows: rows,
        labels: Any = ("long", "short"),
    ) -> None:
        self.change, self.labels = change, labels

    def probabilities(self, texts: Sequence[str]) -> Any:
        long = np.array([1 / (1 + np.exp(3 - len(text) / 10)) for text in texts])
        return self.change(np.stack([long, 1 - long], axis=1).astype(np.float32))


BROKEN_CLASSIFIERS: dict[str, tuple[Any, str]] = {
    "labels in a list": (Labels(labels=["long", "short"]), "labels is ['long', 'short']"),
    "label twice": (Labels(labels=("long", "long")), "labels is ('long', 'long')"),
    "a label without a column": (Labels(labels=("a", "b", "c")), "the shape (4, 2) where (4, 3)"),
    "logits": (Labels(lambda rows: 3 * rows - 1), "gives 'rain' the row"),
    "softmax over the batch": (
        Labels(lambda rows: (rows / rows.sum(0) + 1) / (rows / rows.sum(0) + 1).sum(1)[:, None]),
        "another row alone",
    ),
}


def test_sound_classifier_passes() -> None:
    testing.check_classifier(Labels())


@pytest.mark.parametrize("fault", BROKEN_CLASSIFIERS)
def test_broken_classifier_is_named(fault: str, fault_of: Any) -> None:
    classifier, said = BROKEN_CLASSIFIERS[fault]
    found = fault_of(testing.check_classifier, classifier, name="mine")
    assert said in found.message
    assert "classifier 'mine'" in found.message

"""How well an encoder's audio vectors lie among text vectors: retrieval, naming, and the gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Rows = npt.NDArray[np.float32]
    Numbers = npt.NDArray[np.int64]


def retrieval(audio: Rows, texts: Rows, owner: Numbers, event_set: Numbers) -> dict[str, float]:
    """Captions found from sound: `owner` (texts,) is the clip of each caption.

    `r1` and `r5` ask for one of the clip's own captions among the nearest; `set_r1` accepts any
    caption whose clip holds the same set of events.
    """
    similarity = audio @ texts.T  # (clips, texts)
    own = owner[None] == np.arange(len(audio))[:, None]
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :5]
    found = np.take_along_axis(own, nearest, axis=1)
    return {
        "r1": float(found[:, 0].mean()),
        "r5": float(found.any(1).mean()),
        "set_r1": float((event_set[owner[nearest[:, 0]]] == event_set).mean()),
    }


def naming(audio: Rows, prompts: Rows, labels: Numbers) -> dict[str, float]:
    """Zero-shot accuracy: the prompt nearest to a sound is that of its label, (clips,)."""
    return {"accuracy": float(((audio @ prompts.T).argmax(1) == labels).mean())}


def gap(audio: Rows, texts: Rows) -> dict[str, float]:
    """The modality gap between paired rows.

    `means` is the distance between the two clouds' means; `infinity` the mean largest difference
    of a coordinate between a sound and its caption, which Deshmukh et al. set the noise's level by.
    """
    difference = audio - texts
    return {
        "means": float(np.linalg.norm(difference.mean(0))),
        "infinity": float(np.abs(difference).max(1).mean()),
        "distance": float(np.linalg.norm(difference, axis=1).mean()),
        "cosine": float((audio * texts).sum(1).mean()),
    }


def micro_f1(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    """Micro F1 of (clips, labels) tables."""
    hits = float((found & true).sum())
    return 2 * hits / max(1.0, float(found.sum() + true.sum()))

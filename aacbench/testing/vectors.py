"""Checks of what turns sound and text into rows of numbers: encoders and classifiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from aacbench.perceiving import ImageEncoder, perceive, sees
from aacbench.testing.rules import calling, expect, named, shown
from aacbench.testing.samples import sample_clips, sample_pictures
from aacbench.types import Classifier, Clip, Encoder

TOLERANCE = 1e-4
TEXTS = (
    "rain",
    "a dog barks while a car drives past and somebody speaks far away, then it is quiet again",
    "",
    "The wind blows.",
)
ALIKE = "Mask what you pad, and switch dropout off (model.eval())."

Rows = Callable[[Sequence[Any]], Any]


def check_encoder(
    encoder: Encoder | ImageEncoder, clips: Sequence[Clip] | None = None, name: str | None = None
) -> None:
    """Check both sides of an encoder: float32 rows of unit length and of `dim` numbers, in order
    and the same whatever else is in the batch. Raises `PluginFault`.

    An encoder of pictures is shown `sample_pictures`, which takes pillow.
    """
    part = named("encoder", encoder, name)
    if clips is None and sees(encoder):
        with TemporaryDirectory() as folder:
            check_encoder(encoder, sample_pictures(Path(folder)), name)
        return
    dim = getattr(encoder, "dim", None)
    expect(
        isinstance(dim, int) and dim > 0,
        part,
        f"dim is {shown(dim)}",
        "dim is the number of columns that embed_audio (or embed_image) and embed_text give.",
    )
    assert isinstance(dim, int)
    perceived = list(sample_clips() if clips is None else clips)
    side = "embed_image(clips)" if sees(encoder) else "embed_audio(clips)"
    sides: tuple[tuple[str, Rows, list[Any]], ...] = (
        (side, partial(perceive, encoder), perceived),
        ("embed_text(texts)", encoder.embed_text, list(TEXTS)),
    )
    for call, rows, given in sides:
        embedded = _rows(part, call, rows, given, dim)
        lengths = np.linalg.norm(embedded.astype(np.float64), axis=1)
        for one, length in zip(given, lengths, strict=True):
            expect(
                abs(length - 1) <= 1e-3,
                part,
                f"{call} gives {_told(one)} a row of length {length:.4f}",
                "Divide each row by its norm; silence and empty text need a row of length 1 too.",
            )
        _check_company(part, call, rows, given, embedded)


def check_classifier(
    classifier: Classifier, texts: Sequence[str] | None = None, name: str | None = None
) -> None:
    """Check that rows of `probabilities` match `labels`, sum to 1 and do not depend on the batch.

    Raises `PluginFault`.
    """
    part = named("classifier", classifier, name)
    labels = getattr(classifier, "labels", None)
    expect(
        isinstance(labels, tuple) and labels and len(set(labels)) == len(labels),
        part,
        f"labels is {shown(labels)}",
        "labels is a tuple of distinct names, one a column.",
    )
    assert isinstance(labels, tuple)
    given = list(TEXTS if texts is None else texts)
    call = "probabilities(texts)"
    found = _rows(part, call, classifier.probabilities, given, len(labels))
    for one, row in zip(given, found, strict=True):
        expect(
            (row >= 0).all() and abs(float(row.sum()) - 1) <= 1e-3,
            part,
            f"{call} gives {_told(one)} the row {shown(row.tolist())}",
            "Each row is at least 0 and sums to 1.",
        )
    _check_company(part, call, classifier.probabilities, given, found)


def _rows(part: str, call: str, rows: Rows, given: Sequence[Any], width: int) -> Any:
    with calling(part, call, "Silence, 20 ms of sound and the empty text are input too."):
        found = rows(given)
    shape = (len(given), width)
    dtype = getattr(found, "dtype", type(found).__name__)
    expect(
        isinstance(found, np.ndarray) and found.dtype == np.float32,
        part,
        f"{call} gives {dtype}, not a numpy array of float32",
        "End with .cpu().numpy().astype(numpy.float32).",
    )
    expect(
        found.shape == shape,
        part,
        f"{call} gives the shape {found.shape} where {shape} was due",
        "Give one row for each thing, in order.",
    )
    expect(np.isfinite(found).all(), part, f"{call} gives NaN or infinity", "Mind dividing by 0.")
    return found


def _check_company(part: str, call: str, rows: Rows, given: Sequence[Any], together: Any) -> None:
    alone = np.concatenate([_rows(part, call, rows, [one], together.shape[1]) for one in given])
    turned = _rows(part, call, rows, list(reversed(given)), together.shape[1])[::-1]
    for way, found in (("alone", alone), ("in reverse order", turned)):
        for number, one in enumerate(given):
            gap = float(np.abs(found[number] - together[number]).max())
            expect(
                gap <= TOLERANCE,
                part,
                f"{call} gives {_told(one)} another row {way} (by {gap:.2g})",
                ALIKE,
            )


def _told(one: Any) -> str:
    return f"the clip {one.id}" if isinstance(one, Clip) else shown(one)

"""What a sound looks like: its outline, and its mel spectrogram as a small PNG.

The picture is indexed, 64 rows for 64 mel bands, low sounds at the bottom; its colours rise in
lightness from blue-black over sea green to yellow, so that they read the same for every kind of
colour vision.
"""

from __future__ import annotations

import struct
import zlib
from functools import cache
from math import log2, log10

import numpy as np
import numpy.typing as npt

BANDS = 64
LOWEST = 50.0
"""Hertz at the lower edge of the lowest band."""

COLUMNS = 640
"""At most so many points in time."""

WINDOW = 0.064
"""Seconds that a spectrum looks at, to the next power of two samples."""

RANGE_DB = 70.0
QUIETEST = -60.0
"""Decibels below which even the loudest place of a clip does not count as full brightness, so
that the noise floor of a silent recording does not glow."""

FRAMES = 512  # frames transformed at once, so that a long clip's never lie side by side
# Lightness, and the two opponent colours (green-red, blue-yellow) of OKLab, from silent to loud.
STOPS = (
    (0.14, 0.005, -0.045),
    (0.29, -0.005, -0.090),
    (0.45, -0.045, -0.075),
    (0.62, -0.090, -0.020),
    (0.79, -0.095, 0.090),
    (0.95, -0.030, 0.125),
)

Samples = npt.NDArray[np.float32]


def outline(samples: Samples, columns: int = COLUMNS) -> npt.NDArray[np.float32]:
    """Lowest and highest sample of each column, (columns, 2); fewer where samples are fewer."""
    starts = _starts(len(samples), columns)
    low = np.minimum.reduceat(samples, starts)
    high = np.maximum.reduceat(samples, starts)
    return np.stack([low, high], axis=1)


def _starts(length: int, columns: int) -> npt.NDArray[np.intp]:
    """Where each of at most `columns` equal parts of `length` begins."""
    return np.arange(min(columns, length)) * length // min(columns, length)


def mel(hertz: float) -> float:
    """A frequency on the mel scale (O'Shaughnessy 1987)."""
    return 2595.0 * log10(1.0 + hertz / 700.0)


def log_mel(samples: Samples, rate: int, columns: int = COLUMNS) -> npt.NDArray[np.uint8]:
    """Loudness by band and time, (64, columns), row 0 the lowest band: 0 is silent, 255 loudest.

    Linear in decibels over `RANGE_DB` below the loudest place of the clip.
    """
    power = _pooled(_powers(samples, rate), columns)  # (columns, bins)
    level = 10.0 * np.log10(np.maximum(power @ _filters(rate).T, 1e-14))
    top = max(float(level.max()), QUIETEST)
    bright = np.clip(1.0 + (level - top) / RANGE_DB, 0.0, 1.0)
    return np.asarray(np.round(255.0 * bright.T), dtype=np.uint8)


def _window(rate: int) -> int:
    return int(2 ** round(log2(max(WINDOW * rate, 16))))


def _powers(samples: Samples, rate: int) -> npt.NDArray[np.float32]:
    """Power spectra a quarter of a window apart, (frames, bins); a full-scale sine's is 1."""
    size = _window(rate)
    padded = np.pad(samples, size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 4]
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    parts = [
        np.abs(np.fft.rfft(frames[start : start + FRAMES] * window)) ** 2
        for start in range(0, len(frames), FRAMES)
    ]
    scale = (2.0 / float(window.sum())) ** 2
    return np.asarray(np.concatenate(parts) * scale, dtype=np.float32)


def _pooled(frames: npt.NDArray[np.float32], columns: int) -> npt.NDArray[np.float32]:
    """The mean of neighbouring frames, so that at most `columns` are left."""
    starts = _starts(len(frames), columns)
    counts = np.diff([*starts, len(frames)])
    return np.asarray(np.add.reduceat(frames, starts, axis=0) / counts[:, None], dtype=np.float32)


@cache
def _filters(rate: int) -> npt.NDArray[np.float32]:
    """Triangles over the bins of a spectrum, (64, bins), each with a top of 1 or near it."""
    size = _window(rate)
    edges = np.linspace(mel(LOWEST), mel(rate / 2), BANDS + 2)
    bins = np.array([mel(at * rate / size) for at in range(size // 2 + 1)])
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    found = np.maximum(0.0, np.minimum(rising, falling))
    for band in np.flatnonzero(~found.any(axis=1)):  # narrower than a bin: the nearest one
        found[band, np.argmin(np.abs(bins - edges[band + 1]))] = 1.0
    return np.asarray(found, dtype=np.float32)


@cache
def colours() -> npt.NDArray[np.uint8]:
    """The 256 colours of the map, (256, 3), from silent to loud."""
    at = np.linspace(0, len(STOPS) - 1, 256)
    lab = np.stack(
        [np.interp(at, range(len(STOPS)), part) for part in zip(*STOPS, strict=True)], axis=1
    )
    return _from_oklab(lab)


def _from_oklab(lab: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """OKLab to sRGB (Ottosson 2020)."""
    to_cones = [
        [1.0, 1.0, 1.0],
        [0.3963377774, -0.1055613458, -0.0894841775],
        [0.2158037573, -0.0638541728, -1.2914855480],
    ]
    from_cones = [
        [4.0767416621, -1.2684380046, -0.0041960863],
        [-3.3077115913, 2.6097574011, -0.7034186147],
        [0.2309699292, -0.3413193965, 1.7076147010],
    ]
    linear = (lab @ np.array(to_cones)) ** 3 @ np.array(from_cones)
    linear = np.clip(linear, 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255 * srgb), dtype=np.uint8)


def png(picture: npt.NDArray[np.uint8]) -> bytes:
    """An indexed PNG of a (rows, columns) picture in `colours`, its first row at the bottom."""
    rows, columns = picture.shape
    lines = np.zeros((rows, columns + 1), dtype=np.uint8)  # each line begins with filter 0: none
    lines[:, 1:] = picture[::-1]
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", colours().tobytes()),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def peak_db(samples: Samples) -> float | None:
    """The highest sample in decibels of full scale; None where all are zero."""
    peak = float(np.abs(samples).max(initial=0.0))
    return decibels(peak) if peak > 0 else None


def decibels(factor: float) -> float:
    """An amplitude's factor in decibels, to a tenth."""
    return round(20 * log10(factor), 1)

"""A sound file's samples, held against what its header promises of them.

libsndfile forgives much: it shortens a cut WAV without a word and guesses the length of an MP3 that
does not state it. Here the first is an error and the second is read to its end.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench.errors import BadAudio
from aacbench.types import Audio

if TYPE_CHECKING:
    import numpy.typing as npt

TOLERANCE = 0.05  # seconds that may be missing of what a header promises
BLOCK = 1 << 18  # frames decoded at once, so that channels of a long file never lie side by side
STREAMED = 0x7FFFF000  # sizes from here on are placeholders of writers that could not seek back

# libsndfile cuts the size of a WAV or AIFF to what the file holds, and only its log tells.
_CUT = re.compile(r"\b(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)")
_MP3_LENGTHS = (b"Xing", b"Info", b"VBRI")  # headers in an MP3's first frame that state its length


def decode(path: Path) -> Audio:
    """The mean of the file's channels, float32 (n,), at its own rate; `BadAudio` names the file."""
    import soundfile

    _refuse_unreadable(path)
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            rate = int(file.samplerate)
            untold = file.format == "MP3" and not _mp3_states_length(path)
            samples = _mixed_streamed(path) if untold else _mixed_blocks(file)
            promised = len(samples) if untold else _promised_frames(file)
    except (soundfile.SoundFileError, TypeError) as reason:
        raise _undecodable(path, reason) from reason
    if promised - len(samples) > TOLERANCE * rate:
        raise BadAudio(
            f"{path}: is cut or damaged: holds {len(samples) / rate:.2f} s "
            f"of the {promised / rate:.2f} s its header promises",
            "Fetch it again, or leave it out.",
        )
    return Audio(samples, rate)


def _refuse_unreadable(path: Path) -> None:
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise BadAudio(f"{path}: is not a file", "Name the sound file itself.")
    try:
        path.open("rb").close()
    except OSError as reason:
        raise BadAudio(
            f"{path}: cannot be opened: {reason.strerror}", "Check its path and permissions."
        ) from reason


def _undecodable(path: Path, reason: Exception) -> BadAudio:
    if not path.stat().st_size:
        return BadAudio(f"{path}: is empty (0 bytes)", "Fetch it again, or leave it out.")
    said = getattr(reason, "error_string", "its format is not known")
    return BadAudio(
        f"{path}: cannot be decoded: {said}",
        f"If another program plays it, convert it: ffmpeg -i '{path}' -ac 1 converted.wav",
    )


def _mixed_blocks(file: Any) -> npt.NDArray[np.float32]:
    """All frames that can be decoded, as the mean of their channels."""
    import soundfile

    blocks: list[npt.NDArray[np.float32]] = []
    # A damaged place ends it: what is missing shows against the header's promise.
    with suppress(soundfile.LibsndfileError):
        while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):  # (n, channels)
            with np.errstate(invalid="ignore", over="ignore"):  # `audio` reports what comes of it
                blocks.append(block.mean(axis=1, dtype=np.float32))
    return np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.float32)


def _promised_frames(file: Any) -> int:
    """How many frames the header says there are."""
    cut = _CUT.search(file.extra_info)
    if cut is None:
        return int(file.frames)
    said, held = int(cut[1]), int(cut[2])
    if said >= STREAMED or held <= 0:
        return int(file.frames)
    return round(int(file.frames) * said / held)


def _mp3_states_length(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(10)
        if start[:3] == b"ID3":  # tags come first; their size is written in 7 bits a byte
            size = sum(byte << shift for byte, shift in zip(start[6:], (21, 14, 7, 0), strict=True))
            file.seek(10 + size)
        else:
            file.seek(0)
        frame = file.read(512)
    return any(mark in frame for mark in _MP3_LENGTHS)


def _mixed_streamed(path: Path) -> npt.NDArray[np.float32]:
    """As `_mixed_blocks`, through a pipe: there libsndfile cannot guess a length and stop at it."""
    import soundfile

    with _piped(path) as end, soundfile.SoundFile(end, closefd=False) as file:
        return _mixed_blocks(file)


@contextmanager
def _piped(path: Path) -> Iterator[int]:
    """The reading end of a pipe that a thread fills with the file's bytes."""
    reading, writing = os.pipe()

    def fill() -> None:
        with suppress(BrokenPipeError), open(writing, "wb") as pipe, path.open("rb") as file:
            while part := file.read(1 << 16):
                pipe.write(part)

    filler = threading.Thread(target=fill, daemon=True)
    filler.start()
    try:
        yield reading
    finally:
        os.close(reading)  # first, so that a filler whose reader gave up is let go
        filler.join()

"""Clips as files: what is timed begins with encoded bytes, as it does for a user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from aacbench import audio
from aacbench.errors import BadData
from aacbench.types import Clip

FROM_FILES = "the target's own files, read once beforehand, so that the disk plays no part"
RENDERED = (
    "the target makes its sounds; that is not counted, but decoding them from temporary FLAC "
    "files (24 bits) is"
)


@dataclass(frozen=True)
class Sounds:
    """Clips whose sound is a file, how many seconds each lasts, and where they came from."""

    clips: tuple[Clip, ...]
    seconds: tuple[float, ...]
    source: str


def spread(clips: Sequence[Clip], wanted: int) -> list[Clip]:
    """So many clips at equal distances, always the same ones; all where there are fewer."""
    heard = [clip for clip in clips if clip.audio is not None]
    if len(heard) <= wanted:
        return heard
    return [heard[place * len(heard) // wanted] for place in range(wanted)]


@contextmanager
def as_files(clips: Sequence[Clip]) -> Iterator[Sounds]:
    """The clips with files for their sound; files made for that are gone afterwards.

    Raises `BadAudio` where a sound cannot be read, and `BadData` where there is none.
    """
    if not clips:
        raise BadData("there is no clip with a sound to measure on", "Choose another --target.")
    with TemporaryDirectory(prefix="aacbench-profile-") as folder:
        found, seconds, rendered = [], [], False
        for number, clip in enumerate(clips):
            sound = audio.read(clip.audio)
            seconds.append(sound.duration)
            if isinstance(clip.audio, Path):
                found.append(clip)
                continue
            rendered = True
            import soundfile

            path = Path(folder) / f"{number}.flac"
            soundfile.write(path, sound.samples, sound.rate, subtype="PCM_24")
            found.append(replace(clip, audio=path))
        yield Sounds(tuple(found), tuple(seconds), RENDERED if rendered else FROM_FILES)

"""Folders of short real sounds with captions: the first half second of soundbox clips."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import soundfile

from aacbench.workshop import Workshop

SECONDS = 0.5


def write_folder(folder: Path, numbers: Sequence[int], captions: int = 2) -> Path:
    """The soundbox-events training clips of these numbers, each with its first few captions."""
    dataset = Workshop().build("datasets", "soundbox-events")
    clips, annotations = dataset.clips("train"), dataset.annotations("train")
    folder.mkdir(parents=True, exist_ok=True)
    rows = [("file_name", "caption", "source_id")]
    for clip in (clips[number] for number in numbers):
        sound = clip.audio.read()
        short = sound.samples[: int(SECONDS * sound.rate)]
        soundfile.write(folder / f"{clip.id}.wav", short, sound.rate, subtype="PCM_16")
        texts = annotations[clip.id].references[:captions]
        rows += [(f"{clip.id}.wav", text, clip.source_id) for text in texts]
    write_table(folder, rows)
    return folder


def write_table(folder: Path, rows: Sequence[Sequence[str]]) -> None:
    """The folder's table of captions."""
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def read_table(folder: Path) -> list[list[str]]:
    """Its rows, the head first."""
    with (folder / "captions.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def contents(base: Path) -> dict[str, bytes]:
    """Every file of a knowledge base but its lock."""
    files = (path for path in base.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(base).as_posix(): path.read_bytes() for path in sorted(files)}

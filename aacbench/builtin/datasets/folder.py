"""Anybody's sounds, or pictures: a folder, and a table of captions where there is one.

The table is CSV, TSV or JSONL (``file_name,caption`` with repeated rows, or ``caption_1``,
``caption_2``, ...); columns ``split`` and ``source_id`` are read where they stand in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from aacbench.audio import SUFFIXES as SOUNDS
from aacbench.errors import BadData, BadOption, MissingAsset, nearest
from aacbench.sounds import PICTURES, SoundFolder
from aacbench.specs import Choice, Context, DatasetSpec
from aacbench.tables import (
    REFERENCES,
    SUFFIXES,
    Row,
    clip_id,
    read_rows,
    row_captions,
)
from aacbench.types import Annotation, Clip

ALL = "all"


class Options(BaseModel):
    """Where the sounds and their captions are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path | None = Field(
        default=None, description="the folder of sounds, sub-folders included; must be given"
    )
    captions: Path | None = Field(
        default=None,
        description="the table of captions, seen from the folder; by default captions.csv, "
        "or the only table in it",
    )
    split: str | None = Field(
        default=None, description="only the clips whose split column in the table says this"
    )


SPEC = DatasetSpec(
    name="folder",
    summary="a folder of your own sounds, with captions in a CSV or JSONL if there are any",
    options=Options,
    splits=(ALL,),
    default_split=ALL,
)


class Folder:
    """The clips of a folder.

    With a table, it says what the clips are, in its order, and a clip's id is its name there (with
    forward slashes); sounds that it does not list are left alone. Without one, every sound is a
    clip without references, by its path in the folder. What the table's split column says narrows
    the clips by the option `split`; of the rest, ``all`` is the one split there is.

    A sound has the picture that is called as it is but for the suffix. In a folder that holds
    pictures and no sound, they are the clips.
    """

    def __init__(self, path: Path, captions: Path | None = None, split: str | None = None) -> None:
        if not path.is_dir():
            raise MissingAsset(
                f"there is no folder {path}", "Name the folder that holds your sounds."
            )
        self._path = path
        self._sounds, self._pictures = SoundFolder([path]), SoundFolder([path], PICTURES)
        table = path / captions if captions else _only_table(path)
        entries = _listed(table) if table else _unlisted(self._sounds or self._pictures)
        self._entries = entries if split is None else _narrowed(path, entries, split)

    def clips(self, split: str = ALL) -> Sequence[Clip]:
        """Those whose sound is in the folder, or their picture where it holds no sound at all."""
        clips = []
        for name, annotation in self.annotations(split).items():
            sound, picture = self._file(self._sounds, name), self._picture(name)
            if sound if self._sounds else picture:
                clips.append(Clip(name, sound, source_id=annotation.source_id, image=picture))
        return clips

    def annotations(self, split: str = ALL) -> Mapping[str, Annotation]:
        """What the table says of every clip it lists."""
        if split != ALL:
            raise BadOption(
                f"folder has no split {split!r}", f"Write folder(path={self._path},split={split})."
            )
        return {
            name: Annotation(tuple(entry.captions), source_id=entry.source_id)
            for name, entry in self._entries.items()
        }

    def _picture(self, name: str) -> Path | None:
        """As `_file`; or called as the sound of that name but for the suffix."""
        if not self._pictures:
            return None
        stems = [name[: -len(suffix)] for suffix in SOUNDS if name.lower().endswith(suffix)]
        return self._file(self._pictures, name) or self._pictures.stem(stems)

    def _file(self, files: SoundFolder, name: str) -> Path | None:
        """The file of a listed name: as it says, or of that name in a sub-folder, or any suffix."""
        if exact := files.exact(name) or files.stem([name]):
            return exact
        named = files.named(name)
        if len(named) > 1:
            raise BadData(
                f"{self._path}: {name!r} could be {named[0]} or {named[1]}",
                "Write the path from the folder on into the table of captions.",
            )
        return named[0] if named else None


@dataclass
class Entry:
    """What a table's rows say of one clip."""

    split: str = ""
    source_id: str | None = None
    captions: list[str] = field(default_factory=list)


def create(choice: Choice, context: Context) -> Folder:
    """The data set of `choice`, whose option `path` names the folder."""
    options: Any = choice.options
    if options is None or options.path is None:
        raise BadOption("folder needs to know which", "Write folder(path=/your/sounds).")
    captions = options.captions.expanduser() if options.captions else None
    return Folder(options.path.expanduser(), captions, options.split)


def _only_table(folder: Path) -> Path | None:
    """captions.csv (or .tsv, .jsonl), else the only table, else none."""
    tables = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.name[0] != "." and path.is_file()
    )
    chosen = [path for path in tables if path.stem.lower() == "captions"] or tables
    if len(chosen) > 1:
        raise BadOption(
            f"{folder}: {', '.join(path.name for path in chosen)} could all hold the captions",
            f"Say which: folder(path={folder}, captions={chosen[0].name}).",
        )
    return chosen[0] if chosen else None


def _listed(table: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for row in read_rows(table):
        name = _posix(clip_id(row))
        split, source = _optional(row, "split") or "", _optional(row, "source_id")
        entry = entries.setdefault(name, Entry(split, source))
        if (entry.split, entry.source_id) != (split, source):
            raise BadData(f"{row.place}: {name!r} had another split or source_id in a row before")
        entry.captions.extend(row_captions(row, REFERENCES))
    return entries


def _unlisted(sounds: SoundFolder) -> dict[str, Entry]:
    return {name: Entry() for name in sounds.paths()}


def _narrowed(path: Path, entries: Mapping[str, Entry], split: str) -> dict[str, Entry]:
    chosen = {name: entry for name, entry in entries.items() if entry.split == split}
    if not chosen:
        splits = {entry.split for entry in entries.values()} - {""}
        raise BadOption(f"{path} has no clips of split {split!r}", nearest(split, splits))
    return chosen


def _optional(row: Row, column: str) -> str | None:
    value = row.cells.get(column)
    return str(value).strip() or None if value is not None else None


def _posix(name: str) -> str:
    return str(PurePosixPath(name.replace("\\", "/")))

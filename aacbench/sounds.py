"""Which of a list's sounds and pictures are at hand: folders of files, looked up by name."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from aacbench.audio import SUFFIXES

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")


class SoundFolder:
    """The sound files in and below some folders, by their path relative to it; or those of other
    `suffixes`, such as `PICTURES`.

    Looking a name up never leaves the folders, whatever the name says. Spelling is compared in
    one Unicode form, since file systems differ in theirs. Hidden files are passed over.
    """

    def __init__(self, folders: Iterable[Path], suffixes: Sequence[str] = SUFFIXES) -> None:
        self._by_path: dict[str, Path] = {}
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, Path] = {}
        for folder in folders:
            for path in _files(folder, suffixes):
                relative = _spelling(path.relative_to(folder).as_posix())
                if self._by_path.setdefault(relative, path) is path:
                    self._by_name.setdefault(PurePosixPath(relative).name, []).append(path)
        ranked = sorted(
            self._by_path.items(), key=lambda item: suffixes.index(item[1].suffix.lower())
        )
        for relative, path in ranked:
            self._by_stem.setdefault(relative.removesuffix(path.suffix), path)

    def __len__(self) -> int:
        return len(self._by_path)

    def paths(self) -> dict[str, Path]:
        """Relative path, with forward slashes, to file; sorted."""
        return dict(sorted(self._by_path.items()))

    def exact(self, name: str) -> Path | None:
        """The file of that relative path."""
        return self._by_path.get(_spelling(name))

    def stem(self, stems: Iterable[str]) -> Path | None:
        """The first file whose path without suffix is one of `stems`, in their order; of several
        formats the one that comes first in `suffixes`."""
        found = (self._by_stem.get(_spelling(stem)) for stem in stems) if self._by_stem else ()
        return next(filter(None, found), None)

    def named(self, name: str) -> list[Path]:
        """The files called `name` in whatever sub-folder."""
        return self._by_name.get(_spelling(name), [])


def _spelling(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _files(folder: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    """Files of `suffixes` below a folder, also through linked folders, each real folder once."""
    seen: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if name[0] != "." and path.suffix.lower() in suffixes and path.is_file():
                yield path

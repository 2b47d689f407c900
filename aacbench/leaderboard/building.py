"""`leaderboard/` -> its tables and its site, and whether those that lie there are what it gives.

A pure function: no clock, no commit, no machine, no network; the same folder gives the same bytes
anywhere. Files are replaced whole, and generated ones that nothing generates any more go.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aacbench.errors import BadData
from aacbench.leaderboard import sealing
from aacbench.leaderboard.assembling import Leaderboard, assemble
from aacbench.leaderboard.results import RESULTS, Result, read_results

README, TABLES, SITE, BOARDS = "README.md", "tables", "site", "boards.json"
GENERATED = (README, f"{TABLES}/", f"{SITE}/")
PUBLISHED = "published"
VENDOR = f"{SITE}/vendor/"
"""Others' programs, which every build takes from their package and no repository keeps."""

BUILD = "aacbench leaderboard build"


@dataclass(frozen=True)
class Problem:
    """A generated file that is not what `build` would write, or a row that cannot be believed."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def read(folder: Path) -> Leaderboard:
    """The leaderboard that a folder holds; `BadData` where it is none, or holds what is broken."""
    if not (folder / RESULTS).is_dir() and not (folder / PUBLISHED).is_dir():
        raise BadData(
            f"{folder} holds neither {RESULTS} nor {PUBLISHED}.",
            "Name a leaderboard's folder: --folder leaderboard",
        )
    results = read_results(folder)
    _refuse_broken(results)
    if not (folder / PUBLISHED).is_dir():
        return assemble(results)
    from aacbench.leaderboard.audit import audit
    from aacbench.leaderboard.papers import read_published

    published = read_published(folder / PUBLISHED)
    return assemble(results, published, audit(published))


def _refuse_broken(results: Sequence[Result]) -> None:
    broken = [f"{one.folder}: {problem}" for one in results for problem in sealing.broken(one)]
    if broken:
        raise BadData(
            "\n".join([f"{len(broken)} files of rows are not as they were sealed:", *broken]),
            "Restore them from git, or add their runs again: aacbench leaderboard add RUN",
        )


def build(folder: Path) -> list[Path]:
    """Write all that is generated; the files written, sorted, whether or not they changed."""
    with _generated(folder) as fresh:
        for name, content in fresh.items():
            if not (folder / name).is_file() or (folder / name).read_bytes() != content:
                _replace(folder / name, content)
        for name in _extra(folder, fresh):
            (folder / name).unlink()
        _remove_empty(folder)
        return [folder / name for name in fresh]


def check(folder: Path, tell: Callable[[int, int], None] | None = None) -> list[Problem]:
    """What is wrong with rows, by `verifying.verify_all`, or else with the generated files.

    `tell` is told how many rows have been verified.
    """
    from aacbench.leaderboard.verifying import verify_all

    refused = [
        Problem(one.folder, problem)
        for one in verify_all(folder, tell=tell)
        for problem in one.problems
    ]
    return refused or compare(folder)


def compare(folder: Path) -> list[Problem]:
    """What is stale, missing or extra among the generated files, by name.

    Others' programs may be missing, as in a clean clone; where they lie there, their sha256 is
    compared.
    """
    with _generated(folder) as fresh:
        found = [*_stale(folder, fresh)]
        extra = _extra(folder, fresh)
    return found + [Problem(name, "extra, for nothing generates it") for name in extra]


def _stale(folder: Path, fresh: dict[str, bytes]) -> Iterator[Problem]:
    for name, content in fresh.items():
        path = folder / name
        if not path.is_file():
            if not name.startswith(VENDOR):
                yield Problem(name, "missing")
        elif _digest(path.read_bytes()) != _digest(content):
            other = "not what the installed package holds" if name.startswith(VENDOR) else "stale"
            yield Problem(name, other)


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


@contextmanager
def _generated(folder: Path) -> Iterator[dict[str, bytes]]:
    """Everything that the folder gives, by name, sorted."""
    from aacbench.leaderboard import site

    leaderboard = read(folder)
    files = dict(_tables(leaderboard))
    with TemporaryDirectory() as temporary:
        place = Path(temporary) / SITE
        site.write(leaderboard.as_json(), place)
        for path in place.rglob("*"):
            if path.is_file():
                files[f"{SITE}/{path.relative_to(place).as_posix()}"] = path.read_bytes()
    yield dict(sorted(files.items()))


def _tables(leaderboard: Leaderboard) -> Iterator[tuple[str, bytes]]:
    from aacbench.leaderboard.rendering import comma, latex, markdown
    from aacbench.leaderboard.rendering.readme import readme

    yield README, readme(leaderboard).encode("utf-8")
    yield f"{TABLES}/{BOARDS}", as_json(leaderboard.as_json())
    for board in leaderboard.boards:
        place = f"{TABLES}/{board.id}"
        yield f"{place}.md", markdown.page(leaderboard, board).encode("utf-8")
        yield f"{place}.tex", latex.board_table(leaderboard, board).encode("utf-8")
        yield f"{place}.csv", comma.board_table(leaderboard, board).encode("utf-8")
        yield f"{place}.json", as_json(leaderboard.of_board(board))


def as_json(content: Any) -> bytes:
    """JSON as the leaderboard writes it: valid, in ASCII, the same everywhere."""
    text = json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False)
    return f"{text}\n".encode("ascii")


def _extra(folder: Path, fresh: Mapping[str, bytes]) -> list[str]:
    """Files in the places that belong to `build` which it would not write; what a killed build
    left half done too. Others' programs stay where their package is not installed."""
    there = {
        path.relative_to(folder).as_posix()
        for place in (TABLES, SITE)
        for path in (folder / place).rglob("*")
        if path.is_file()
    }
    bundled = any(name.startswith(VENDOR) for name in fresh)
    return sorted(name for name in there - set(fresh) if bundled or not name.startswith(VENDOR))


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def _remove_empty(folder: Path) -> None:
    for place in (TABLES, SITE):
        for path in sorted((folder / place).rglob("*"), reverse=True):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()

"""Reads the results that a leaderboard keeps: runs with what they gave, and re-scored figures.

A row is a folder below ``results``. Its per-clip figures lie in a form of their own, a line of
figures' names and then a line of numbers a clip, which is a fifth of a run's own file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from aacbench.errors import BadData
from aacbench.store import (
    CAPTIONS,
    MANIFEST,
    RANKINGS,
    RESULT,
    RETRIEVAL,
    SCORES,
    system_of,
    task_of,
)

if TYPE_CHECKING:
    from aacbench.types import FloatArray

Kind = Literal["measured", "re-scored"]
MEASURED: Kind = "measured"
RESCORED: Kind = "re-scored"

RESULTS = "results"
PROFILE = "profile.json"
SEAL = "seal.json"
FIGURES = "figures"
"""What stands in place of a run key where there are figures and no captions."""

DECIMALS = 6
"""Of per-clip figures: 5e-7 at most is lost, half of what a check lets pass."""


@dataclass(frozen=True)
class PerClip:
    """Every clip's figures: `values` are (clips,) in the order of `ids`, NaN for none."""

    ids: tuple[str, ...]
    values: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Result:
    """One row's folder. `folder` is its place below the leaderboard's, ``"results/..."``.

    `manifest` is None where there are figures and no captions; `profile` where nobody timed it.
    """

    kind: Kind
    path: Path
    folder: str
    seal: Mapping[str, Any]
    result: Mapping[str, Any]
    manifest: Mapping[str, Any] | None = None
    profile: Mapping[str, Any] | None = None

    @property
    def system(self) -> str:
        """The captioner's or retriever's expression, or what a re-scored system is called."""
        return system_of(self.result)

    @property
    def target(self) -> str:
        """The data set's name, ``"clotho"``."""
        return str(self.result["target"]).rpartition("@")[0]

    @property
    def split(self) -> str:
        return str(self.result["target"]).rpartition("@")[2]

    @property
    def key(self) -> str:
        """The run key; ``"figures"`` where no run stands behind the figures."""
        return self.path.name

    @property
    def retrieval(self) -> bool:
        """Whether it is a retriever's, which leaves rankings in place of captions."""
        return task_of(self.result) == RETRIEVAL

    @property
    def captions(self) -> Path | None:
        """The file of captions, where they are kept."""
        return self.path / CAPTIONS if self.kind == MEASURED and not self.retrieval else None

    @property
    def rankings(self) -> Path | None:
        """The file of places in rankings, in a retriever's row."""
        return self.path / RANKINGS if self.retrieval else None

    @property
    def done(self) -> int:
        """How many clips were captioned, or ranked."""
        return done(self.result["coverage"])

    @property
    def trained_on(self) -> Mapping[str, Sequence[str] | None]:
        """Part by part, as `TrainedOn`; of a re-scored system's parts captions alone are known."""
        source = self.result if self.manifest is None else self.manifest
        return cast(Mapping[str, Sequence[str] | None], source.get("trained_on") or {})

    @cached_property
    def lines(self) -> PerClip:
        """The per-clip figures, read when first asked for."""
        return read_lines(self.path / SCORES)


def done(coverage: Mapping[str, Any]) -> int:
    """How many clips a result's coverage says were captioned, or ranked."""
    return int(coverage.get("captioned", coverage.get("ranked")) or 0)


def read_results(folder: Path) -> list[Result]:
    """Every row below ``folder/results``, in the order of their paths.

    Reads what is there and believes it: `sealing.verify` is what does not. `BadData` names a file
    that cannot be read.
    """
    return [read_result(path, folder) for path in row_folders(folder)]


def row_folders(folder: Path) -> list[Path]:
    """Where the rows are: a folder that begins with a dot is one that is being written."""
    found = (path.parent for path in (folder / RESULTS).glob(f"*/*/*/{RESULT}"))
    return sorted(path for path in found if not path.name.startswith("."))


def read_result(path: Path, leaderboard: Path) -> Result:
    """The row in one folder."""
    manifest = read_json(path / MANIFEST) if (path / MANIFEST).is_file() else None
    return Result(
        MEASURED if manifest is not None else RESCORED,
        path,
        path.relative_to(leaderboard).as_posix(),
        read_json(path / SEAL),
        read_json(path / RESULT),
        manifest,
        read_json(path / PROFILE) if (path / PROFILE).is_file() else None,
    )


def read_json(path: Path) -> dict[str, Any]:
    """An object from a JSON file; `BadData` where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror}.", ADD_ANEW) from None
    except ValueError as error:
        raise BadData(f"{path} is not JSON: {error}.", ADD_ANEW) from None
    if not isinstance(found, dict):
        raise BadData(f"{path} holds no object.", ADD_ANEW)
    return found


ADD_ANEW = "Take the folder away and add the run again: aacbench leaderboard add RUN"


# --- per-clip figures -----------------------------------------------------------------------------


def read_lines(path: Path) -> PerClip:
    """The inverse of `write_lines`; `BadData` names file and line of what is not in that form."""
    rows = list(_rows(path))
    if not rows:
        raise BadData(f"{path} is empty.", ADD_ANEW)
    (place, header), *rest = rows
    names = header.get("figures") if isinstance(header, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadData(f"{place} does not name the figures.", ADD_ANEW)
    for place, row in rest:
        if not _is_clip(row, len(names)):
            raise BadData(f"{place} is not a clip's id and {len(names)} numbers.", ADD_ANEW)
    ids = tuple(row[0] for _, row in rest)
    table = np.array([row[1:] for _, row in rest], dtype=np.float64).reshape(len(ids), len(names))
    return PerClip(ids, {name: table[:, column] for column, name in enumerate(names)})


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadData(f"{path} cannot be read: {error}.", ADD_ANEW) from None
    for number, line in enumerate(filter(None, text.split("\n")), 1):
        place = f"{path}, line {number}"
        try:
            yield place, json.loads(line)
        except ValueError as error:
            raise BadData(f"{place} is not JSON: {error}.", ADD_ANEW) from None


def _is_clip(row: Any, figures: int) -> bool:
    if not isinstance(row, list) or len(row) != figures + 1 or not isinstance(row[0], str):
        return False
    return all(value is None or type(value) in (int, float) for value in row[1:])


def write_lines(lines: Iterable[Mapping[str, Any]]) -> str:
    """A run's per-clip figures, one mapping a clip, as the text of a row's file."""
    listed = list(lines)
    names = list(dict.fromkeys(name for line in listed for name in line if name != "id"))
    rows: list[Any] = [{"figures": names}]
    rows += [[line["id"], *(_short(line.get(name)) for name in names)] for line in listed]
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


def _short(value: float | None) -> float | int | None:
    if value is None:
        return None
    rounded = round(float(value), DECIMALS)
    return int(rounded) if rounded == int(rounded) else rounded

"""A run's folder: captions appended as they come, everything else replaced whole.

Killed at any moment, the folder holds every finished line; a torn last line is dropped on resume.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from aacbench.errors import BadData, Busy
from aacbench.types import Caption, Steered

SCHEMA = 1
MANIFEST, CAPTIONS, RANKINGS, SCORES, RESULT = (
    "manifest.json",
    "captions.jsonl",
    "rankings.jsonl",
    "scores.jsonl",
    "result.json",
)
PART = "captions.{}.jsonl"
"""A shard's file of captions: ``captions.2-of-8.jsonl``."""
CAPTIONING, RETRIEVAL = "captioning", "retrieval"
"""What a run may be of: a captioner, which leaves captions, or a retriever, which leaves rankings.
The manifest's ``"task"`` says so; without one it is a captioner's."""


@dataclass(frozen=True)
class Record:
    """What became of one clip: its caption, or the sentence that says why there is none."""

    clip_id: str
    caption: Caption | None
    error: str | None = None
    stages: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """A record, and the line that it was read from."""

    record: Record
    raw: bytes


class RunFolder:
    """Reads and writes the files of one run; `part` names a shard's, which shares the folder and
    has a lock and a file of captions to itself."""

    def __init__(self, path: Path, part: str | None = None) -> None:
        self.path = path
        self.part = part

    @property
    def captions(self) -> Path:
        """The file of captions."""
        return self.path / (CAPTIONS if self.part is None else PART.format(self.part))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder; a second process is refused."""
        lock = FileLock(
            self.path / (".lock" if self.part is None else f".lock.{self.part}"), timeout=0
        )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            whose = "" if self.part is None else f" (shard {self.part})"
            raise Busy(
                f"Another process is writing to {self.path}{whose}.",
                "Wait for it to end; what it has done is kept.",
            ) from None
        except OSError as error:
            raise BadData(
                f"{self.path} cannot be written to: {error.strerror}.",
                "Mend that, or give another --out.",
            ) from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def changing_manifest(self) -> Iterator[None]:
        """Hold the manifest, which shards have in common; others wait."""
        with FileLock(self.path / ".lock.manifest"):
            yield

    def manifest(self, task: str | None = CAPTIONING) -> dict[str, Any]:
        """The run's settings; `BadData` where the folder is not a run's, or one of another task
        than `task`."""
        found = self._read_json(MANIFEST, "Give the folder that aacbench run printed.")
        theirs = task_of(found)
        if task is not None and theirs != task:
            raise BadData(
                f"{self.path} is a run of {theirs}, and {task} is what this is about.",
                "Score it: aacbench score RUN. Put it on a board: aacbench leaderboard add RUN.",
            )
        return found

    def result(self) -> dict[str, Any]:
        """The run's corpus scores."""
        return self._read_json(RESULT, f"Type: aacbench score '{self.path}'")

    def has_result(self) -> bool:
        return (self.path / RESULT).is_file()

    def _read_json(self, name: str, hint: str) -> dict[str, Any]:
        path = self.path / name
        if not path.is_file():
            raise BadData(f"{self.path} has no {name}.", hint)
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise BadData(f"{path} is not JSON: {error}.", hint) from None
        if not isinstance(found, dict) or not isinstance(found.get("schema"), int):
            raise BadData(f"{path} was not written by aacbench.", hint)
        if found["schema"] > SCHEMA:
            raise BadData(
                f"{path} was written by a newer aacbench (schema {found['schema']}).",
                "Type: pip install --upgrade aacbench",
            )
        return found

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write under a temporary name, then replace."""
        text = json.dumps(content, indent=2, ensure_ascii=True, default=str) + "\n"
        _replace(self.path / name, [text])

    def write_scores(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """One line a clip with its figures."""
        _replace(self.path / SCORES, _as_lines(lines))

    def write_rankings(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """One line a query with what was found for it."""
        _replace(self.path / RANKINGS, _as_lines(lines))

    def records(self) -> dict[str, Record]:
        """What is on disk, by clip; the last line counts where a clip was tried again.

        `BadData` where shards have captions that are not gathered: a part is not the whole.
        """
        parts = [] if self.part else part_files(self.path)
        if parts:
            raise BadData(
                f"{self.path} is a run in shards, and {len(parts)} of them are not gathered: "
                f"{', '.join(parts[:4])}{', ...' if len(parts) > 4 else ''}.",
                f"Type: aacbench gather '{self.path}'",
            )
        return {name: line.record for name, line in self.lines().items()}

    def lines(self) -> dict[str, Line]:
        """The lines of this file of captions alone, by clip; those before the last are dropped."""
        path = self.captions
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return {}
        whole = raw[: raw.rfind(b"\n") + 1]
        found: dict[str, Line] = {}
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                record = read_record(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise BadData(
                    f"{path}, line {number} is not a caption's line: {error}.",
                    "Delete that line; its clip will be captioned again.",
                ) from None
            found[record.clip_id] = Line(record, line)
        return found

    def write_lines(self, lines: Iterable[Line]) -> None:
        """Replace the file of captions by these lines, as they were read."""
        _replace(self.captions, (line.raw.decode("ascii") + "\n" for line in lines))

    @contextmanager
    def appending(self) -> Iterator[Appender]:
        """Append captions, each flushed to disk as it comes; a torn last line goes first."""
        path = self.captions
        if path.is_file():
            raw = path.read_bytes()
            whole = raw.rfind(b"\n") + 1
            if whole < len(raw):
                os.truncate(path, whole)
        with path.open("ab") as file:
            yield Appender(file)


class Appender:
    """Writes one line a clip and makes sure that it is on disk."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def add(self, record: Record, seed: int) -> None:
        line = json.dumps(write_record(record, seed), ensure_ascii=True)
        self._file.write(line.encode("ascii") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def part_files(path: Path) -> list[str]:
    """The names of the shards whose captions lie in a run's folder, as ``"2-of-8"``."""
    before, after = PART.split("{}")
    found = (file.name for file in path.glob(PART.format("*-of-*")))
    return sorted(name.removeprefix(before).removesuffix(after) for name in found)


def task_of(content: Mapping[str, Any]) -> str:
    """What a manifest or a result is of."""
    return str(content.get("task", CAPTIONING))


def maker_of(content: Mapping[str, Any]) -> str:
    """What a manifest or a result calls who made the run: ``"captioner"`` or ``"retriever"``."""
    return "retriever" if task_of(content) == RETRIEVAL else "captioner"


def system_of(result: Mapping[str, Any]) -> str:
    """The expression of the captioner or the retriever that a result is of."""
    return str(result[maker_of(result)])


def _as_lines(values: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (json.dumps(value, ensure_ascii=True) + "\n" for value in values)


def _replace(path: Path, pieces: Iterable[str]) -> None:
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def write_record(record: Record, seed: int) -> dict[str, Any]:
    """A record as JSON."""
    line: dict[str, Any] = {"id": record.clip_id}
    if record.caption is not None:
        line.update(_write_caption(record.caption))
        if record.caption.alternatives:
            line["alternatives"] = [_write_caption(c) for c in record.caption.alternatives]
    if record.error is not None:
        line["error"] = record.error
    line["stages"] = {name: round(seconds, 6) for name, seconds in record.stages.items()}
    line["seed"] = seed
    return line


def _write_caption(caption: Caption) -> dict[str, Any]:
    line: dict[str, Any] = {
        "text": caption.text,
        "tokens": list(caption.tokens),
        "score": caption.score,
    }
    if caption.steered:
        line["steered"] = [_rounded(asdict(one)) for one in caption.steered]
    return line


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Probabilities to four digits: they are there to be looked at."""
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}


def read_record(line: Mapping[str, Any]) -> Record:
    """The inverse of `write_record`."""
    if "error" in line:
        return Record(str(line["id"]), None, str(line["error"]), line.get("stages", {}))
    ranked = tuple(_read_caption(one) for one in line.get("alternatives", ()))
    caption = _read_caption(line, ranked)
    return Record(str(line["id"]), caption, None, line.get("stages", {}))


def _read_caption(line: Mapping[str, Any], alternatives: tuple[Caption, ...] = ()) -> Caption:
    if not isinstance(line["text"], str):
        raise TypeError("its text is not a string")
    steered = tuple(Steered(**one) for one in line.get("steered", ()))
    tokens = tuple(line.get("tokens", ()))
    return Caption(line["text"], tokens, line.get("score"), alternatives, steered=steered)

"""Writes the listening page: read, choose, listen, and put a finished folder in its place."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from aacbench import pages
from aacbench.errors import BadData, BadOption, Busy, nearest
from aacbench.report import content, hearing, ordering
from aacbench.report.reading import Runs, read_runs

CLIPS = 60
RATE = 32_000
SECONDS = 120.0
MARKER = "report.json"
WRITER = "aacbench report"
PAGE = "index.html"
STYLES = ("frame", "list", "clip", "sound", "guide", "screens")
SCRIPTS = ("text", "state", "order", "list", "wave", "player", "guide", "clip", "keys", "main")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Written:
    """Where the page is, what it shows, and what it weighs in bytes, by kind."""

    page: Path
    target: str
    systems: int
    clips: int
    sounds: int
    silent: Mapping[str, int]
    weight: Mapping[str, int]
    files: int
    unscored: tuple[Path, ...]

    @property
    def bytes(self) -> int:
        return sum(self.weight.values())


def write(
    folders: Sequence[str | Path],
    out: str | Path = "report",
    *,
    clips: int | None = CLIPS,
    sort: str = "worst",
    figure: str | None = None,
    word: str = "",
    rate: int = RATE,
    seconds: float = SECONDS,
    progress: Progress | None = None,
) -> Written:
    """Write the listening page of some runs of one target into the folder `out`.

    All clips that a run tried are in its list. At most `clips` of them (None: all) have sound and
    spectrogram: turn by turn the worst, the best and those with most disagreement by `figure`, and
    of these, clips in which `word` is said come first. Sound keeps at most `rate` hertz and its
    first `seconds`. `sort` and `word` are what the page opens with.

    The same runs give the same bytes. `out` appears when it is whole; what stands there before is
    replaced if it is a listening page or empty, else BadData is raised. Raises BadOption where
    runs are of different targets, or an option has no meaning.
    """
    _refuse_options(sort, clips, rate, seconds)
    place = Path(os.path.abspath(out))
    _refuse_foreign(place)
    runs = read_runs([Path(folder) for folder in folders])
    figures = ordering.figures_of(runs)
    choices = content.Choices(ordering.choose_figure(figures, figure), sort, word.strip())
    spread = content.all_spreads(runs, figures)
    candidates = content.orders(runs, choices, spread)
    chosen = ordering.heard(candidates, content.wanted(runs, choices.word), clips)
    with _replacing(place) as folder:
        sounds = _listen(runs, chosen, folder, hearing.Limits(rate, seconds), progress)
        known = content.page(runs, figures, choices, spread, sounds)
        _write_page(folder, known, content.chunks(runs, sounds))
        _write_marker(folder, runs)
        weight, count = _weigh(folder)
    return Written(
        Path(out) / PAGE,
        runs.target,
        len(runs.runs),
        len(runs.ids),
        sum("file" in sound for sound in sounds.values()),
        _reasons(sounds),
        weight,
        count,
        tuple(run.folder for run in runs.runs if run.unscored()),
    )


def _refuse_options(sort: str, clips: int | None, rate: int, seconds: float) -> None:
    if sort not in ordering.SORTS:
        raise BadOption(f"There is no order '{sort}'.", nearest(sort, ordering.SORTS))
    if clips is not None and clips < 0:
        raise BadOption(f"{clips} clips cannot have sound.", "Give a number from 0 up, or all.")
    if not 4000 <= rate <= 192_000:
        raise BadOption(f"Sound at {rate} Hz cannot be played.", "Give 4000 to 192000.")
    if not 0 < seconds <= 3600:
        raise BadOption(f"{seconds:g} s of sound cannot be kept.", "Give up to 3600.")


# --- the folder -----------------------------------------------------------------------------------


def _refuse_foreign(place: Path) -> None:
    """Raise BadData where something stands that this command did not write."""
    if not os.path.lexists(place) or _is_ours(place):
        return
    raise BadData(
        f"{place} is there already and is no listening page.",
        "Give another --out, or move it away.",
    )


def _is_ours(place: Path) -> bool:
    if not place.is_dir():
        return False
    if not any(place.iterdir()):
        return True
    try:
        marker = json.loads((place / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(marker, dict) and marker.get("written_by") == WRITER


@contextmanager
def _replacing(place: Path) -> Iterator[Path]:
    """A folder to write into, which takes its place when all is written, or goes."""
    partial, old = (place.with_name(f".{place.name}.{kind}") for kind in ("partial", "old"))
    with _alone(place):
        shutil.rmtree(partial, ignore_errors=True)  # what a killed process left
        partial.mkdir()
        try:
            yield partial
            shutil.rmtree(old, ignore_errors=True)
            _refuse_foreign(place)
            if place.exists():
                os.replace(place, old)
            os.replace(partial, place)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            if place.exists():
                shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold the place; a second process is refused."""
    lock = FileLock(place.with_name(f".{place.name}.lock"), timeout=0)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise Busy(f"Another process is writing {place}.", "Wait for it to end.") from None
    except OSError as error:
        raise BadData(
            f"{place} cannot be written to: {error.strerror}.", "Give another --out."
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):
            Path(lock.lock_file).unlink()
        lock.release()


def _write_marker(folder: Path, runs: Runs) -> None:
    marker = {
        "schema": content.SCHEMA,
        "written_by": WRITER,
        "target": runs.target,
        "runs": [{"captioner": run.name, "key": run.key} for run in runs.runs],
    }
    (folder / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="ascii")


def _weigh(folder: Path) -> tuple[dict[str, int], int]:
    """Bytes by kind, and how many files there are."""
    kinds = {hearing.SOUNDS: "sound", hearing.PICTURES: "spectrograms"}
    weight = {"page": 0, "spectrograms": 0, "sound": 0}
    everything = [path for path in folder.rglob("*") if path.is_file()]
    for path in everything:
        weight[kinds.get(path.parent.name, "page")] += path.stat().st_size
    return weight, len(everything)


# --- what is in it --------------------------------------------------------------------------------


def _listen(
    runs: Runs,
    chosen: Sequence[int],
    folder: Path,
    limits: hearing.Limits,
    progress: Progress | None,
) -> dict[int, dict[str, Any]]:
    """Sound and pictures of the chosen clips, by their positions."""
    for name in (hearing.SOUNDS, hearing.PICTURES):
        (folder / name).mkdir()
    found = {}
    for done, at in enumerate(chosen, 1):
        clip = runs.clips.get(runs.ids[at])
        found[at] = hearing.hear(clip, f"{at + 1:05}", folder, limits)
        if progress:
            progress(done, len(chosen))
    return found


def _reasons(sounds: Mapping[int, Mapping[str, Any]]) -> dict[str, int]:
    """Why chosen clips have no sound, and how many."""
    found: dict[str, int] = {}
    for sound in sounds.values():
        if "silent" in sound:
            found[sound["silent"]] = found.get(sound["silent"], 0) + 1
    return found


def _write_page(folder: Path, known: Mapping[str, Any], chunks: Any) -> None:
    data = pages.embedded(content.clean(known))
    text = _asset("index.html").replace("{{data}}", data)
    _put(folder / PAGE, text.replace("{{title}}", _escaped(str(known["target"])), 1))
    styles = "\n".join([pages.theme(), *(_asset(f"{name}.css") for name in STYLES)])
    _put(folder / "report.css", styles)
    script = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    _put(folder / "theme.js", pages.asset("theme.js"))
    _put(folder / "report.js", f'(() => {{\n"use strict";\n\n{script}}})();\n')
    (folder / "clips").mkdir()
    for number, chunk in enumerate(chunks):
        inner = pages.embedded(pages.embedded(content.clean(chunk)))  # a string with JSON in it
        _put(folder / "clips" / f"{number}.js", f"window.aacClips({number}, {inner});\n")


def _escaped(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(character, entity)
    return text


def _asset(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _put(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))

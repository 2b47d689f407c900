"""What a retriever found both ways, as files: a run's rankings, and the places a row keeps of them.

A caption is called ``CLIP#NUMBER``, by its place among the clip's references, counted from 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aacbench.errors import BadData
from aacbench.types import Annotation

DEPTH = 100
"""How far down a ranking is kept."""

TO_AUDIO, TO_TEXT = "text-to-audio", "audio-to-text"
AGAIN = "Delete the file and type the same aacbench run again."
ADD_ANEW = "Take the folder away and add the run again: aacbench leaderboard add RUN"

Place = int | None
"""1 is the first of a ranking; None is beyond `DEPTH`."""


@dataclass(frozen=True)
class Places:
    """Where a clip and its captions stand in each other's rankings.

    `to_audio` holds, for each of its captions as a query, the clip's place among all clips;
    `to_text`, with the clip as the query, each of its captions' place among all captions.
    `first` is the caption that the clip found first (``"CLIP#NUMBER"``).
    """

    clip_id: str
    to_audio: tuple[Place, ...]
    to_text: tuple[Place, ...]
    first: str | None = None


@dataclass(frozen=True)
class Rankings:
    """What a run left: `places` by clip, `failed` clips with the reason, and seconds a stage."""

    places: Mapping[str, Places]
    failed: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, Sequence[float]] = field(default_factory=dict)


def numbered(annotation: Annotation) -> list[tuple[int, str]]:
    """The captions of a clip that say something, with their numbers."""
    return [(n, text) for n, text in enumerate(annotation.references) if text.strip()]


def caption_id(clip_id: str, number: int) -> str:
    """``"rain.wav#0"``."""
    return f"{clip_id}#{number}"


# --- a run's rankings -----------------------------------------------------------------------------


def heard(clip_id: str, found: Sequence[str], own: Sequence[str], seconds: float) -> dict[str, Any]:
    """The line of a clip that captions were ranked for; `own` are its own captions."""
    return {
        "query": clip_id,
        "direction": TO_TEXT,
        "found": list(found),
        "ranks": places_of(own, found),
        "stages": {"retrieve": round(seconds, 6)},
    }


def said(caption: str, clip_id: str, found: Sequence[str]) -> dict[str, Any]:
    """The line of a caption that clips were ranked for."""
    ranks = places_of([clip_id], found)
    return {"query": caption, "direction": TO_AUDIO, "found": list(found), "ranks": ranks}


def failed(clip_id: str, reason: str) -> dict[str, Any]:
    """The line of a clip that could not be heard."""
    return {"query": clip_id, "error": reason}


def places_of(wanted: Iterable[str], found: Sequence[str]) -> list[Place]:
    """Where each of some ids stands in a ranking."""
    place = {name: number for number, name in enumerate(found, 1)}
    return [place.get(name) for name in wanted]


def read(path: Path) -> Rankings:
    """The rankings of a run's file; `BadData` names the line that is none, or contradicts itself.

    A clip's line comes before those of its captions.
    """
    places: dict[str, Places] = {}
    stages: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    for number, line in _lines(path, "Type the same aacbench run again."):
        try:
            _take(line, places, failed, stages)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise BadData(f"{path}, line {number} is no ranking: {reason}.", AGAIN) from None
    return Rankings(places, failed, stages)


def _take(
    line: Any, places: dict[str, Places], failed: dict[str, str], stages: dict[str, list[float]]
) -> None:
    query = line["query"]
    if "error" in line:
        failed[query] = str(line["error"])
        return
    ranks, found = tuple(line["ranks"]), line["found"]
    if line["direction"] == TO_TEXT:
        _refuse_untrue(ranks, [name.rpartition("#")[0] == query for name in found])
        places[query] = Places(query, (), ranks, found[0] if found else None)
        for stage, seconds in line["stages"].items():
            stages.setdefault(stage, []).append(float(seconds))
        return
    clip = query.rpartition("#")[0]
    _refuse_untrue(ranks, [name == clip for name in found])
    known = places[clip]
    places[clip] = Places(clip, (*known.to_audio, *ranks), known.to_text, known.first)


def _refuse_untrue(ranks: Sequence[Place], right: Sequence[bool]) -> None:
    """The places that a line gives must be those at which its list has what is right."""
    there = [place for place, hit in enumerate(right, 1) if hit]
    if sorted(rank for rank in ranks if rank is not None) != there:
        raise ValueError(f"its ranks are {list(ranks)}, and what is right stands at {there}")


def _lines(path: Path, hint: str) -> Iterator[tuple[int, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                yield number, json.loads(line)
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror}.", hint) from None
    except ValueError as error:
        raise BadData(f"{path} is not a JSON line each: {error}.", hint) from None


# --- the places that a row keeps ------------------------------------------------------------------


def write_places(places: Iterable[Places]) -> str:
    """``["rain.wav", [1, 3], [2, 1]]`` a clip: its place for each caption, and theirs for it."""
    rows = ([one.clip_id, list(one.to_audio), list(one.to_text)] for one in places)
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


def read_places(path: Path) -> dict[str, Places]:
    """The inverse of `write_places`; `BadData` names the line that is not in that form."""
    found: dict[str, Places] = {}
    for number, row in _lines(path, ADD_ANEW):
        if not _is_places(row):
            raise BadData(f"{path}, line {number} is no clip with two lists of places.", ADD_ANEW)
        name, to_audio, to_text = row
        if name in found:
            raise BadData(f"{path}, line {number}: clip {name} a second time.", ADD_ANEW)
        found[name] = Places(name, tuple(to_audio), tuple(to_text))
    return found


def _is_places(row: Any) -> bool:
    if not isinstance(row, list) or len(row) != 3 or not isinstance(row[0], str):
        return False
    if not isinstance(row[1], list) or not isinstance(row[2], list):
        return False
    places = [place for place in (*row[1], *row[2]) if place is not None]
    if not all(type(place) is int and 1 <= place <= DEPTH for place in places):
        return False
    taken = [place for place in row[2] if place is not None]
    return len(row[1]) == len(row[2]) and len(set(taken)) == len(taken)

"""What the page knows, as data: the runs, a line a clip for its list, and the rest of each clip.

The list travels in the page itself; the rest lies in chunks beside it, each read when a clip of
it is looked at, so that a thousand clips open as quickly as ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np

from aacbench.report.hearing import without_folder
from aacbench.report.ordering import Figure, order, says, spreads
from aacbench.report.reading import Run, Runs
from aacbench.types import Annotation, Caption, Clip

SCHEMA = 1
CHUNK = 24
DIGITS = 4
"""Decimals of a clip's figures beyond those that its corpus figure is given with."""

MARKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Choices:
    """How the page opens: what its list is sorted by, and the word that narrows it."""

    figure: Figure | None
    sort: str
    word: str


def texts_of(runs: Runs, name: str) -> list[str]:
    """All that was said of a clip: references, then the runs' captions."""
    annotation = runs.annotations.get(name)
    captions = [record.caption for run in runs.runs if (record := run.records.get(name))]
    said = [caption.text for caption in captions if caption is not None]
    return [*(annotation.references if annotation else ()), *said]


def wanted(runs: Runs, word: str) -> list[bool]:
    """Which clips a word narrows the list to."""
    return [says(texts_of(runs, name), word) for name in runs.ids]


def all_spreads(runs: Runs, figures: Sequence[Figure]) -> list[list[float | None]]:
    """Each run's spread between its figures, by clip."""
    return [spreads(run, runs.ids, figures) for run in runs.runs]


def orders(
    runs: Runs, choices: Choices, spread: Sequence[Sequence[float | None]]
) -> list[list[int]]:
    """The order that was asked for, then the others."""
    sorts = dict.fromkeys([choices.sort, "worst", "best", "disagreement"])
    return [order(runs, choices.figure, sort, spread) for sort in sorts]


# --- the page -------------------------------------------------------------------------------------


def page(
    runs: Runs,
    figures: Sequence[Figure],
    choices: Choices,
    spread: Sequence[Sequence[float | None]],
    sounds: Mapping[int, Mapping[str, Any]],
) -> dict[str, Any]:
    """What is embedded in the page; `sounds` describes the clips that `hearing` tried."""
    names = runs.names()
    return {
        "schema": SCHEMA,
        "target": runs.target,
        "official": len(runs.annotations),
        "chunk": CHUNK,
        "opens": {
            "figure": choices.figure.id if choices.figure else None,
            "sort": choices.sort,
            "word": choices.word,
        },
        "figures": [asdict(figure) for figure in figures],
        "systems": [_system(runs, at, names[at], figures) for at in range(len(runs.runs))],
        "clips": [
            {
                "id": name,
                "references": list(_annotation(runs, name).references),
                "said": [_said(run, name, runs.clips.get(name)) for run in runs.runs],
                "values": [_values(run, name, figures) for run in runs.runs],
                "spread": [one[at] for one in spread],
                "changed": [_changed(run, name) for run in runs.runs],
                "sound": "file" in sounds.get(at, {}),
            }
            for at, name in enumerate(runs.ids)
        ],
    }


def _annotation(runs: Runs, name: str) -> Annotation:
    return runs.annotations.get(name, Annotation(()))


def _system(runs: Runs, at: int, name: str, figures: Sequence[Figure]) -> dict[str, Any]:
    run = runs.runs[at]
    failed = sum(record.caption is None for record in run.records.values())
    corpus = (run.result or {}).get("figures", {})
    return {
        "mark": MARKS[at] if at < len(MARKS) else str(at + 1),
        "name": name,
        "key": run.key,
        "folder": "/".join(run.folder.absolute().parts[-3:]),
        "domain": run.manifest["domain"],
        "guided": run.guided,
        "twin": runs.twin(run),
        "captioned": len(run.records) - failed,
        "failed": failed,
        "scored": run.result is not None,
        "unscored": run.unscored(),
        "self_scored": list((run.result or {}).get("self_scored", [])),
        "corpus": [_corpus(corpus.get(figure.id)) for figure in figures],
        "moments": [_moments(run, figure) for figure in figures],
        "seconds": _mean_stages(run),
    }


def _corpus(entry: Mapping[str, Any] | None) -> list[float | None] | None:
    return None if entry is None else [entry["estimate"], entry.get("low"), entry.get("high")]


def _moments(run: Run, figure: Figure) -> list[float] | None:
    """Mean and standard deviation of the clips' values: what one clip is held against."""
    values = [v for scores in run.scores.values() if (v := scores.get(figure.id)) is not None]
    values = [value for value in values if isfinite(value)]
    return [float(np.mean(values)), float(np.std(values))] if values else None


def _mean_stages(run: Run) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for record in run.records.values():
        for stage, seconds in record.stages.items() if record.caption is not None else ():
            found.setdefault(stage, []).append(seconds)
    return {stage: round(float(np.mean(times)), 6) for stage, times in found.items()}


def _said(run: Run, name: str, clip: Clip | None) -> dict[str, str] | None:
    """A caption, an error, or None where the run never came to this clip."""
    record = run.records.get(name)
    if record is None:
        return None
    if record.caption is None:
        return {"error": without_folder(clip, record.error or "No caption, and no reason given.")}
    return {"text": record.caption.text}


def _values(run: Run, name: str, figures: Sequence[Figure]) -> list[float | None]:
    scores = run.scores.get(name, {})
    return [_rounded(scores.get(figure.id), figure) for figure in figures]


def _rounded(value: float | None, figure: Figure) -> float | None:
    """Enough digits that no two clips that differ change places in a list."""
    return round(value, figure.decimals + DIGITS) if value is not None and isfinite(value) else None


def _changed(run: Run, name: str) -> int | None:
    """How many words of a caption the guide chose; None where there is nothing to tell."""
    record = run.records.get(name)
    if record is None or record.caption is None or not record.caption.steered:
        return None
    return sum(token.instead is not None for token in record.caption.steered)


# --- the rest of each clip ------------------------------------------------------------------------


def chunks(runs: Runs, sounds: Mapping[int, Mapping[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """What is shown of a clip that is looked at, by chunks of `CHUNK` in the page's order."""
    for start in range(0, len(runs.ids), CHUNK):
        ids = enumerate(runs.ids[start : start + CHUNK], start)
        yield [_rest(runs, name, sounds.get(at)) for at, name in ids]


def _rest(runs: Runs, name: str, sound: Mapping[str, Any] | None) -> dict[str, Any]:
    annotation, clip = _annotation(runs, name), runs.clips.get(name)
    return {
        "sound": sound,
        "at_hand": clip is not None and clip.audio is not None,
        "source": annotation.source_id or (clip.source_id if clip else None),
        "duration": clip.duration if clip else None,
        "events": [[event.label, event.onset, event.offset] for event in annotation.events],
        "systems": [_told(run, name) for run in runs.runs],
    }


def _told(run: Run, name: str) -> dict[str, Any] | None:
    record = run.records.get(name)
    if record is None:
        return None
    caption = record.caption or Caption("")
    return {
        "score": _finite(caption.score),
        "alternatives": [[one.text, _finite(one.score)] for one in caption.alternatives],
        "stages": dict(record.stages),
        "steered": [asdict(token) for token in caption.steered],
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def clean(value: Any) -> Any:
    """Data whose strings are Unicode: half a surrogate pair, which no file can hold, is replaced.

    Numbers that JSON has no word for become None.
    """
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {clean(str(key)): clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    return value

"""A retriever's row: the places of what was right in its rankings, and the figures that they give.

The places are all that figures depend on, a hundredth of the rankings; what was found besides stays
in the run's folder. That a retriever does rank so, only running it again can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aacbench import rankings, retrieval_figures
from aacbench.leaderboard import qualifying, reproducing
from aacbench.rankings import Places, numbered
from aacbench.store import RANKINGS, RESULT
from aacbench.workshop import Workshop

if TYPE_CHECKING:
    from aacbench.leaderboard.results import Result
    from aacbench.leaderboard.truths import Truth
    from aacbench.scoring import Scored

DROPPED = (f"{RANKINGS}: all that was found but the places of what is right, and times",)
SHOWN = 5


def kept(run: Path) -> str:
    """What a row keeps of a run's rankings."""
    return rankings.write_places(rankings.read(run / RANKINGS).places.values())


def read(row: Result) -> dict[str, Places]:
    """A row's places by clip; `BadData` names a line that is none."""
    return rankings.read_places(row.path / RANKINGS)


def again(row: Result, truth: Truth) -> Scored:
    """What a row's places score."""
    seed = int((row.manifest or {}).get("seed") or 0)
    return retrieval_figures.score(truth.annotations, read(row), Workshop(seed=seed), seed)


def problems(row: Result, truth: Truth, remarks: list[str]) -> Iterator[str]:
    """A sentence for each thing that is wrong with a row's places, or with a figure by them."""
    found, target = read(row), truth.target.name
    figures = row.result.get("figures") or {}
    official = truth.annotations
    yield from _some("clip {}, which " + target + " does not have", set(found) - set(official))
    yield from _some("no places of clip {}", set(official) - set(found))
    both = [name for name in official if name in found]
    other = [name for name in both if not _fits(found[name], len(numbered(official[name])))]
    yield from _some("clip {} has places of another number of captions than " + target, other)
    beyond = [name for name in both if _beyond(found[name], len(found))]
    yield from _some(f"clip {{}} is placed beyond the {len(found)} clips there are", beyond)
    if other or any(qualifying.stale(entry) for entry in figures.values()):
        return
    due = retrieval_figures.queries(official, found)
    if row.result.get("queries") != due:
        yield f"{RESULT}: queries are {row.result.get('queries')}; {RANKINGS} holds {due}"
    scored = again(row, truth)
    yield from reproducing.against_captions(figures, row.lines, scored, "place")
    for name in sorted(set(figures) - set(scored.figures)):
        yield f"{RESULT}: {name}, which no places give"
    remarks.append("its figures are those of its places; these, only its retriever can give again")


def _fits(places: Places, captions: int) -> bool:
    return len(places.to_audio) == len(places.to_text) == captions


def _beyond(places: Places, gallery: int) -> bool:
    return any(place is not None and place > gallery for place in places.to_audio)


def _some(sentence: str, clips: set[str] | list[str]) -> Iterator[str]:
    """The first few clips by name, and how many more there are."""
    names = sorted(clips)
    for name in names[:SHOWN]:
        yield f"{RANKINGS}: {sentence.format(name)}"
    if len(names) > SHOWN:
        yield f"{RANKINGS}: {sentence.format(f'... and {len(names) - SHOWN:,} more')}"

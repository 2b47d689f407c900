"""Whether a row's figures are what its captions score, and its per-clip lines add up to.

Light metrics, which need no model, are computed again from the captions. A heavier one is a mean
of clips, so its figure and its interval are computed again from the lines; what the lines
themselves are worth, only its model can tell (``metrics="all"``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from aacbench import catalog, metric_sets, scoring, stats
from aacbench.errors import AacbenchError
from aacbench.leaderboard.qualifying import metric_of
from aacbench.leaderboard.results import PerClip
from aacbench.specs import Choice, Figure, MetricSpec
from aacbench.store import RESULT, SCORES
from aacbench.types import Annotation, Caption
from aacbench.workshop import Workshop

if TYPE_CHECKING:
    from aacbench.types import FloatArray

Which = Literal["light", "all"]
Entry = Mapping[str, Any]

TOLERANCE = 1e-6
HEAVY = frozenset({"torch", "jpype"})
AT_HAND = frozenset({"events"})
"""What an item has beyond references where nothing but captions and annotations is at hand."""

NOT_MEANS = frozenset({"bleu", "meteor", "event_f1", "vocabulary", "diversity", "readability"})
"""Built-in metrics whose figure is no mean of clips: sums of counts are made into one figure."""

SHOWN = 5
PARTS = {"estimate": "is", "low": "has an interval from", "high": "has an interval up to"}


def is_light(choice: Choice) -> bool:
    """Whether a metric needs no model, no sound and nothing that is not installed."""
    spec = cast(MetricSpec, choice.spec)
    preset = spec.presets.get(choice.preset or "")
    if spec.parts or not AT_HAND.issuperset(spec.needs):
        return False
    if preset and (preset.weights or preset.built_on):
        return False
    modules = [requirement.module for requirement in spec.requires]
    if HEAVY.intersection(modules) or any(find_spec(m.partition(".")[0]) is None for m in modules):
        return False
    return all(is_light(part) for part in metric_sets.parts_of(choice).values())


def chosen(figures: Mapping[str, Entry], which: Which = "light") -> list[Choice]:
    """The metrics that gave some figures, those of `which` alone; one that is not here is not
    among them."""
    known = []
    for expression in dict.fromkeys(str(entry.get("expression")) for entry in figures.values()):
        try:
            choice = catalog.choose("metrics", expression)
        except AacbenchError:
            continue
        if which == "all" or is_light(choice):
            known.append(expression)
    return metric_sets.choose_metrics(known)


def score_again(
    captions: Mapping[str, Sequence[Caption]],
    annotations: Mapping[str, Annotation],
    metrics: Sequence[Choice],
    seed: int,
    made_by: Sequence[str] = (),
) -> scoring.Scored:
    """What stored captions score; no sound is at hand."""
    items = scoring.gather(annotations, captions)
    return scoring.score(annotations, items, metrics, Workshop(seed=seed), seed, made_by=made_by)


# --- against the captions -------------------------------------------------------------------------


def against_captions(
    figures: Mapping[str, Entry], lines: PerClip, again: scoring.Scored, given: str = "caption"
) -> Iterator[str]:
    """Where a row's figures, interval ends and lines are not what its captions score; `given` is
    what else it may hold for each clip."""
    for name, due in again.figures.items():
        if name not in figures:
            yield f"{RESULT}: no {name}, which its {given}s score {due['estimate']:.6f}"
            continue
        yield from _differing(name, figures[name], due, f"its {given}s give")
    yield from _differing_lines(lines, again, given)


def _differing(name: str, entry: Entry, due: Entry, source: str) -> Iterator[str]:
    for part, words in PARTS.items():
        if not same(entry.get(part), due[part]):
            found = _shown(entry.get(part))
            yield f"{RESULT}: {name} {words} {found}; {source} {_shown(due[part])}"
    for part in ("n", "resamples", "level", "higher_is_better", "decimals"):
        if part in due and entry.get(part) != due[part]:
            yield f"{RESULT}: {name}: {part} is {entry.get(part)}; {source} {due[part]}"
    people, theirs = entry.get("references") or {}, due.get("references") or {}
    for part in PARTS if "references" in due else ():
        if not same(people.get(part), theirs[part]):
            yield (
                f"{RESULT}: {name} of the references: {part} is {_shown(people.get(part))}; "
                f"they give {_shown(theirs[part])}"
            )


def same(value: Any, due: Any) -> bool:
    """Whether two numbers, or two that are not there, are one for all that was kept of them."""
    if value is None or due is None:
        return value is due
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return bool(abs(value - due) <= TOLERANCE)


def _shown(value: Any) -> str:
    return f"{value:.6f}" if isinstance(value, int | float) else "nothing"


def _differing_lines(lines: PerClip, again: scoring.Scored, given: str) -> Iterator[str]:
    place = {name: row for row, name in enumerate(lines.ids)}
    both = [
        (row, place[item.clip_id]) for row, item in enumerate(again.items) if item.clip_id in place
    ]
    ours, stored = np.array(both, dtype=np.int64).reshape(-1, 2).T
    wrong: dict[str, list[str]] = {}
    for name, values in again.per_clip.items():
        if name not in lines.values:
            if np.isfinite(values).any():
                yield f"{SCORES}: no {name}, which its {given}s score"
            continue
        due = np.asarray(values, dtype=np.float64)[ours]
        found = lines.values[name][stored]
        for at in np.flatnonzero(~np.isclose(found, due, rtol=0, atol=TOLERANCE, equal_nan=True)):
            clip = again.items[ours[at]].clip_id
            wrong.setdefault(clip, []).append(
                f"{name} is {_number(found[at])}; its {given} scores {_number(due[at])}"
            )
    for clip, (first, *more) in list(wrong.items())[:SHOWN]:
        others = f", and {len(more)} more of its figures" if more else ""
        yield f"{SCORES}: clip {clip}: {first}{others}"
    if len(wrong) > SHOWN:
        yield f"{SCORES}: {len(wrong) - SHOWN} more clips are not what their {given}s score"


def _number(value: float) -> str:
    return f"{value:.6f}" if np.isfinite(value) else "nothing"


# --- against the lines ----------------------------------------------------------------------------


def against_lines(
    figures: Mapping[str, Entry], lines: PerClip, seed: int, known: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Where a figure is not the mean of its lines, or its interval not that of this mean.

    `known` are the figures that the captions have vouched for. A figure that is no mean of clips
    cannot be told from lines; `unchecked` names it.
    """
    for name in lines.values:
        if name not in figures:
            yield f"{SCORES}: {name}, of which {RESULT} has no figure"
    for name, entry in figures.items():
        if name in known or not is_mean(entry):
            continue
        if name not in lines.values:
            yield f"{RESULT}: {name} is {_shown(entry.get('estimate'))}, with no clip's behind it"
        else:
            due = _from_lines(name, entry, lines.values[name], seed)
            yield from _differing(name, entry, due, f"the clips in {SCORES} give")


def unchecked(figures: Mapping[str, Entry], known: frozenset[str] = frozenset()) -> list[str]:
    """The figures that neither captions nor lines vouch for, but the seal alone."""
    return [name for name, entry in figures.items() if name not in known and not is_mean(entry)]


def is_mean(entry: Entry) -> bool:
    """Whether a figure is held to be a mean of clips: any that is not known to be something else.
    A plugin's metric that is not, and that needs a model, is not for boards."""
    return not (entry.get("plugin") == "builtin" and entry.get("metric") in NOT_MEANS)


def _from_lines(name: str, entry: Entry, values: FloatArray, seed: int) -> dict[str, Any]:
    """What `scoring` would have written of a mean of these clips."""
    spec = metric_of(entry)
    figure = next((one for one in spec.figures if one.id == name), None) if spec else None
    figure = figure or Figure(name)
    found = stats.bootstrap(_mean, values, len(values), resamples=scoring.RESAMPLES, seed=seed)
    interval = found.get("mean")
    if interval is None:
        return {"estimate": None, "low": None, "high": None}
    if (figure.low, figure.high) == (0.0, 1.0):
        interval = stats.share(values, interval.estimate) or interval
    ends: dict[str, Any] = {"low": interval.low, "high": interval.high}
    if not figure.resamples or not np.isfinite([interval.low, interval.high]).all():
        ends = {"low": None, "high": None}
    return {
        "estimate": interval.estimate,
        **ends,
        "n": interval.n,
        "resamples": interval.resamples,
        "level": interval.level,
        "higher_is_better": figure.higher_is_better,
        "decimals": figure.decimals,
    }


def _mean(values: FloatArray, weights: FloatArray) -> dict[str, FloatArray]:
    known = np.isfinite(values)
    counts = weights @ known.astype(np.float64)
    sums = weights @ np.where(known, values, 0.0)
    return {"mean": np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts != 0)}

"""Rules of arithmetic: what the figures of one row must be to each other, whatever was measured.

Every comparison is of the intervals that rounding leaves open, so that rows which agree at their
printed precision raise nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from aacbench.leaderboard.audit.entries import (
    NEARLY,
    Entry,
    all_entries,
    finding,
    metrics,
    number,
    place,
    sets,
    system,
)
from aacbench.leaderboard.audit.findings import Check, Finding, Severity
from aacbench.leaderboard.audit.slips import slip
from aacbench.leaderboard.paper_tables import Published

FALLING = (
    ("bleu_1", "bleu_2", "bleu_3", "bleu_4"),
    ("recall_10", "recall_5", "recall_1"),
    ("spider", "spider_fl"),
    ("sbert", "fense"),
)
ROUNDED_TWICE = 2.0


def spider_is_the_mean(published: Published) -> Iterator[Check]:
    """SPIDEr is half the sum of CIDEr and SPICE (Liu et al. 2017, with equal weights)."""
    for figures in _sets(published):
        cider = figures.get("cider_d") or figures.get("cider")
        spice, spider = figures.get("spice"), figures.get("spider")
        if cider is not None and spice is not None and spider is not None:
            yield Check((spider.row.id,), _mean(cider, spice, spider))


def _mean(cider: Entry, spice: Entry, spider: Entry) -> Finding | None:
    mean = (cider.value + spice.value) / 2
    room = (cider.step + spice.step) / 4
    off = abs(spider.value - mean)
    allowed = room + spider.step / 2
    if off <= allowed + NEARLY:
        return None
    said, low, high = (
        number(value * spider.factor, spider.cell.digits + 1)
        for value in (mean, mean - allowed, mean + allowed)
    )
    sentence = (
        f"{system(spider.row, spider.table)}{place(spider)} prints SPIDEr {spider.shown}, but "
        f"the mean of its CIDEr {cider.shown} and SPICE {spice.shown} is {said}; rounding allows "
        f"{low} to {high}."
    )
    severity: Severity = "doubt" if off <= ROUNDED_TWICE * allowed + NEARLY else "contradiction"
    hint = _explained(cider, spice, spider)
    about = [spider, cider, spice]
    return finding("spider-is-the-mean", severity, f"{sentence}{hint}", about)


def _explained(cider: Entry, spice: Entry, spider: Entry) -> str:
    """Which single slip would make the three agree."""
    room = spider.step + (cider.step + spice.step) / 2
    wanted = (
        (spider, (cider.value + spice.value) / 2, room / 2 - spider.step / 2),
        (cider, 2 * spider.value - spice.value, room - cider.step / 2),
        (spice, 2 * spider.value - cider.value, room - spice.step / 2),
    )
    found = [slip(entry, at - around, at + around) for entry, at, around in wanted]
    hints = [hint for hint in found if hint is not None]
    return f" It would hold with {', or with '.join(hints)}." if hints else ""


def spider_at_least_half(published: Published) -> Iterator[Check]:
    """Neither CIDEr nor SPICE is below zero: SPIDEr is at least half of either alone."""
    for figures in _sets(published):
        spider = figures.get("spider")
        if spider is None:
            continue
        parts = [figures[name] for name in ("cider_d", "cider", "spice") if name in figures]
        if len(parts) != 1:
            continue
        part = parts[0]
        short = part.low / 2 - spider.high
        found = None
        if short > NEARLY:
            digits = spider.cell.digits + 1
            sentence = (
                f"{system(spider.row, spider.table)}{place(spider)} prints SPIDEr {spider.shown} "
                f"beside {part.name} {part.shown}, half of which is "
                f"{number(part.value * spider.factor / 2, digits)}: SPIDEr, the mean of CIDEr and "
                f"SPICE, cannot be less."
            )
            found = finding("spider-at-least-half", "contradiction", sentence, [spider, part])
        yield Check((spider.row.id,), found)


def falling(published: Published) -> Iterator[Check]:
    """BLEU of more words, recall at fewer places, figures with a penalty: never greater."""
    for figures in _sets(published):
        for order in FALLING:
            yield from _falling([figures[name] for name in order if name in figures])


def _falling(ordered: Sequence[Entry]) -> Iterator[Check]:
    for greater, lesser in pairwise(ordered):
        found = None
        if lesser.low - greater.high > NEARLY:
            sentence = (
                f"{system(lesser.row, lesser.table)}{place(lesser)} prints {lesser.name} "
                f"{lesser.shown} above its {greater.name} {greater.shown}, which cannot be less."
            )
            # corpus BLEU may rise with n where long matches are all there is; it hardly ever does
            bleu = lesser.metric.startswith("bleu")
            found = finding(
                "never-greater", "doubt" if bleu else "contradiction", sentence, [lesser, greater]
            )
        yield Check((lesser.row.id,), found)


def harmonic(published: Published) -> Iterator[Check]:
    """F1 is the harmonic mean of precision and recall, and lies between the two."""
    for figures in _sets(published):
        if not {"precision", "recall", "f1"} <= figures.keys():
            continue
        one, other, mean = figures["precision"], figures["recall"], figures["f1"]
        low, high = _f1(one.low, other.low), _f1(one.high, other.high)
        found = None
        if mean.high < low - NEARLY or mean.low > high + NEARLY:
            digits = mean.cell.digits + 1
            sentence = (
                f"{system(mean.row, mean.table)}{place(mean)} prints F1 {mean.shown}; precision "
                f"{one.shown} and recall {other.shown} give "
                f"{number(_f1(one.value, other.value) * mean.factor, digits)}."
            )
            found = finding("f1-is-the-mean", "contradiction", sentence, [mean, one, other])
        yield Check((mean.row.id,), found)


def _f1(precision: float, recall: float) -> float:
    total = max(precision, 0.0) + max(recall, 0.0)
    return 2 * max(precision, 0.0) * max(recall, 0.0) / total if total else 0.0


def in_range(published: Published) -> Iterator[Check]:
    """Each figure is one that its metric can take."""
    for entry in all_entries(published):
        bounds = metrics().get(entry.metric)
        if bounds is None:
            continue
        found = None
        if entry.low > bounds.high + NEARLY or entry.high < bounds.low - NEARLY:
            low, high = (number(edge * entry.factor, 3) for edge in (bounds.low, bounds.high))
            sentence = (
                f"{system(entry.row, entry.table)}{place(entry)} prints {entry.name} "
                f"{entry.shown} in a column of {entry.column.scale} figures, where it runs from "
                f"{low} to {high}."
            )
            found = finding("in-range", "contradiction", sentence, [entry])
        yield Check((entry.row.id,), found)


def _sets(published: Published) -> Iterator[dict[str, Entry]]:
    for table in published.tables:
        for row in table.rows:
            yield from sets(table, row)

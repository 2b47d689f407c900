"""The same thing printed twice: one system with two figures, two systems with the same figures."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import combinations

from aacbench.leaderboard.audit.entries import (
    Entry,
    all_entries,
    finding,
    listed,
    metrics,
    of_row,
    system,
    tied,
)
from aacbench.leaderboard.audit.findings import Check, Finding, Severity
from aacbench.leaderboard.paper_tables import Published, Row, Table

CITATION = re.compile(
    r"\[[^\]]*\]|\([^()]*(?:\b(?:19|20)\d\d[a-z]?|et al\.?)[^()]*\)"
    r"|\((?:ours|proposed)\)|\bet al\.?(?:\s*\[\d+\])?",
    re.IGNORECASE,
)
MARKS = re.compile(r"[*\u2020\u2021\u00a7\u00b6^_\s\-\u2010-\u2015]+")
SELF = frozenset({"ours", "our", "proposed", "oursmodel", "thiswork"})
DESCRIBING = frozenset({"parameters", "hours"})
ENOUGH = 4


def names(row: Row) -> frozenset[str]:
    """What a system is known as, without case, hyphens, marks and citations; a paper's own
    "Ours" is its own alone."""
    plain = {_plain(name) for name in (row.system, *row.known_as)}
    return frozenset(f"{row.paper}:{name}" if name in SELF else name for name in plain if name)


def _plain(name: str) -> str:
    return MARKS.sub("", CITATION.sub("", name)).casefold()


def one_system_one_figure(published: Published) -> Iterator[Check]:
    """The same system on the same target has the same figure wherever it is cited."""
    groups: dict[Hashable, list[Entry]] = {}
    for entry in all_entries(published):
        described = entry.metric in DESCRIBING
        if entry.metric in metrics() or described:
            where = None if described else (entry.target, entry.measured[2])
            groups.setdefault((_metric(entry), where), []).append(entry)
    pairs: dict[tuple[tuple[str, str], tuple[str, str]], list[tuple[Entry, Entry]]] = {}
    for group in groups.values():
        for one, other in combinations(group, 2):
            if one.row is not other.row and _comparable(one, other):
                key = ((one.row.id, str(one.target)), (other.row.id, str(other.target)))
                pairs.setdefault(key, []).append((one, other))
    for both in pairs.values():
        yield Check((both[0][0].row.id, both[0][1].row.id), _differing(both))


def _metric(entry: Entry) -> str:
    return "cider_d" if entry.metric == "cider" else entry.metric


def _comparable(one: Entry, other: Entry) -> bool:
    """Whether two figures should be one: nothing that either says tells the systems apart."""
    first, second = one.row, other.row
    if not names(first) & names(second) or first.options != second.options:
        return False
    one_table = (first.paper, first.table) == (second.paper, second.table)
    apart = (first.group, first.marks) != (second.group, second.marks)
    if one_table and apart and not first.target:
        return False
    if first.paper == second.paper and first.marks != second.marks and (first.ours or second.ours):
        return False
    if one.metric in DESCRIBING:
        return True
    trained = [entry.table.trained_on(entry.row, entry.column) for entry in (one, other)]
    if None not in trained and set(trained[0] or ()) != set(trained[1] or ()):
        return False
    domains = {entry.table.domain_of(entry.row, entry.column) for entry in (one, other)}
    splits = {one.split, other.split} - {"unknown"}
    return len(domains - {"unknown"}) < 2 and len(splits) < 2


def _differing(both: Sequence[tuple[Entry, Entry]]) -> Finding | None:
    order = [column.key for column in both[0][0].table.columns]
    apart = [(one, other) for one, other in both if not tied(one, other)]
    apart.sort(key=lambda pair: order.index(pair[0].column.key))
    if not apart:
        return None
    one, other = apart[0]
    figures = listed(f"{a.name} {a.shown} and {b.shown}" for a, b in apart)
    here, there = _cited(one), _cited(other)
    sentence = (
        f"{one.row.system}{f' on {one.target}' if one.metric not in DESCRIBING else ''} has other "
        f"figures in {here} than in {there} (as {other.row.system}): {figures}."
    )
    agree = len(both) - len(apart)
    if agree:
        sentence += f" {agree} other {'figure agrees' if agree == 1 else 'figures agree'}."
    if one.column.scale != other.column.scale:
        sentence += f" The first prints {one.column.scale}, the second {other.column.scale}."
    notes = dict.fromkeys((*one.row.footnotes, *other.row.footnotes))
    if notes:
        sentence += f" Footnotes: {'; '.join(notes)}."
    about = [entry for pair in apart for entry in pair]
    return finding("one-system-one-figure", _weight(apart), sentence, about)


def _weight(apart: Sequence[tuple[Entry, Entry]]) -> Severity:
    """Two papers may have measured twice; one paper hardly; a last digit may be rounding."""
    one, other = apart[0]
    last = all(abs(a.value - b.value) <= 1.001 * max(a.step, b.step) for a, b in apart)
    return "doubt" if last or one.row.paper != other.row.paper else "contradiction"


def _cited(entry: Entry) -> str:
    return f"{entry.row.paper} table {entry.row.table}"


def no_row_twice(published: Published) -> Iterator[Check]:
    """Two systems of a table do not share all their figures on a target."""
    for table in published.tables:
        rows = [(row, _scores(table, row)) for row in table.rows]
        for (one, first), (other, second) in combinations(rows, 2):
            if names(one) & names(other) or min(len(first), len(second)) < ENOUGH:
                continue
            same = first.keys() == second.keys() and all(
                first[key].cell.read == second[key].cell.read for key in first
            )
            found = None
            if same:
                figures = listed(f"{entry.name} {entry.shown}" for entry in first.values())
                sentence = (
                    f"{system(one, table)} and {system(other, table)} print the same {len(first)} "
                    f"figures: {figures}."
                )
                found = finding(
                    "no-row-twice", "doubt", sentence, [*first.values(), *second.values()]
                )
            yield Check((one.id, other.id), found)


def _scores(table: Table, row: Row) -> Mapping[Hashable, Entry]:
    scores = [entry for entry in of_row(table, row) if entry.metric in metrics()]
    return {(entry.column.key, entry.target): entry for entry in scores}


def no_column_twice(published: Published) -> Iterator[Check]:
    """Two unlike columns do not print the same figures row after row."""
    for table in published.tables:
        for one, other in combinations(table.columns, 2):
            known = metrics().get(one.id), metrics().get(other.id)
            if known[0] is None or known[1] is None or one.id == other.id:
                continue
            if other.id in known[0].alike:
                continue
            both = [
                (by[one.key], by[other.key])
                for by in _by_key(table)
                if {one.key, other.key} <= by.keys()
            ]
            same = [(a, b) for a, b in both if a.cell.read == b.cell.read != 0]
            found = None
            if len(same) >= ENOUGH - 1 and 2 * len(same) > len(both):
                figures = listed(a.shown for a, _ in same)
                sentence = (
                    f"Columns {same[0][0].name} and {same[0][1].name} print the same figures in "
                    f"{len(same)} of {len(both)} rows: {figures}."
                )
                found = finding(
                    "no-column-twice", "doubt", sentence, [entry for pair in same for entry in pair]
                )
            if both:
                yield Check(tuple(a.row.id for a, _ in both), found)


def _by_key(table: Table) -> Iterator[dict[str, Entry]]:
    for row in table.rows:
        yield {entry.column.key: entry for entry in of_row(table, row)}


def domain_fits_training(published: Published) -> Iterator[Check]:
    """A row is in-domain where its system saw the target's training half, and only there."""
    for entry in _first_by_target(published):
        trained = entry.table.trained_on(entry.row, entry.column)
        domain = entry.table.domain_of(entry.row, entry.column)
        if trained is None or domain == "unknown" or entry.target is None:
            continue
        saw = any(_made_of(entry.target, name.split("@")[0]) for name in trained)
        found = None
        if saw == (domain == "out"):
            said = "out-of-domain" if domain == "out" else "in-domain"
            seen = f"trained on {listed(trained)}" if trained else "trained on no captions at all"
            sentence = (
                f"{system(entry.row, entry.table)} on {entry.target} is given as {said}, yet it "
                f"is {seen}."
            )
            severity: Severity = "contradiction" if saw else "doubt"
            found = finding("domain-fits-training", severity, sentence, [entry])
        yield Check((entry.row.id,), found)


def _made_of(target: str, name: str) -> bool:
    """A data set named after another, such as clotho-humorous, is made of it."""
    return target == name or target.startswith(f"{name}-")


def _first_by_target(published: Published) -> Iterator[Entry]:
    seen = set()
    for entry in all_entries(published):
        key = (entry.row.id, entry.target)
        if key not in seen and entry.metric in metrics():
            seen.add(key)
            yield entry

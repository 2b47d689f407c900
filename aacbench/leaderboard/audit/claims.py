"""What a paper's text says of its tables, each kind of claim by its own rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from aacbench.leaderboard.audit import comparisons, statements, superlatives
from aacbench.leaderboard.audit.findings import Check
from aacbench.leaderboard.audit.selecting import Reading
from aacbench.leaderboard.paper_tables import Published

KINDS: Mapping[str, Callable[[Reading], Iterator[Check]]] = {
    "best": superlatives.best,
    "second_best": superlatives.second_best,
    "not_best": superlatives.not_best,
    "best_all": superlatives.best_all,
    "most_best": superlatives.most_best,
    "peak_at": superlatives.peak_at,
    "order": comparisons.order,
    "fewer": comparisons.fewer,
    "relative_improvement": comparisons.relative_improvement,
    "absolute_improvement": comparisons.absolute_improvement,
    "ratio": comparisons.ratio,
    "monotone": comparisons.monotone,
    "comparable": comparisons.comparable,
    "unchanged": comparisons.unchanged,
    "value": statements.value,
    "same": statements.same,
    "measured_on": statements.measured_on,
    "parameters": statements.parameters,
    "count": statements.count,
}


def of_kind(kind: str) -> Callable[[Published], Iterator[Check]]:
    """The rule that judges all claims of one kind."""

    def rule(published: Published) -> Iterator[Check]:
        for claim in published.claims:
            if claim.kind == kind:
                yield from KINDS[kind](Reading(published, claim))

    return rule

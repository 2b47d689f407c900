"""One row of a board, whoever made it: measured here, re-scored here, or printed in a paper."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from aacbench.leaderboard.results import Result

Kind = Literal["measured", "re-scored", "published"]
DOMAINS = ("in", "out", "unknown")
PRECISE = 6
"""Decimals that the data keep; what is shown has fewer."""


@dataclass(frozen=True)
class Value:
    """A figure of a row, in the project's scale (fractions).

    `low` and `high` are the 95 % interval, None where there is none; `printed` is what a paper
    prints, at `scale`; `decimals` is how many of the value are worth showing.
    """

    value: float
    decimals: int
    low: float | None = None
    high: float | None = None
    printed: str | None = None
    scale: str = "fraction"
    self_scored: bool = False
    note: str | None = None

    @property
    def shown(self) -> str:
        """``0.312``."""
        return f"{self.value:.{self.decimals}f}"

    @property
    def interval(self) -> str:
        """``[0.300, 0.324]``, or nothing."""
        if self.low is None or self.high is None:
            return ""
        return f"[{self.low:.{self.decimals}f}, {self.high:.{self.decimals}f}]"

    def as_json(self) -> dict[str, Any]:
        return {
            "value": rounded(self.value),
            "low": rounded(self.low),
            "high": rounded(self.high),
            "shown": self.shown,
            "printed": self.printed,
            "scale": self.scale,
            "self_scored": self.self_scored,
            "note": self.note,
        }


@dataclass(frozen=True)
class Latency:
    """Milliseconds a clip. `source` is ``"profile"`` where it was measured with care, ``"run"``
    where the run's own clock is all there is; `valid` is None there."""

    p50_ms: float
    source: Literal["profile", "run"]
    p95_ms: float | None = None
    valid: bool | None = None
    reason: str | None = None
    machine: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "p50_ms": rounded(self.p50_ms),
            "p95_ms": rounded(self.p95_ms),
            "valid": self.valid,
            "reason": self.reason,
            "machine": self.machine,
            "source": self.source,
        }


@dataclass(frozen=True)
class Row:
    """`unranked` is the sentence that says why a row has no rank, None where it may have one.

    `behind` is the folder that a measured or re-scored row was read from; `judges` says, by
    figure, which expression and version of a metric gave it; `keys` are the columns of the paper's
    table that a published row was read from.
    """

    id: str
    kind: Kind
    system: str
    target: str
    split: str
    domain: Mapping[str, str]
    trained_on: tuple[str, ...] | None
    figures: Mapping[str, Value]
    provenance: Mapping[str, Any]
    unranked: str | None = None
    latency: Latency | None = None
    parameters: int | None = None
    coverage: Mapping[str, int] | None = None
    complete: bool | None = None
    training: str | None = None
    marks: tuple[str, ...] = ()
    footnotes: tuple[str, ...] = ()
    note: str | None = None
    findings: tuple[str, ...] = ()
    retrieval: bool = False
    behind: Result | None = field(default=None, repr=False, compare=False)
    judges: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()

    @property
    def caption_domain(self) -> str:
        """What decides the board: in, out or unknown."""
        return self.domain["caption"]

    @property
    def origin(self) -> str:
        """The id without what tells several rows of one printed row apart."""
        if self.kind != "published":
            return self.id
        place = self.provenance
        return f"{place['paper']}.{place['table']}.{place['row']}"

    def found(self, findings: tuple[str, ...]) -> Row:
        """The same row with the audit's findings."""
        return replace(self, findings=findings)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "system": self.system,
            "target": self.target,
            "split": self.split,
            "domain": dict(self.domain),
            "trained_on": None if self.trained_on is None else list(self.trained_on),
            "training": self.training,
            "marks": list(self.marks),
            "footnotes": list(self.footnotes),
            "note": self.note,
            "figures": {name: value.as_json() for name, value in self.figures.items()},
            "latency": None if self.latency is None else self.latency.as_json(),
            "parameters": self.parameters,
            "coverage": None if self.coverage is None else dict(self.coverage),
            "complete": self.complete,
            "ranked": self.unranked is None,
            "unranked": self.unranked,
            "findings": list(self.findings),
            "provenance": dict(self.provenance),
        }


def rounded(value: float | None) -> float | None:
    """To the decimals that the data keep, and never minus zero."""
    return None if value is None else round(value, PRECISE) + 0.0


def slug(text: str) -> str:
    """``nac-mini-events-guide`` of ``nac:mini@events+guide``: for ids and file names."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "unnamed"

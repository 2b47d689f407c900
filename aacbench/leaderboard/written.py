"""The shape of the files under ``leaderboard/published``: which keys there are, and their kinds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from aacbench.leaderboard.printed import FACTORS

Domain = Literal["in", "out", "unknown"]
Selector = str | dict[str, Any]
CLAIM_KINDS = (
    "best",
    "second_best",
    "not_best",
    "best_all",
    "most_best",
    "order",
    "fewer",
    "relative_improvement",
    "absolute_improvement",
    "ratio",
    "peak_at",
    "monotone",
    "comparable",
    "unchanged",
    "value",
    "same",
    "measured_on",
    "parameters",
    "count",
)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Paper(Strict):
    title: str
    authors: str = ""
    year: int | None = None
    venue: str = ""


class Scaled(Strict):
    @field_validator("scale", check_fields=False)
    @classmethod
    def _known(cls, scale: str | None) -> str | None:
        if scale is not None and scale not in FACTORS:
            raise ValueError(f"scale {scale!r} is not one of {', '.join(FACTORS)}")
        return scale


class Table(Scaled):
    paper: str
    table: str
    about: str
    target: str | None = None
    split: str = "unknown"
    scale: str = "fraction"
    domain: Domain = "unknown"
    note: str | None = None


class Column(Scaled):
    id: str
    printed: str
    key: str | None = None
    target: str | None = None
    split: str | None = None
    scale: str | None = None
    unit: str | None = None
    higher_is_better: bool = True
    condition: dict[str, Any] = {}
    domain: Domain | None = None
    trained_on: list[str] | None = None


class Row(Strict):
    system: str
    cells: dict[str, Any]
    cited: str | None = None
    ours: bool = False
    marks: list[str] = []
    footnotes: list[str] = []
    group: str | None = None
    trained_on: list[str] | None = None
    training: str | None = None
    domain: Domain | None = None
    target: str | None = None
    split: str | None = None
    options: dict[str, Any] = {}
    note: str | None = None
    known_as: str | list[str] = []
    reference: bool = False


class Cell(Strict):
    printed: str
    value: float | str | None = None
    unreadable: bool = False
    note: str | None = None
    emphasis: Literal["bold", "underlined"] | None = None


class Claim(Strict):
    """`docs/audit.md` says what each kind asks for."""

    where: str
    says: str
    kind: str
    table: str | None = None
    tables: list[str] = []
    target: str | None = None
    system: Selector | None = None
    over: Selector | None = None
    among: Selector | None = None
    columns: list[str] | None = None
    over_columns: list[str] | None = None
    pair_by: list[str] | None = None
    strict: bool | None = None
    value: float | str | None = None
    unit: Literal["percent", "points", "fraction"] | None = None
    direction: Literal["up", "down"] | None = None
    along: str | None = None
    among_tables: list[str] | None = None
    dataset: str | None = None
    what: str | None = None
    at: Any = None
    of: dict[str, list[float]] | None = None
    tolerance: float | None = None
    other: dict[str, Any] | None = None
    note: str | None = None

    @field_validator("kind")
    @classmethod
    def _a_kind(cls, kind: str) -> str:
        if kind not in CLAIM_KINDS:
            raise ValueError(f"kind {kind!r} is not one of {', '.join(CLAIM_KINDS)}")
        return kind

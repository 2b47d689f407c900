"""Which rows and columns a claim speaks of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aacbench.errors import BadData, nearest
from aacbench.leaderboard.audit.entries import Entry, entries, listed, metrics
from aacbench.leaderboard.audit.findings import Check, Finding, Severity
from aacbench.leaderboard.paper_tables import Claim, Published, Table
from aacbench.leaderboard.printed import Figure, parse

Selector = str | Mapping[str, Any] | None
FIELDS: Mapping[str, Callable[[Entry], Any]] = {
    "system": lambda entry: entry.row.system,
    "ours": lambda entry: entry.row.ours,
    "group": lambda entry: entry.row.group,
    "cited": lambda entry: entry.row.cited,
    "training": lambda entry: entry.row.training,
    "reference": lambda entry: entry.row.reference,
    "target": lambda entry: entry.target,
}
SHOWN = 4


@dataclass(frozen=True)
class Reading:
    """One claim and the tables that it is held against."""

    published: Published
    claim: Claim

    def get(self, key: str, default: Any = None) -> Any:
        return self.claim.details.get(key, default)

    @property
    def id(self) -> str:
        return f"{self.claim.paper}.claim-{self.claim.index}"

    def tables(self, numbers: Sequence[str] | None = None) -> list[Table]:
        """The claim's tables, or those of its paper with the `numbers` given."""
        named = list(numbers or self.claim.tables)
        return [
            table
            for table in self.published.tables
            if table.paper == self.claim.paper and table.table in named
        ]

    def entries(
        self,
        selector: Selector,
        *,
        columns: Sequence[str] | None = None,
        tables: Sequence[Table] | None = None,
    ) -> list[Entry]:
        """The figures that `selector` chooses, on the claim's target where it names one.

        `columns` are keys or metrics; None takes every metric that the audit knows.
        """
        chosen = dict(selector) if isinstance(selector, Mapping) else {}
        if isinstance(selector, str):
            chosen["system"] = selector
        places = tables
        if "table" in chosen:
            places = self.tables([str(chosen.pop("table"))])
        target = chosen.pop("target", self.get("target"))
        if target is not None:
            chosen["target"] = target
        places = self.tables() if places is None else places
        return [
            entry
            for table in places
            for entry in entries(table)
            if self._in_columns(entry, columns) and self._matches(entry, chosen)
        ]

    def chosen(self, selector: Selector, columns: Sequence[str] | None = None) -> list[Entry]:
        """As `entries`; raises `BadData` where there is none."""
        found = self.entries(selector, columns=columns)
        if not found:
            known = {row.system for table in self.tables() for row in table.rows}
            target = self.get("target")
            wanted = selector if isinstance(selector, str) else (selector or {}).get("system", "")
            raise BadData(
                f"{self.claim.paper}/claims.toml, claim {self.claim.index} ({self.claim.where}): "
                f"{selector!r} chooses no figure"
                f"{f' of {listed(columns)}' if columns else ''}"
                f"{f' on {target}' if target else ''}.",
                nearest(str(wanted), known) if wanted else "Mend its selector, target or columns.",
            )
        return found

    def _in_columns(self, entry: Entry, columns: Sequence[str] | None) -> bool:
        if columns is None:
            return entry.metric in metrics()
        return entry.column.key in columns or entry.metric in columns

    def _matches(self, entry: Entry, chosen: Mapping[str, Any]) -> bool:
        for key, wanted in chosen.items():
            if key == "not":
                inner = {"system": wanted} if isinstance(wanted, str) else wanted
                if self._matches(entry, inner):
                    return False
            elif key == "options":
                if any(entry.row.options.get(name) != value for name, value in wanted.items()):
                    return False
            elif key not in FIELDS:
                raise BadData(
                    f"{self.claim.paper}/claims.toml, claim {self.claim.index}: rows are not "
                    f"chosen by {key!r}.",
                    nearest(key, [*FIELDS, "options", "not", "table"]),
                )
            elif FIELDS[key](entry) not in (wanted if isinstance(wanted, list) else [wanted]):
                return False
        return True

    def stated(self) -> Figure:
        """The number that the text states, with the digits it states."""
        value = self.get("value")
        text = value if isinstance(value, str) else f"{value:.12f}".rstrip("0").rstrip(".")
        figure = parse(text) if value is not None else None
        if figure is None:
            raise BadData(
                f"{self.claim.paper}/claims.toml, claim {self.claim.index}: value is {value!r}.",
                "Write the number that the text states: value = 0.455",
            )
        return figure

    def check(
        self, severity: Severity, details: str | None, about: Sequence[Entry], rule: str = ""
    ) -> Check:
        """The claim holds where `details` is None; else a finding that says both sides."""
        rows = tuple(dict.fromkeys(entry.row.id for entry in about)) or (self.id,)
        own = [entry.row.table for entry in about if entry.row.paper == self.claim.paper]
        if details is None:
            return Check(rows)
        if self.claim.details.get("note") and severity == "contradiction":
            severity = "doubt"
        where = self.claim.where[0].upper() + self.claim.where[1:]
        name = rule or self.claim.kind.replace("_", "-")
        return Check(
            rows,
            Finding(
                id=f"{self.id}.{name}",
                rule=f"claim-{name}",
                severity=severity,
                sentence=f"{where}: {self.claim.says.rstrip()} {details.replace('..', '.')}",
                paper=self.claim.paper,
                table=[*own, *self.claim.tables, ""][0],
                rows=tuple(dict.fromkeys(entry.row.id for entry in about)),
                figures=tuple(dict.fromkeys(entry.column.key for entry in about)),
            ),
        )


def some(words: Sequence[str], shown: int = SHOWN) -> str:
    """All of a few, the first of many."""
    if len(words) <= shown:
        return listed(words)
    return f"{', '.join(words[:shown])} and {len(words) - shown} more"


def phrases(words: Sequence[str], shown: int) -> str:
    """All of a few, the first of many, apart by semicolons."""
    more = [f"and {len(words) - shown} more"] if len(words) > shown else []
    return "; ".join([*words[:shown], *more])

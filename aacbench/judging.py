"""Nobody judges himself: which model a metric judges with, and which have judged their own work."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import cast

from aacbench import catalog, expressions
from aacbench.errors import AacbenchError, BadOption, MissingAsset
from aacbench.specs import KINDS, Choice, Kind

PART = re.compile(rf"(?P<kind>{'|'.join(KINDS)}):(?P<name>[^/]+/.+)")


@dataclass(frozen=True)
class Settled:
    """The choice to score with, and the presets passed over because they are no strangers."""

    choice: Choice
    passed: tuple[str, ...] = ()

    def explain(self, reason: str) -> str:
        """Why the figure is absent, and why no other preset stands in."""
        if not self.passed:
            return reason
        verb = "shares" if len(self.passed) == 1 else "share"
        return f"{reason}\n  ({', '.join(self.passed)} {verb} a model with the captioner)"


def settle(choice: Choice, made_by: Collection[str]) -> Settled:
    """The choice itself; for the bare name of a metric that has presets and no default, the first
    of them that shares no model with the captioner.

    `made_by` is the captioner's ``catalog.models``, empty where nobody knows. Raises `BadOption`
    where no preset is left.
    """
    spec = choice.spec
    asked = expressions.parse(choice.expression)[0]
    if asked.preset or asked.options or not spec.presets:
        return Settled(choice)
    passed: list[str] = []
    for preset in spec.presets:
        candidate = catalog.choose("metrics", f"{spec.plugin}/{spec.name}:{preset}")
        if not shares(candidate, made_by):
            return Settled(candidate, tuple(passed))
        passed.append(candidate.expression)
    raise BadOption(
        f"Every model that could judge shares one with the captioner: {', '.join(passed)}.",
        f"Ask for one by name, to be marked as self-scored: --metrics {passed[0]}",
    )


def shares(judge: Choice, made_by: Collection[str]) -> bool:
    """Whether a judge has a part, a public model or a weight file of the captioner's.

    Of parts that `made_by` names, the public models count as well: a run's manifest may have been
    written before its captioner said what it is built on.
    """
    try:
        names = catalog.models(judge)
    except MissingAsset:  # it cannot judge yet, and is told apart by the models that it names
        names = catalog.built_on(judge)
    return not names.isdisjoint(_widened(frozenset(made_by)))


@cache
def _widened(made_by: frozenset[str]) -> frozenset[str]:
    found = set(made_by)
    for part in filter(None, map(PART.fullmatch, made_by)):
        try:
            found |= catalog.built_on(catalog.choose(cast(Kind, part["kind"]), part["name"]))
        except AacbenchError:  # of a plugin that is not here
            continue
    return frozenset(found)

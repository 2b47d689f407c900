"""What rows are held against: the targets' references, read once, and the verdict on training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from aacbench import catalog, config, domains
from aacbench.errors import AacbenchError
from aacbench.specs import DatasetSpec, TrainedOn
from aacbench.types import Annotation, Dataset
from aacbench.workshop import Workshop

STRICTER = ("out", "unknown", "in")


@dataclass(frozen=True)
class Truth:
    """A target and its annotations."""

    target: catalog.Target
    annotations: Mapping[str, Annotation]


class Truths:
    """Reads each target's annotations once, for all the rows of a leaderboard."""

    def __init__(self) -> None:
        self._workshop = Workshop()
        self._found: dict[str, Truth | AacbenchError] = {}

    def of(self, expression: str) -> Truth:
        """The target that an expression names; an error says why it is not at hand."""
        if expression not in self._found:
            try:
                self._found[expression] = self._read(expression)
            except AacbenchError as error:
                self._found[expression] = error
        found = self._found[expression]
        if isinstance(found, AacbenchError):
            raise found
        return found

    def _read(self, expression: str) -> Truth:
        target = catalog.choose_target(expression)
        dataset = cast(Dataset, self._workshop.make(target.choice))
        return Truth(target, dataset.annotations(target.split))

    def judge(self, trained_on: TrainedOn, truth: Truth) -> tuple[domains.Domain, bool]:
        """The verdict on what was learnt from, and whether all of it was at hand to judge by."""
        missing: list[str] = []

        def known(name: str) -> Mapping[str, Annotation] | None:
            found = config.annotations_of(self._workshop, *name.partition("/")[::2])
            if found is None:
                missing.append(name)
            return found

        spec, split = cast(DatasetSpec, truth.target.choice.spec), truth.target.split
        verdict = domains.judge(
            trained_on, spec, split, truth.annotations, known, config.origins_of
        )
        return verdict, not missing


def laxer(verdict: Mapping[str, Any], judged: domains.Domain, all_known: bool) -> list[str]:
    """Where a row's verdict is not what its training data say. One that is stricter may be owed to
    data that are not at hand here, and stands unless `all_known`."""
    found = []
    for name, due in (("caption", judged.caption), ("strict", judged.strict)):
        said = verdict.get(name)
        stricter = said in STRICTER and STRICTER.index(str(said)) > STRICTER.index(due)
        if said != due and (all_known or not stricter):
            found.append(f"its {name} domain is '{said}', and '{due}' by what it learnt from")
    return found


def as_trained_on(parts: Mapping[str, Sequence[str] | None]) -> TrainedOn:
    """What a row says that its parts learnt from; of a part that it does not name, nobody knows."""
    said = {field.name: parts.get(field.name) for field in fields(TrainedOn)}
    return TrainedOn(**{n: None if names is None else tuple(names) for n, names in said.items()})

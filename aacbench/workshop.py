"""A choice -> the part itself, built once: what factories are given to work with."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aacbench import catalog, expressions
from aacbench.errors import AacbenchError, BadOption, MissingRequirement, PluginFault
from aacbench.from_file import build_file
from aacbench.specs import Choice, Kind, Spec
from aacbench.types import GuidableCaptioner


class Workshop:
    """Builds parts and keeps them; the `Context` that factories are given."""

    def __init__(self, device: str = "cpu", seed: int = 0) -> None:
        self.device = device
        self.seed = seed
        self.report: Callable[[int, int, float], None] | None = None
        self._built: dict[tuple[str, str], Any] = {}

    def build(self, kind: Kind, expression: str) -> Any:
        """The part that an expression names; the same expression gives the same object."""
        return self.make(catalog.choose(kind, expression))

    def make(self, choice: Choice) -> Any:
        """The part that was chosen, built once; a captioner with its guides is one part."""
        key = (choice.kind, choice.expression)
        if key not in self._built:
            require(choice.spec)
            if choice.guides:
                self._built[key] = self._guided(choice)
            elif choice.options.__class__ is dict:
                self._built[key] = build_file(choice)
            else:
                self._built[key] = self._made(choice)
        return self._built[key]

    def _made(self, choice: Choice) -> Any:
        factory = catalog.find(choice.kind, f"{choice.spec.plugin}/{choice.spec.name}").factory
        try:
            return factory(choice, self)
        except AacbenchError:
            raise
        except Exception as error:
            *_, last = traceback.extract_tb(error.__traceback__)
            raise PluginFault(
                f"{choice.kind[:-1]} '{choice.expression}' of plugin '{choice.spec.plugin}' could "
                f"not be built: {type(error).__name__}: {error} "
                f"({Path(last.filename).name}, line {last.lineno}).",
                "Check its options and weights: aacbench show, aacbench doctor.",
            ) from error

    def _guided(self, choice: Choice) -> Any:
        alone = expressions.split_outside(choice.expression, "+")[0]
        captioner = self.make(replace(choice, guides=(), expression=alone))
        made = [(guide.spec.name, self.make(guide)) for guide in choice.guides]
        for _, part in made:
            if hasattr(part, "around"):
                captioner = part.around(captioner)
        guides = [(name, part) for name, part in made if not hasattr(part, "around")]
        if not guides:
            return captioner
        if not isinstance(captioner, GuidableCaptioner):
            names = " and ".join(f"'{name}'" for name, _ in guides)
            raise BadOption(
                f"'{choice.spec.name}' cannot be guided by {names}: it has no open, step, "
                "tokenizer and decoding.",
                "Leave the guide out, or choose a captioner whose words a language model gives.",
            )
        from aacbench.decoding import GuidedCaptioner

        return GuidedCaptioner(captioner, [part for _, part in guides])

    def weights(self, choice: Choice) -> dict[str, Path]:
        """The files of a choice's weights, by name."""
        return catalog.weights(choice)


def require(spec: Spec) -> None:
    """Raise `MissingRequirement` for the first package that a part needs and is not there."""
    for requirement in spec.requires:
        if not _installed(requirement.module):
            raise MissingRequirement(
                f"'{spec.name}' needs the package that provides '{requirement.module}'.",
                f"Type: {requirement.install}",
            )


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # of a dotted name, the package itself is not there
        return False

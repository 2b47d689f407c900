"""How a broken rule is told: the part, the rule, the mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aacbench.errors import MissingAsset, MissingRequirement, PluginFault


class NotChecked(UserWarning):
    """A part that could not be checked here: a file, a package or an option is missing."""


def expect(held: object, part: str, broken: str, mend: str) -> None:
    """Raise `PluginFault` saying that `part` broke a rule, unless the rule `held`."""
    if not held:
        raise PluginFault(f"{part}: {broken}.", mend)


@contextmanager
def calling(part: str, call: str, mend: str) -> Iterator[None]:
    """Whatever `call` raises is the part's fault, unless a file or a package is not there."""
    try:
        yield
    except (PluginFault, MissingAsset, MissingRequirement):
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise PluginFault(f"{part}: {call} raised {type(error).__name__}: {text}", mend) from error


def named(kind: str, thing: object, name: str | None) -> str:
    """How a part is called in a message: by its name, or else by its class."""
    return f"{kind} '{name or type(thing).__name__}'"


def shown(text: object) -> str:
    """A value as a message quotes it, cut where it is long."""
    written = repr(text)
    return written if len(written) <= 70 else written[:67] + "..."

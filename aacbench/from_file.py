"""A captioner that is a class in a file: ``path/to/file.py:Class(option=...)``, no package needed.

Its version is the file's digest, so that a run of other code is another run.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from aacbench import expressions
from aacbench.assets import sha256_of
from aacbench.errors import AacbenchError, BadOption, PluginFault, UnknownName, nearest
from aacbench.specs import UNKNOWN, CaptionerSpec, Choice, Preset

HOW = "Give path/to/file.py:Class."


def choose_file(term: expressions.Term) -> Choice:
    """The choice that a term with a path stands for; nobody knows what it learnt from."""
    path = Path(os.path.expanduser(term.name))
    if not path.is_file():
        raise UnknownName(f"There is no file {path}.", HOW)
    spec = CaptionerSpec(
        name=f"{path.stem}:{term.preset}",
        summary=f"the class {term.preset} in {path.name}",
        version=sha256_of(path)[:12],
        presets={"file": Preset(trained_on=UNKNOWN)},
        plugin=str(path),
    )
    expression = expressions.write(f"{term.name}:{term.preset}", None, None, term.options)
    return Choice("captioners", spec, expression, dict(term.options), "file")


def build_file(choice: Choice) -> Any:
    """An object of the class; what its file raises is a `PluginFault` that names the file."""
    path = Path(choice.spec.plugin)
    class_name = choice.spec.name.partition(":")[2]
    module = _imported(path)
    made = getattr(module, class_name, None)
    if not inspect.isclass(made):
        classes = [name for name, value in vars(module).items() if inspect.isclass(value)]
        raise UnknownName(f"{path} has no class '{class_name}'.", nearest(class_name, classes))
    _refuse_bad_options(made, choice.options)
    try:
        return made(**choice.options)
    except AacbenchError:
        raise
    except Exception as error:
        message = f"{path}: {class_name}(...) failed: {type(error).__name__}: {error}"
        raise PluginFault(message, "Mend the class and type the same again.") from error


def _imported(path: Path) -> ModuleType:
    found = spec_from_file_location(f"aacbench_file_{path.stem}", path)
    if found is None or found.loader is None:
        raise UnknownName(f"{path} cannot be read as Python.", HOW)
    beside = str(path.resolve().parent)
    if beside not in sys.path:  # as `python path` would, but behind what is installed
        sys.path.append(beside)
    module = module_from_spec(found)
    sys.modules[found.name] = module
    try:
        found.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        message = f"{path}: {type(error).__name__}: {error}"
        raise PluginFault(message, f"Try it alone: python {path}") from error
    return module


def _refuse_bad_options(made: type[Any], options: Mapping[str, Any]) -> None:
    taken = inspect.signature(made).parameters.values()
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken):
        known = [parameter.name for parameter in taken]
        for name in options:
            if name not in known:
                raise BadOption(f"'{made.__name__}' has no option '{name}'.", nearest(name, known))
    for parameter in taken:
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if named and parameter.default is parameter.empty and parameter.name not in options:
            raise BadOption(
                f"'{made.__name__}' needs the option '{parameter.name}'.",
                f"Write {made.__name__}({parameter.name}=...).",
            )

"""Finds and loads plugins; one that is broken or clashes is named, and the rest go on.

Everything that aacbench offers, its own data sets and metrics included, comes in through the
entry-point group ``aacbench``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from aacbench import hookspecs
from aacbench.errors import nearest
from aacbench.specs import (
    KINDS,
    CaptionerSpec,
    ClassifierSpec,
    DatasetSpec,
    EncoderSpec,
    Factory,
    GuideSpec,
    Kind,
    MetricSpec,
    RetrieverSpec,
    Spec,
)

ENVIRONMENT = "AACBENCH_PLUGINS"
HOOKS = {name for name in vars(hookspecs) if name.startswith("register_")}
SPECS: Mapping[Kind, type[Spec]] = {
    "datasets": DatasetSpec,
    "encoders": EncoderSpec,
    "classifiers": ClassifierSpec,
    "captioners": CaptionerSpec,
    "guides": GuideSpec,
    "retrievers": RetrieverSpec,
    "metrics": MetricSpec,
}


@dataclass(frozen=True)
class Part:
    """A registered spec with the factory that makes it."""

    kind: Kind
    spec: Spec
    factory: Factory


@dataclass(frozen=True)
class Fault:
    """What is wrong with a plugin, and what mends it."""

    plugin: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"plugin '{self.plugin}': {self.message}\n  {self.hint}"


@dataclass
class Registry:
    """All parts by kind and name, and what went wrong on the way."""

    parts: dict[Kind, dict[str, list[Part]]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    faults: list[Fault] = field(default_factory=list)
    plugins: dict[str, str] = field(default_factory=dict)
    command_hooks: list[tuple[str, Callable[..., object]]] = field(default_factory=list)

    def all(self, kind: Kind) -> Iterator[Part]:
        """Every part of a kind, by name."""
        for _, parts in sorted(self.parts[kind].items()):
            yield from parts

    def add(self, plugin: str, kind: Kind, spec: Spec, factory: Factory) -> None:
        """Keep a part; a name that is taken is recorded as a fault, and both stay reachable."""
        if not isinstance(spec, SPECS[kind]):
            self._fault(
                plugin,
                f"its register_{kind} registers {spec!r:.60}, which is no {SPECS[kind].__name__}.",
                f"Call register({SPECS[kind].__name__}(name=..., summary=...), factory).",
            )
            return
        named = self.parts[kind].setdefault(spec.name, [])
        if any(part.spec.plugin == plugin for part in named):
            self._fault(
                plugin,
                f"it registers {kind[:-1]} '{spec.name}' twice; the first one is used.",
                "Give one of them another name.",
            )
            return
        named.append(Part(kind, replace(spec, plugin=plugin), factory))
        if len(named) > 1:
            owners = " and ".join(f"{part.spec.plugin}/{spec.name}" for part in named)
            self._fault(
                plugin,
                f"{kind[:-1]} '{spec.name}' is offered by another plugin too.",
                f"Write {owners}, or leave one out: {ENVIRONMENT}=-{plugin}",
            )

    def _fault(self, plugin: str, message: str, hint: str) -> None:
        self.faults.append(Fault(plugin, message, hint))


@lru_cache(maxsize=1)
def registry() -> Registry:
    """The parts of all installed plugins, loaded once a process."""
    return load(entry_points(group=hookspecs.GROUP), os.environ.get(ENVIRONMENT, ""))


def load(found: Any, selection: str = "") -> Registry:
    """Load the plugins behind `found` entry points, as far as `selection` lets them in.

    `selection` is a comma-separated list: names let only these in (and the built-in parts),
    names with a leading ``-`` keep these out.
    """
    loaded = Registry()
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    entries = sorted(found, key=lambda entry: (entry.name != "builtin", entry.name))
    _check_selection(loaded, selection, {entry.name for entry in entries})
    for entry in entries:
        if _admitted(entry.name, selection):
            _load_one(loaded, manager, entry)
    return loaded


def _check_selection(loaded: Registry, selection: str, names: set[str]) -> None:
    for word in filter(None, (w.strip().lstrip("-") for w in selection.split(","))):
        if word not in names:
            loaded.faults.append(
                Fault(
                    word, f"{ENVIRONMENT} names it, but it is not installed.", nearest(word, names)
                )
            )


def _admitted(name: str, selection: str) -> bool:
    words = [word.strip() for word in selection.split(",") if word.strip()]
    if f"-{name}" in words:
        return False
    allowed = [word for word in words if not word.startswith("-")]
    return not allowed or name in allowed or name == "builtin"


def _load_one(loaded: Registry, manager: pluggy.PluginManager, entry: EntryPoint) -> None:
    """Import one plugin and collect its parts; whatever it raises becomes a fault."""
    name = entry.name
    keep_out = f"Mend or uninstall it, or leave it out: {ENVIRONMENT}=-{name}"
    if name in loaded.plugins:
        loaded.faults.append(Fault(name, "two installed packages offer this plugin.", keep_out))
        return
    try:
        plugin = entry.load()
    except (Exception, SystemExit) as error:
        loaded.faults.append(_import_fault(entry, error, keep_out))
        return
    _name_misspelt_hooks(loaded, name, plugin)
    try:
        manager.register(plugin, name)
    except Exception as error:
        loaded.faults.append(Fault(name, _on_one_line(error), keep_out))
        return
    loaded.plugins[name] = entry.value
    _collect(loaded, manager, name, keep_out)


def _import_fault(entry: EntryPoint, error: BaseException, keep_out: str) -> Fault:
    """A module that is missing is somebody else's to install, unless it is the plugin's own."""
    absent = error.name if isinstance(error, ModuleNotFoundError) else None
    if absent and absent.partition(".")[0] != entry.module.partition(".")[0]:
        install = f"Install it (pip install {absent.partition('.')[0]})"
        hint = f"{install}, or leave the plugin out: {ENVIRONMENT}=-{entry.name}"
        return Fault(entry.name, f"it needs the module '{absent}'.", hint)
    message = f"importing {entry.value} failed: {type(error).__name__}: {_on_one_line(error)}"
    return Fault(entry.name, message, keep_out)


def _on_one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _name_misspelt_hooks(loaded: Registry, name: str, plugin: object) -> None:
    for attribute, value in _members(plugin).items():
        marked = getattr(value, f"{hookspecs.GROUP}_impl", None) is not None
        if (marked or attribute.startswith("register_")) and attribute not in HOOKS:
            known = nearest(attribute, HOOKS)
            loaded.faults.append(Fault(name, f"there is no hook '{attribute}'.", known))
        elif not marked and attribute in HOOKS and callable(value):
            loaded.faults.append(
                Fault(
                    name,
                    f"its '{attribute}' is not marked as a hook, so it is not called.",
                    "Put @aacbench.hookimpl above it.",
                )
            )


def _members(plugin: object) -> Mapping[str, Any]:
    return {name: getattr(plugin, name, None) for name in dir(plugin) if not name.startswith("_")}


def _collect(loaded: Registry, manager: pluggy.PluginManager, name: str, hint: str) -> None:
    for kind in KINDS:
        for hook in getattr(manager.hook, f"register_{kind}").get_hookimpls():
            if hook.plugin_name != name:
                continue

            def register(spec: Spec, factory: Factory, kind: Kind = kind) -> None:
                loaded.add(name, kind, spec, factory)

            try:
                hook.function(register)
            except Exception as error:
                message = (
                    f"its register_{kind} failed: {type(error).__name__}: {_on_one_line(error)}"
                )
                loaded.faults.append(Fault(name, message, hint))
    for hook in manager.hook.register_commands.get_hookimpls():
        if hook.plugin_name == name:
            loaded.command_hooks.append((name, hook.function))

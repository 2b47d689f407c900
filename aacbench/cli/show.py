"""`aacbench show`: one part in full: presets, options, what it learnt from, what it needs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from aacbench.cli.console import Json, print_json, say, warn_of_faults
from aacbench.errors import AacbenchError, UnknownName, nearest
from aacbench.specs import KINDS, Kind


def show(
    expression: Annotated[
        str | None, typer.Argument(help="A part, such as nac:mini@clotho.")
    ] = None,
    contract: Annotated[
        str | None, typer.Option(help="Print what a plugin must do to offer this kind of part.")
    ] = None,
    json: Json = False,
) -> None:
    """Show one part, resolved as a run would resolve it."""
    warn_of_faults()
    if contract:
        _print_contract(contract)
        return
    if expression is None:
        raise UnknownName("Nothing to show.", "Type: aacbench show nac, or see aacbench list.")
    kind = _kind_of(expression)
    found = _described(kind, expression)
    if json:
        print_json(found)
        return
    for name, value in found.items():
        if isinstance(value, dict):
            say(f"{name}")
            for key, inner in value.items():
                say(f"  {key:<20} {_spoken(inner)}")
        else:
            say(f"{name:<22} {_spoken(value)}")


def _spoken(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value) or "nothing"
    return str(value)


def _kind_of(expression: str) -> Kind:
    from aacbench import expressions
    from aacbench.plugins import registry

    term = expressions.parse(expression)[0]
    if term.is_file:
        return "captioners"
    short = term.name.rpartition("/")[2]
    known = registry().parts
    for kind in ("captioners", *KINDS):
        if short in known[kind]:
            return kind
    names = [name for kind in KINDS for name in known[kind]]
    raise UnknownName(f"There is no part '{term.name}'.", nearest(short, names))


def _described(kind: Kind, expression: str) -> dict[str, Any]:
    from dataclasses import asdict

    from aacbench import catalog

    try:
        choice = catalog.choose(kind, expression)
    except AacbenchError:
        if set(expression) & set(":@("):
            raise
        return _spec_only(kind, expression)
    spec = choice.spec
    settings = catalog.settings_of(choice)
    found: dict[str, Any] = {
        "name": choice.expression,
        "kind": kind[:-1],
        "summary": spec.summary,
        "plugin": spec.plugin,
        "version": spec.version,
        "paper": spec.paper,
        "licence": spec.licence,
        "presets": _presets(spec),
        "options": settings["options"],
        "trained on": asdict(catalog.trained_on(choice)),
        "needs": [requirement.module for requirement in spec.requires],
        "train it with": f"aacbench train {spec.name}" if spec.trainer else None,
    }
    for name in ("splits", "homepage", "citation", "derived_from", "figures", "reference"):
        value = getattr(spec, name, None)
        if value:
            found[name] = [f.id for f in value] if name == "figures" else value
    return found


def _spec_only(kind: Kind, name: str) -> dict[str, Any]:
    """Where the bare name does not resolve (it wants a source), the spec alone."""
    from aacbench import catalog

    spec = catalog.find(kind, name).spec
    source = "@DATASET" if spec.source_is_dataset else "@BASE" if spec.source_is_knowledge else ""
    return {
        "name": spec.name,
        "kind": kind[:-1],
        "summary": spec.summary,
        "plugin": spec.plugin,
        "presets": _presets(spec),
        "write it as": f"{spec.name}{source}",
    }


def _presets(spec: Any) -> dict[str, str]:
    return {
        name: f"{preset.summary}" + (f" (@{', @'.join(preset.sources)})" if preset.sources else "")
        for name, preset in spec.presets.items()
    }


def _print_contract(kind: str) -> None:
    import inspect

    from aacbench import hookspecs

    hook = getattr(hookspecs, f"register_{kind}", None)
    if hook is None:
        raise UnknownName(f"There is no kind '{kind}'.", nearest(kind, KINDS))
    say(f"register_{kind}(register)\n\n{inspect.getdoc(hook)}")

"""`aacbench list`: everything that can be named, and which plugin brings it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from aacbench.cli.console import Json, commands_of, print_json, say, table, warn_of_faults
from aacbench.errors import UnknownName, nearest
from aacbench.specs import KINDS


def list_parts(
    kind: Annotated[
        str | None, typer.Argument(help="captioners, datasets, ..., plugins, commands, sets")
    ] = None,
    json: Json = False,
) -> None:
    """List what is registered, kind by kind."""
    from aacbench.plugins import registry

    warn_of_faults()
    known = registry()
    if kind == "sets":
        _print_sets(json)
        return
    if kind in ("plugins", "commands"):
        _print_others(kind, json)
        return
    if kind is not None and kind not in KINDS:
        raise UnknownName(
            f"There is no kind '{kind}'.", nearest(kind, [*KINDS, "plugins", "commands", "sets"])
        )
    kinds = [name for name in KINDS if kind in (None, name)]
    found = {name: [_entry(part.spec) for part in known.all(name)] for name in kinds}
    if json:
        print_json(found)
        return
    blocks = []
    for name, entries in found.items():
        if entries or kind:
            rows = [
                [e["name"], ", ".join(e["variants"]), e["plugin"], e["summary"]] for e in entries
            ]
            blocks.append(table(rows, [name, "variants", "plugin", "what it is"]))
    say("\n\n".join(blocks))


def _entry(spec: Any) -> dict[str, Any]:
    variants = []
    for name, preset in spec.presets.items():
        variants.append(f":{name}")
        variants.extend(f"@{source}" for source in preset.sources)
    variants.extend(f"@{split}" for split in getattr(spec, "splits", ()))
    if spec.source_is_dataset:
        variants.append("@DATASET")
    if spec.source_is_knowledge:
        variants.append("@BASE")
    return {
        "name": spec.name,
        "plugin": spec.plugin,
        "version": spec.version,
        "summary": spec.summary,
        "variants": variants,
    }


def _print_others(kind: str, json: bool) -> None:
    from aacbench.plugins import registry

    known = registry()
    found = dict(known.plugins) if kind == "plugins" else _commands(known.command_hooks)
    if json:
        print_json(found)
    else:
        say(table(list(found.items()), [kind[:-1], "from"]))


def _commands(hooks: list[tuple[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for plugin, add in hooks:
        for command in commands_of(plugin, add).registered_commands:
            name = command.name or str(getattr(command.callback, "__name__", ""))
            found[name] = plugin
    return found


def _print_sets(json: bool) -> None:
    """The named sets of metrics, with all that is computed for each."""
    from aacbench.metric_sets import ALL, choose_metrics, metric_sets

    told = {name: each.summary for name, each in metric_sets().items()}
    told[ALL] = "every registered metric, and the official weights beside our own"
    found = [
        {
            "name": name,
            "summary": summary,
            "metrics": [choice.expression for choice in choose_metrics([name])],
        }
        for name, summary in told.items()
    ]
    if json:
        print_json(found)
        return
    say(table([[f["name"], f["summary"]] for f in found], ["set", "what it is"]))
    for each in found:
        say(f"\n{each['name']}: {', '.join(each['metrics'])}")

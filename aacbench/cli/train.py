"""`aacbench train`: make a part's weights with its own trainer."""

from __future__ import annotations

import json as json_module
import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from aacbench.cli.console import Json, note, print_json, say, warn_of_faults
from aacbench.errors import BadData, BadOption, UnknownName, nearest
from aacbench.specs import KINDS, Spec, Trainer


def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What to train, such as nac or clap.")],
    out: Annotated[Path, typer.Option(help="Where weights and card are written.")] = Path(
        "trained"
    ),
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    json: Json = False,
) -> None:
    """Train a part; --OPTION VALUE sets any option of its trainer (see --options).

    What some trainers are mostly given needs no name: aacbench train classifier YES.txt NO.txt.
    Killed and typed again, it goes on from its last checkpoint.
    """
    from aacbench import catalog
    from aacbench.config import resolve_device
    from aacbench.workshop import Workshop, require

    warn_of_faults()
    spec, trainer = _trainer(name)
    model = _load(trainer.options)
    if context.args == ["--options"]:
        _print_options(model, trainer.positional)
        return
    given = _read(context.args, trainer.positional)
    options = catalog.validate(model, given, f"aacbench train {name}")
    require(spec)
    _refuse_other_checkpoint(name, options.model_dump(mode="json"), out)
    workshop = Workshop(resolve_device(device), getattr(options, "seed", 0))
    workshop.report = lambda step, steps, loss: note(f"step {step} of {steps}, loss {loss:.4f}")
    figures = _load(trainer.run)(options, workshop, out)
    record = {
        "command": shlex.join(["aacbench", *sys.argv[1:]]),
        "part": name,
        "options": options.model_dump(mode="json"),
        "figures": figures,
        "environment": _environment(),
    }
    (out / "training.json").write_text(
        json_module.dumps(record, indent=2, default=str) + "\n", encoding="utf-8"
    )
    if json:
        print_json(record)
    else:
        for key, value in figures.items():
            say(f"{key:<12} {value}")
        say(f"\n{out}")


def _environment() -> dict[str, Any]:
    from aacbench.provenance import environment

    return environment()


def _refuse_other_checkpoint(name: str, options: dict[str, Any], out: Path) -> None:
    """Keep the options beside the checkpoint: going on with others would train on a mixture."""
    from aacbench.training import CHECKPOINT

    started = out / "started.json"
    asked = json_module.dumps({"part": name, "options": options}, indent=2, sort_keys=True)
    if (out / CHECKPOINT).is_file() and started.is_file():
        before = started.read_text(encoding="utf-8")
        if before != asked:
            raise BadData(
                f"{out} holds an unfinished training with other options (see {started}).",
                f"Give its options to go on, another --out, or: rm '{out / CHECKPOINT}'",
            )
    try:
        out.mkdir(parents=True, exist_ok=True)
        started.write_text(asked, encoding="utf-8")
    except OSError as error:
        raise BadData(
            f"{out} cannot be written to: {error.strerror}.", "Give another --out."
        ) from None


def _trainer(name: str) -> tuple[Spec, Trainer]:
    from aacbench.plugins import registry

    trainers = {
        part.spec.name: (part.spec, part.spec.trainer)
        for kind in KINDS
        for part in registry().all(kind)
        if part.spec.trainer
    }
    if name not in trainers:
        raise UnknownName(f"Nothing called '{name}' can be trained.", nearest(name, trainers))
    return trainers[name]


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


def _read(arguments: list[str], positional: tuple[str, ...] = ()) -> dict[str, Any]:
    """``--key value``, ``--key=value`` and ``key=value``; other words are `positional`'s, in order,
    and taken as they stand."""
    from aacbench.expressions import read_value

    values: dict[str, Any] = {}
    waiting, unnamed = list(arguments), list(positional)
    while waiting:
        word = waiting.pop(0)
        key, equals, value = word.lstrip("-").partition("=")
        named = word.startswith("--") or (equals and key.isidentifier())
        if not named and unnamed:
            values[unnamed.pop(0)] = word
            continue
        if not equals:
            if not named or not waiting:
                raise _no_value(word, key, named, positional)
            value = waiting.pop(0)
        values[key.replace("-", "_")] = read_value(value)
    return values


def _no_value(word: str, key: str, named: object, positional: tuple[str, ...]) -> BadOption:
    if not named and positional:
        names = " ".join(name.upper() for name in positional)
        return BadOption(f"'{word}' is one word too many.", f"Without names may stand: {names}.")
    return BadOption(f"'{word}' has no value.", f"Write --{key} VALUE.")


def _print_options(model: Any, positional: tuple[str, ...] = ()) -> None:
    if positional:
        say("Without their names, in this order: " + " ".join(positional))
    for name, field in model.model_fields.items():
        about = f"  {field.description}" if field.description else ""
        say(f"--{name.replace('_', '-'):<24} {field.default!s:<20}{about}")

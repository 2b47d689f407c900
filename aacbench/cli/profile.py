"""`aacbench profile`: what a captioner costs on this machine, and what an option of it costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aacbench.cli.console import Json, note, print_json, progress, say, warn_of_faults

if TYPE_CHECKING:
    from aacbench.profiling import Sweep

TARGET = "soundbox-events"


def profile(
    captioner: Annotated[str, typer.Argument(help="Who captions.")],
    target: Annotated[
        str | None, typer.Option("--target", "-t", help=f"Whose sounds; default {TARGET}.")
    ] = None,
    clips: Annotated[int, typer.Option(help="Clips that are captioned in turn.")] = 32,
    samples: Annotated[
        int | None, typer.Option(help="Captions that are timed: 130, in a sweep 64 each.")
    ] = None,
    batch_sizes: Annotated[str, typer.Option(help="Clips captioned together.")] = "1,4,16",
    warm_up: Annotated[int, typer.Option(help="Captions before the first that counts.")] = 8,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    threads: Annotated[int | None, typer.Option(help="Threads that torch computes with.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the clips' order.")] = 0,
    into: Annotated[Path | None, typer.Option(help="A run's folder to write it into.")] = None,
    out: Annotated[Path | None, typer.Option(help="A file for the figures, as JSON.")] = None,
    sweep: Annotated[
        str | None, typer.Option(help="An option and its values: guide.steps=0,1,3,5")
    ] = None,
    score: Annotated[
        list[str] | None, typer.Option(help="A metric that scores a sweep's captions.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Where a sweep is drawn, as SVG.")] = None,
    json: Json = False,
) -> None:
    """Measure what a captioner costs: latency by stage, memory, parameters, operations, energy."""
    warn_of_faults()
    _refuse_misplaced(sweep, into, score, plot)
    shared: dict[str, Any] = {
        "target": _target(target, into),
        "clips": clips,
        "device": device,
        "threads": threads,
        "warm_up": warm_up,
        "seed": seed,
    }
    if samples is not None:
        shared["samples"] = samples
    if sweep is not None:
        _sweep(captioner, sweep, shared, score or [], out, plot, json)
    else:
        _profile(captioner, shared, batch_sizes, into, out, json)


def _target(given: str | None, into: Path | None) -> str:
    if given is not None or into is None:
        return given or TARGET
    from aacbench.profiling.into_run import target_of

    return target_of(into)


def _refuse_misplaced(
    sweep: str | None, into: Path | None, score: list[str] | None, plot: Path | None
) -> None:
    """Refuse options that belong to a sweep alone, or to a profile alone."""
    from aacbench.errors import BadOption

    if sweep is not None and into is not None:
        raise BadOption("A sweep is of several captioners, a run of one.", "Leave out --into.")
    if sweep is None and (score or plot):
        given = "--score" if score else "--plot"
        raise BadOption(f"{given} belongs to a sweep.", "Add --sweep OPTION=VALUES.")


def _profile(
    captioner: str,
    shared: dict[str, Any],
    batch_sizes: str,
    into: Path | None,
    out: Path | None,
    json: bool,
) -> None:
    from aacbench.cli import profile_tables
    from aacbench.profiling import profile as measure
    from aacbench.profiling.report import PROFILE, write_json

    sizes = _sizes(batch_sizes)
    with progress("timing", quiet=json) as report:
        found = measure(captioner, **shared, batch_sizes=sizes, into=into, report=report)
    if out is not None:
        write_json(out, found.as_json())
    if json:
        print_json(found.as_json())
        return
    say(profile_tables.profile(found))
    for path in (out, into and into / PROFILE):
        if path is not None:
            say(f"\n{path}")


def _sizes(text: str) -> list[int]:
    from aacbench.errors import BadOption

    try:
        return [int(piece) for piece in text.split(",")]
    except ValueError:
        raise BadOption(
            f"--batch-sizes: '{text}' is no list of numbers.", "Write for example 1,4,16."
        ) from None


def _sweep(
    captioner: str,
    asked: str,
    shared: dict[str, Any],
    metrics: list[str],
    out: Path | None,
    plot: Path | None,
    json: bool,
) -> None:
    from aacbench.cli import profile_tables
    from aacbench.profiling import options
    from aacbench.profiling import sweep as measure
    from aacbench.profiling.report import write_json

    key, values = options.read_sweep(asked)
    with progress("timing", quiet=json) as report:
        found = measure(captioner, key, values, **shared, metrics=metrics, report=report)
    if found.key != key:
        note(f"{key} is understood as {found.key}.")
    if out is not None:
        write_json(out, found.as_json())
    drawn = _draw(found, plot or _beside(out, found.key))
    if json:
        print_json(found.as_json())
    else:
        say(profile_tables.sweep(found))
        say()
        for path in (out, drawn):
            if path is not None:
                say(str(path))


def _beside(out: Path | None, key: str) -> Path:
    return out.with_suffix(".svg") if out is not None else Path(f"sweep-{key}.svg")


def _draw(found: Sweep, path: Path) -> Path:
    """The picture; or its figures as CSV where the package that draws is not installed."""
    from aacbench.errors import MissingRequirement
    from aacbench.profiling import plotting

    try:
        return plotting.draw(found, path)
    except MissingRequirement as missing:
        note(f"{missing.message} The figures are written as CSV in its place. {missing.hint}")
        return plotting.write_table(found, path.with_suffix(".csv"))

"""`aacbench kb`: knowledge bases, which retrievers look things up in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aacbench.cli import kb_info, kb_search, kb_similarity
from aacbench.cli.console import Json, print_json, progress, say, warn_of_faults
from aacbench.errors import BadOption, UnknownName, nearest

if TYPE_CHECKING:
    from aacbench.executors import Executor
    from aacbench.knowledge.base import KnowledgeBase
    from aacbench.workshop import Workshop

DEFAULT_ENCODER = "clap:mini"

app = typer.Typer(
    help="Build knowledge bases, cut them down, and look things up in them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("info")(kb_info.info)
app.command("search")(kb_search.search)
app.command("index")(kb_search.index)
app.command("refine")(kb_search.refine)
app.command("similarity")(kb_similarity.similarity)


@app.command("build")
def build(
    name: Annotated[
        str, typer.Argument(help="A named base (see aacbench kb info), or a folder to build in.")
    ],
    encoder: Annotated[
        str | None, typer.Option(help=f"Whose embeddings; {DEFAULT_ENCODER} by default.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where a named base goes, in place of its own folder.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="A split such as clotho@development, or a folder; any number of them."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            help="A split, or a source id, whose recordings stay out; any number of them, or none. "
            "By default the evaluation splits of the data."
        ),
    ] = None,
    add: Annotated[
        bool, typer.Option("--add", help="Add the data to the base that is there.")
    ] = False,
    longest: Annotated[
        float | None, typer.Option(help="Leave out sounds above so many seconds.")
    ] = None,
    executor: Annotated[str, typer.Option(help="Where the work is done: local or ray.")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="How many work at once.")] = 2,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    json: Json = False,
) -> None:
    """Build a base from data, or go on with it; only what is missing is made.

    Killed and typed again, it goes on where it stopped and ends with the same bytes.
    """
    from aacbench.config import resolve_device
    from aacbench.executors import choose
    from aacbench.workshop import Workshop

    warn_of_faults()
    on = resolve_device(device)
    hands = choose(executor, workers, on)
    kept_out = None if exclude is None else tuple(one for one in exclude if one != "none")
    workshop = Workshop(on)
    if not data:
        _refuse(add, "--add", "say what to add: --data SPLIT")
        base = _known(name, encoder, out, kept_out, longest, workshop, hands)
    else:
        base = _own(name, encoder, out, data, kept_out, add, longest, workshop, hands)
    facts = kb_info.facts(base.path)
    if json:
        print_json(facts)
    else:
        say(kb_info.told(facts))


def _known(
    name: str,
    encoder: str | None,
    out: Path | None,
    exclude: tuple[str, ...] | None,
    longest: float | None,
    workshop: Workshop,
    hands: Executor,
) -> KnowledgeBase:
    """A named base, or the going on with one in a folder."""
    from aacbench import bases
    from aacbench.knowledge import building, finding

    _refuse(longest, "--longest", "a named base says that itself")
    if name not in bases.recipes() and bases.is_base(Path(name).expanduser()):
        for given, option in ((encoder, "--encoder"), (out, "--out"), (exclude, "--exclude")):
            _refuse(given, option, "what was begun there goes on as it was begun")
        with progress(name) as report:
            return building.resume(Path(name).expanduser(), workshop, hands, report)
    if name not in bases.recipes():
        raise UnknownName(
            f"There is no knowledge base '{name}', and no folder of one.",
            f"{nearest(name, bases.recipes())} Or build your own there: "
            f"aacbench kb build '{name}' --data SPLIT",
        )
    encoder = encoder or DEFAULT_ENCODER
    *first, recipe = finding.stages(bases.recipe(name))
    for each in first:
        with progress(each.name) as report:
            there = finding.home(each.name, encoder)
            finding.build_named(each, encoder, there, workshop, hands, exclude, report)
    path = out.expanduser() if out else finding.home(name, encoder)
    with progress(name, unit="pair" if first else "clip") as report:
        return finding.build_named(recipe, encoder, path, workshop, hands, exclude, report)


def _own(
    name: str,
    encoder: str | None,
    out: Path | None,
    data: list[str],
    exclude: tuple[str, ...] | None,
    add: bool,
    longest: float | None,
    workshop: Workshop,
    hands: Executor,
) -> KnowledgeBase:
    """A base of one's own data, new or added to."""
    from aacbench import bases
    from aacbench.knowledge import building, finding

    if name in bases.recipes():
        raise BadOption(
            f"'{name}' is a named base, and its data are fixed.",
            f"To build a base of your own in a folder of that name: ./{name}",
        )
    _refuse(out, "--out", "the folder stands before it")
    path = Path(name).expanduser()
    with progress(path.name) as report:
        if add:
            _refuse(encoder, "--encoder", "the base has one already")
            _refuse(longest, "--longest", "the base has one already, or none")
            return building.append(path, data, workshop, hands, exclude, report)
        recipe = bases.Recipe("", data=tuple(data), longest=longest)
        near = finding.neighbours()
        return building.build(
            recipe, encoder or DEFAULT_ENCODER, path, workshop, hands, exclude, report, near
        )


def _refuse(given: Any, option: str, why: str) -> None:
    if given:
        raise BadOption(f"{option} does not go with the rest: {why}.", "See: aacbench kb build -h")

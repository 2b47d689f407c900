"""`aacbench score`: score runs, or anybody's captions, and compare them clip by clip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aacbench.cli.console import Json, follow, print_json, say, table, warn_of_faults
from aacbench.errors import BadData, BadOption

if TYPE_CHECKING:
    from aacbench.scoring import Scored

_NEED_JAVA = frozenset({"bleu", "rouge_l", "cider_d", "meteor", "spider", "length", "vocabulary"})


def score(
    captions: Annotated[
        list[Path], typer.Argument(help="Run folders, or CSV or JSONL files of captions.")
    ],
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="What a file of captions describes.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", "-m", help="Comma-separated; default: all.")
    ] = None,
    against: Annotated[
        bool, typer.Option("--against-first", help="Test the others against the first, by clip.")
    ] = False,
    json: Json = False,
) -> None:
    """Score runs, or files of captions; figures carry 95 % intervals."""
    from aacbench.expressions import split_outside
    from aacbench.store import system_of

    names = [name.strip() for name in split_outside(metrics, ",")] if metrics else None
    if not all(map(_is_retrieval, captions)):
        _begin_java(names)
    warn_of_faults()
    both = [score_one(path, target, names, json) for path in captions]
    results = [result for result, _ in both]
    differences = _differences(both) if against and len(both) > 1 else []
    if json:
        print_json({"results": results, "differences": differences})
        return
    from aacbench.cli import tables

    say(tables.results(results))
    if differences:
        say(f"\nagainst {system_of(results[0])}, the same clips (p is Holm-adjusted)")
        rows = [
            [
                d.get("retriever") or d["captioner"],
                d["figure"],
                f"{d['difference']:+.4f}",
                f"{d['low']:+.4f}",
                f"{d['high']:+.4f}",
                f"{d['p']:.4f}",
            ]
            for d in differences
        ]
        say(table(rows, ["system", "figure", "difference", "low", "high", "p"]))


def _is_retrieval(path: Path) -> bool:
    """Whether a folder is of a retriever's run, in which there is nothing for Java to do."""
    from aacbench.store import RANKINGS

    return (path / RANKINGS).is_file()


def _begin_java(names: list[str] | None) -> None:
    """Let Java start while Python still reads, where metrics are sure to need it."""
    from aacbench.java import texts

    if names is None or _NEED_JAVA.intersection(names):
        more = ("normal", "meteor") if names is None or "meteor" in names else ()
        texts.foresee("tokens", *more)


def score_one(
    path: Path, target: str | None, names: list[str] | None, quiet: bool
) -> tuple[dict[str, Any], Scored]:
    """The result and the clips of a run's folder, or of a file of captions of `target`."""
    from aacbench import api
    from aacbench.store import RunFolder

    tell = None if quiet else follow
    if path.is_dir():
        return api.score_run(RunFolder(path), names, tell)
    if not path.exists():
        raise BadData(f"There is no {path}.", "Give a run's folder, or a CSV or JSONL of captions.")
    if target is None:
        raise BadOption(
            f"{path} does not say which clips it captions.",
            "Say what it captions, as in: --target clotho",
        )
    return api.score_table(path, target, names, tell)


def _differences(both: list[tuple[dict[str, Any], Scored]]) -> list[dict[str, Any]]:
    from aacbench.comparing import compare, refuse_incomparable
    from aacbench.store import maker_of, system_of

    first_result, first = both[0]
    found: list[dict[str, Any]] = []
    for result, scored in both[1:]:
        refuse_incomparable(result, first_result)
        comparison = compare(scored, first)
        found.extend(
            {
                maker_of(result): system_of(result),
                "figure": one.figure,
                "clips": comparison.clips,
                "difference": one.difference.estimate,
                "low": one.difference.low,
                "high": one.difference.high,
                "p": one.adjusted,
            }
            for one in comparison.figures
        )
    return found

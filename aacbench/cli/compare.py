"""`aacbench compare`: which of two captioners is better, how surely, by how much, and where."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aacbench.cli.console import Json, print_json, say, table, visible, warn_of_faults
from aacbench.cli.score import score_one

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aacbench.comparing import Apart, Compared, Comparison
    from aacbench.stats import Interval

WIDTH = 100
LONGEST = 300  # characters of a caption; --json has all


class Test(StrEnum):
    """Where p comes from; `comparing.Test` by its values."""

    BOOTSTRAP = "bootstrap"
    PERMUTATION = "permutation"


def compare(
    a: Annotated[Path, typer.Argument(help="A run's folder, or a CSV or JSONL of captions.")],
    b: Annotated[Path, typer.Argument(help="The one to compare it with.")],
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="What a file of captions describes.")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", "-m", help="Comma-separated; default: as aacbench score."),
    ] = None,
    test: Annotated[
        Test, typer.Option("--test", help="Where p comes from; yes or no per clip: McNemar.")
    ] = Test.BOOTSTRAP,
    figure: Annotated[
        str | None, typer.Option("--figure", help="By which to choose the clips furthest apart.")
    ] = None,
    clips: Annotated[int, typer.Option("--clips", min=0, help="How many of these to show.")] = 5,
    json: Json = False,
) -> None:
    """Compare two captioners on the clips that both caption."""
    from aacbench import comparing
    from aacbench.expressions import split_outside

    warn_of_faults()
    names = [name.strip() for name in split_outside(metrics, ",")] if metrics else None
    result_a, scored_a = score_one(a, target, names, json)
    result_b, scored_b = score_one(b, target, names, json)
    comparing.refuse_incomparable(result_a, result_b)
    found = comparing.compare(scored_a, scored_b, test=test.value)
    chosen = figure or _telling(found)
    apart = comparing.furthest_apart(scored_a, scored_b, chosen, clips) if chosen else []
    results, captioners = (result_a, result_b), (_named(a, result_a), _named(b, result_b))
    if json:
        print_json(_as_json(captioners, results, found, chosen, apart))
        return
    say(_heading(captioners, results[0]["target"], found))
    say(f"\n{_differences(found)}")
    say(f"\n{_effects(found)}" if any(one.effect for one in found.figures) else "")
    say()
    for remark in _remarks(found, results):
        say("\n".join(wrap(visible(remark), WIDTH, subsequent_indent="  ")))
    if apart:
        say(f"\nfurthest apart in {chosen}")
        say("\n".join(line for one in apart for line in _clip(one)))


def _named(path: Path, result: Mapping[str, Any]) -> str:
    """What a reader tells the two by: files are often of one name."""
    from aacbench.store import system_of

    return f"{path} ({system_of(result)})" if path.is_dir() else str(path)


def _telling(found: Comparison) -> str | None:
    """The figure to choose clips by where nobody chose: CIDEr-D spreads clips most."""
    known = [one.figure for one in found.figures if one.effect]
    telling = [name for name in known if name.startswith("cider_d")]
    return next(iter([*telling, *known]), None)


# --- as a table -----------------------------------------------------------------------------------


def _heading(captioners: Sequence[str], target: str, found: Comparison) -> str:
    alone = [
        f"{count} only {who}" for count, who in ((found.only_a, "A"), (found.only_b, "B")) if count
    ]
    beside = f" (left out: {', '.join(alone)})" if alone else ""
    return "\n".join(
        [
            *(f"{letter}  {visible(name)}" for letter, name in zip("AB", captioners, strict=True)),
            f"{target}, {found.clips} clips that both caption{beside}",
        ]
    )


def _differences(found: Comparison) -> str:
    rows = [
        [
            one.figure,
            {True: "higher", False: "lower", None: "-"}[one.higher_is_better],
            f"{one.a:.{one.decimals}f}",
            f"{one.b:.{one.decimals}f}",
            _interval(one.difference, _digits(one)),
            _p(one.p) + ("*" if one.test == "mcnemar" else ""),
            _p(one.adjusted),
        ]
        for one in found.figures
    ]
    return table(rows, ["figure", "better", "A", "B", "A - B [95 %]", "p", "p, Holm"])


def _digits(one: Compared) -> int:
    """A difference is shown to one digit more than its figures, unless they are long as it is."""
    return one.decimals + (one.decimals > 0 and max(abs(one.a), abs(one.b)) < 100)


def _effects(found: Comparison) -> str:
    rows = [
        [
            one.figure,
            _interval(one.effect.d_z, 2) if one.effect.d_z else "-",
            _interval(one.effect.better, 2, sign=""),
            f"{one.effect.wins} / {one.effect.ties} / {one.effect.losses}",
        ]
        for one in found.figures
        if one.effect
    ]
    return table(
        rows, ["on single clips", "d_z [95 %]", "P(A better) [95 %]", "A better / same / B better"]
    )


def _interval(interval: Interval, digits: int, sign: str = "+") -> str:
    text = f"{interval.estimate:{sign}.{digits}f}"
    if interval.low != interval.low:
        return text
    return f"{text} [{interval.low:{sign}.{digits}f}, {interval.high:{sign}.{digits}f}]"


def _p(p: float) -> str:
    return f"{p:.4f}" if p >= 5e-5 else f"{p:.0e}"


def _remarks(found: Comparison, results: Sequence[Mapping[str, Any]]) -> list[str]:
    from aacbench.comparing import RESAMPLES
    from aacbench.scoring import caution

    by = {one.test for one in found.figures}
    lines = []
    if by - {"mcnemar"}:
        (test,) = by - {"mcnemar"}
        what = "paired bootstrap" if test == "bootstrap" else "permutation test"
        lines.append(
            f"p: {what}, {RESAMPLES} times; Holm: for {len(found.figures)} figures at once"
        )
    if "mcnemar" in by:
        lines.append("*: McNemar's exact test, the figure being yes or no for every clip")
    if any(one.higher_is_better is None and one.effect for one in found.figures):
        lines.append("Where neither side is better, read P(A higher).")
    for letter, result in zip("AB", results, strict=True):
        lines += [
            f"{judge}: {letter} is judged by a model of its own" for judge in result["self_scored"]
        ]
    if (few := caution(found.clips)) is not None:
        lines.append(few)
    lines += [f"not compared: {name}: {why}" for name, why in found.left_out.items()]
    return lines


def _clip(one: Apart) -> list[str]:
    lines = ["", f"{visible(one.clip_id)}: {one.a:.3f} against {one.b:.3f}"]
    for letter, caption in (("A", one.caption_a), ("B", one.caption_b)):
        shown = caption if len(caption) <= LONGEST else f"{caption[:LONGEST]} ..."
        lines += wrap(
            visible(shown) or "(empty)",
            WIDTH,
            initial_indent=f"  {letter}: ",
            subsequent_indent="     ",
        )
    return lines


# --- for machines ---------------------------------------------------------------------------------


def _as_json(
    captioners: Sequence[str],
    results: Sequence[Mapping[str, Any]],
    found: Comparison,
    chosen: str | None,
    apart: Sequence[Apart],
) -> dict[str, Any]:
    from dataclasses import asdict

    from aacbench.store import maker_of, system_of

    a, b = (
        {
            "captions": name,
            maker_of(result): system_of(result),
            "self_scored": result["self_scored"],
            "alone": alone,
        }
        for name, result, alone in zip(
            captioners, results, (found.only_a, found.only_b), strict=True
        )
    )
    return {
        "a": a,
        "b": b,
        "target": results[0]["target"],
        "clips": found.clips,
        "figures": [asdict(one) for one in found.figures],
        "not_compared": found.left_out,
        "furthest_apart": {"figure": chosen, "clips": [asdict(one) for one in apart]},
    }

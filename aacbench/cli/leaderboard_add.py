"""`aacbench leaderboard add`, `add-figures`, `verify`, `rescore`: rows come, and keep up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aacbench.cli.console import Json, follow, print_json, progress, say, visible, warn_of_faults
from aacbench.errors import BadData, BadOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aacbench.leaderboard.adding import Added

Folder = Annotated[Path, typer.Option("--folder", help="The leaderboard's folder.")]
Replace = Annotated[
    bool, typer.Option("--replace", help="Put it in the place of a row with other captions.")
]
Partial = Annotated[
    bool, typer.Option("--partial", help="Keep captions of a part of the target, unranked.")
]
HERE = Path("leaderboard")


def add(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, as aacbench run printed them.")],
    folder: Folder = HERE,
    replace: Replace = False,
    json: Json = False,
) -> None:
    """Check runs and put them on the leaderboard, with their captions."""
    from aacbench.errors import AacbenchError
    from aacbench.leaderboard.adding import add_run
    from aacbench.leaderboard.truths import Truths

    warn_of_faults()
    truths, added, refused = Truths(), [], []
    for run in runs:
        try:
            added.append(add_run(run, folder, replace=replace, truths=truths))
        except AacbenchError as error:
            refused.append(error)
    if json:
        print_json({"added": [vars(one) for one in added], "refused": [e.message for e in refused]})
    else:
        say("\n".join(line for one in added for line in _told(one)))
    if refused:
        raise BadData("\n".join(error.message for error in refused), refused[-1].hint)


def _told(one: Added) -> list[str]:
    verb = {"added": "added", "replaced": "replaced", "unchanged": "there already, the same"}
    head = f"{verb[one.status]}: {one.folder} ({one.size / 1000:,.0f} kB)"
    return [head, *(f"  {visible(remark)}" for remark in one.remarks)]


def add_figures(
    captions: Annotated[Path, typer.Argument(help="A CSV or JSONL of captions.")],
    target: Annotated[str, typer.Option("--target", "-t", help="What they describe.")],
    system: Annotated[str, typer.Option("--system", help="What the system is called.")],
    source: Annotated[str, typer.Option("--source", help="Where its captions came from.")],
    trained_on: Annotated[
        str | None,
        typer.Option(
            "--trained-on", help="Data whose captions it learnt from, as data set/split, by commas."
        ),
    ] = None,
    published: Annotated[
        Path | None, typer.Option("--published", help="A JSON of others' figures of these.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", "-m", help="Comma-separated; default: as score.")
    ] = None,
    partial: Partial = False,
    folder: Folder = HERE,
    replace: Replace = False,
    json: Json = False,
) -> None:
    """Score captions that came in a file; keep the figures, marked as re-scored, and not the
    captions."""
    from aacbench.leaderboard.figures import add_figures as add_the_figures

    warn_of_faults()
    added = add_the_figures(
        captions,
        folder,
        target,
        system,
        source,
        trained_on=_names(trained_on),
        partial=partial,
        published=published,
        metrics=_names(metrics),
        replace=replace,
        tell=None if json else follow,
    )
    if json:
        print_json(vars(added))
    else:
        say("\n".join(_told(added)))


def _names(text: str | None) -> list[str] | None:
    from aacbench.expressions import split_outside

    if text is None:
        return None
    return [name.strip() for name in split_outside(text, ",") if name.strip()]


def verify(
    folder: Folder = HERE,
    all_metrics: Annotated[
        bool, typer.Option("--all", help="Compute heavy metrics again too; takes their models.")
    ] = False,
    json: Json = False,
) -> None:
    """Check every row: seals, settings, captions, and figures computed again."""
    from aacbench.leaderboard.verifying import verify_all

    warn_of_faults()
    _refuse_none(folder)
    with progress("verifying", quiet=json, unit="row") as report:
        found = verify_all(folder, "all" if all_metrics else "light", report)
    wrong = [one for one in found if one.problems]
    if json:
        print_json([vars(one) for one in found])
    else:
        for one in found:
            say(f"{one.folder}: {'refused' if one.problems else 'verified'}")
            for remark in one.remarks:
                say(f"  {visible(remark)}")
    if wrong:
        lines = [f"{one.folder}: {problem}" for one in wrong for problem in one.problems]
        raise BadData(
            "\n".join([f"{len(wrong)} of {len(found)} rows are refused:", *lines]),
            "Restore them from git, or add their runs again.",
        )


def _refuse_none(folder: Path) -> None:
    from aacbench.leaderboard.results import RESULTS

    if not (folder / RESULTS).is_dir():
        raise BadOption(f"{folder} has no {RESULTS}.", "Name a leaderboard: --folder leaderboard")


def rescore(
    folder: Folder = HERE,
    metrics: Annotated[
        str,
        typer.Option("--metrics", "-m", help="Comma-separated; light: those that need no model."),
    ] = "light",
    json: Json = False,
) -> None:
    """Score stored captions again where a metric's version changed, and seal the rows anew."""
    from aacbench.leaderboard.rescoring import rescore as score_again

    warn_of_faults()
    _refuse_none(folder)
    with progress("scoring again", quiet=json, unit="row") as report:
        done = score_again(folder, _names(metrics) or ["light"], report)
    if json:
        print_json([vars(one) for one in done])
        return
    for one in done:
        say(f"{one.folder}: {_changed(one.changed, one.lost)}")


def _changed(changed: Sequence[str], lost: Any) -> str:
    told = [f"{len(changed)} figures anew ({', '.join(changed)})"] if changed else []
    told += [f"{name} is gone: {reason}" for name, reason in (lost or {}).items()]
    return "; ".join(told) or "current"

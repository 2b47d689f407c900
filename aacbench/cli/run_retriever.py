"""`aacbench run --retriever`: rank a target's clips for its captions, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aacbench.cli.console import note, print_json, progress, say
from aacbench.errors import BadOption

if TYPE_CHECKING:
    import typer

    from aacbench.retrieving import Outcome, Plan

OWN = frozenset({"score", "dry_run", "json"})
"""Options that say what to do with the run, and are none of its settings."""


def run(context: typer.Context, score: bool, dry_run: bool, json: bool) -> None:
    """What `aacbench run` does where a retriever is named."""
    from aacbench import catalog, retrieving

    values = _settings(context, set(retrieving.RetrievalSettings.model_fields))
    plan = retrieving.plan(catalog.validate(retrieving.RetrievalSettings, values, "run"))
    if dry_run:
        _print_plan(plan, json)
    else:
        _run(plan, score, json)


def _settings(context: typer.Context, known: set[str]) -> dict[str, Any]:
    """The options that were typed; one that only a captioner's run has is refused."""
    typed = {
        name: value
        for name, value in context.params.items()
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }
    for name in typed.keys() - known - OWN:
        option = f"--{name.replace('_', '-')}"
        raise BadOption(
            f"{option} is for captioners, and --retriever names a retriever.",
            f"Leave out {option}." if name != "captioner" else "Name one of them, not both.",
        )
    return {name: value for name, value in typed.items() if name in known}


def _print_plan(plan: Plan, json: bool) -> None:
    from dataclasses import asdict

    from aacbench import catalog, retrieving
    from aacbench.store import RANKINGS

    verdict = retrieving.domain(plan)
    resolved: dict[str, Any] = {
        "retriever": catalog.settings_of(plan.retriever),
        "target": {**catalog.settings_of(plan.target.choice), "split": plan.target.split},
        "settings": plan.settings.model_dump(mode="json"),
        "weights": plan.decides["weights"],
        "domain": asdict(verdict),
        "key": plan.key,
        "folder": str(plan.folder.path),
        "clips": {
            "official": len(plan.annotations),
            "at_hand": plan.at_hand,
            "asked": len(plan.clips),
        },
        "captions": len(plan.captions),
        "done": (plan.folder.path / RANKINGS).is_file(),
    }
    if json:
        print_json(resolved)
        return
    say(f"retriever  {plan.retriever.expression}")
    for name, value in (resolved["retriever"]["options"] or {}).items():
        say(f"             {name} = {value}")
    say(f"target     {plan.target.name}")
    say(f"domain     {verdict.caption} ({verdict.reason})")
    say(f"run key    {plan.key}")
    say(f"folder     {plan.folder.path}")
    done = "done" if resolved["done"] else "to do"
    say(f"gallery    {len(plan.clips)} clips and {len(plan.captions)} captions, {done}")
    say(f"           {plan.at_hand} of {len(plan.annotations)} official clips are at hand")


def _run(plan: Plan, score: bool, json: bool) -> None:
    from aacbench import api, retrieving

    with progress("ranking", quiet=json) as report:
        outcome = retrieving.run(plan, report)
    if outcome.done_before and not json:
        note("All of it was done before.")
    if outcome.failed:
        _tell_failed(outcome)
    folder = outcome.folder
    if not score:
        counts = {"ranked": outcome.ranked, "failed": outcome.failed}
        print_json({"folder": str(folder.path), **counts}) if json else say(str(folder.path))
        return
    result, _ = api.score_run(folder)
    if json:
        print_json({"folder": str(folder.path), **result})
        return
    from aacbench.cli import tables

    say()
    say(tables.results([result]))
    say(f"\n{folder.path}")


def _tell_failed(outcome: Outcome) -> None:
    from aacbench import rankings
    from aacbench.store import RANKINGS

    for clip, reason in rankings.read(outcome.folder.path / RANKINGS).failed.items():
        note(f"failed: {clip}: {reason}")

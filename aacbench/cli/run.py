"""`aacbench run`: caption a target, or rank it with a retriever, score it, print the table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aacbench.cli.console import Json, follow, note, print_json, progress, say, warn_of_faults
from aacbench.errors import BadOption

if TYPE_CHECKING:
    from aacbench.config import Plan
    from aacbench.running import Outcome


def run(
    context: typer.Context,
    target: Annotated[str, typer.Option("--target", "-t", help="A data set, or a folder.")],
    captioner: Annotated[
        str | None, typer.Option("--captioner", "-c", help="Who captions.")
    ] = None,
    retriever: Annotated[
        str | None, typer.Option("--retriever", "-r", help="Or: who ranks clips and captions.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="The first so many clips only.")] = None,
    batch_size: Annotated[int, typer.Option(help="Clips captioned together.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of whatever is random.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    workers: Annotated[
        int, typer.Option(help="Threads that decode sound ahead, or Ray's processes that caption.")
    ] = 2,
    executor: Annotated[str, typer.Option(help="Where: local, or ray.")] = "local",
    shard: Annotated[
        str | None, typer.Option(help="Caption one part of several, as in 2/8; then gather.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs"),
    retry_failed: Annotated[bool, typer.Option(help="Try failed clips again.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Print what would be done.")] = False,
    score: Annotated[bool, typer.Option(help="Score the captions when they are done.")] = True,
    json: Json = False,
) -> None:
    """Caption a target with a captioner, or rank its clips for its captions and the other way round
    with a retriever; typed again, it goes on where it stopped."""
    from aacbench import catalog, config
    from aacbench.cli import run_retriever

    warn_of_faults()
    if retriever is not None:
        run_retriever.run(context, score, dry_run, json)
        return
    if captioner is None:
        raise BadOption("Nobody is named to caption.", "Write --captioner nac, or --retriever ...")
    values = {
        "captioner": captioner,
        "target": target,
        "limit": limit,
        "batch_size": batch_size,
        "seed": seed,
        "device": device,
        "workers": workers,
        "executor": executor,
        "shard": shard,
        "out": out,
        "retry_failed": retry_failed,
    }
    plan = config.plan(catalog.validate(config.RunSettings, values, "run"))
    if dry_run:
        _print_plan(plan, json)
    else:
        _run(plan, score, json)


def _print_plan(plan: Plan, json: bool) -> None:
    from dataclasses import asdict

    from aacbench import catalog, config, sharding

    done = sharding.known(plan.folder.path)
    if plan.settings.retry_failed:
        done = {name: record for name, record in done.items() if record.caption is not None}
    asked = plan.asked()
    finished = sum(clip.id in done for clip in asked)
    resolved: dict[str, Any] = {
        "captioner": catalog.settings_of(plan.captioner),
        "target": {**catalog.settings_of(plan.target.choice), "split": plan.target.split},
        "settings": plan.settings.model_dump(mode="json"),
        "weights": plan.decides["weights"],
        "domain": asdict(config.domain(plan)),
        "key": plan.key,
        "folder": str(plan.folder.path),
        "clips": {
            "official": len(plan.annotations),
            "at_hand": len(plan.clips),
            "asked": len(asked),
            "done": finished,
            "to_do": len(asked) - finished,
        },
    }
    if json:
        print_json(resolved)
        return
    say(f"captioner  {plan.captioner.expression}")
    for name, value in (resolved["captioner"]["options"] or {}).items():
        say(f"             {name} = {value}")
    say(f"target     {plan.target.name}")
    say(f"domain     {resolved['domain']['caption']} ({resolved['domain']['reason']})")
    say(f"run key    {plan.key}")
    say(f"folder     {plan.folder.path}")
    counts = resolved["clips"]
    say(f"clips      {counts['to_do']} to do, {counts['done']} done, of {counts['asked']} asked")
    say(f"           {counts['at_hand']} of {counts['official']} official clips are at hand")


def _run(plan: Plan, score: bool, json: bool) -> None:
    from aacbench import api, running

    with progress("captioning", quiet=json) as report:
        outcome = running.run(plan, report)
    if outcome.done_before and not json:
        note(f"{outcome.done_before} of them were done before.")
    if outcome.failed:
        for record in outcome.folder.records().values():
            if record.error is not None:
                note(f"failed: {record.clip_id}: {record.error}")
    if not score or plan.shard:
        _print_unscored(outcome, json)
        return
    tell = None if json else follow
    result, _ = api.score_run(outcome.folder, None, tell)
    if json:
        print_json({"folder": str(outcome.folder.path), **result})
        return
    from aacbench.cli import tables

    say()
    say(tables.results([result]))
    say(f"\n{outcome.folder.path}")


def _print_unscored(outcome: Outcome, json: bool) -> None:
    counts = {"captioned": outcome.captioned, "failed": outcome.failed}
    if json:
        print_json({"folder": str(outcome.folder.path), **counts})
    else:
        say(str(outcome.folder.path))
    if outcome.folder.part and not json:
        note(f"When all shards are done: aacbench gather '{outcome.folder.path}'")

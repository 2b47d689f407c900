"""`aacbench gather`: put the shards of a run together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aacbench.cli.console import Json, note, print_json, say

if TYPE_CHECKING:
    from aacbench.gathering import Gathered

SHOWN = 5


def gather(
    folder: Annotated[Path, typer.Argument(help="The run's folder, which its shards share.")],
    json: Json = False,
) -> None:
    """Put what the shards of a run have captioned together, in the target's order.

    Ends with 1 where clips are missing, and says whose they are; typed again, it goes on.
    """
    from aacbench import gathering

    found = gathering.gather(folder)
    if json:
        print_json(
            {
                "folder": str(folder),
                "shards": [str(shard) for shard in found.shards],
                "captioned": found.captioned,
                "failed": found.failed,
                "missing": list(found.missing),
                "left_by": {str(shard): count for shard, count in found.left_by.items()},
            }
        )
    else:
        _tell(found)
    if found.missing:
        raise typer.Exit(1)


def _tell(found: Gathered) -> None:
    shards = ", ".join(map(str, found.shards)) or "none that was not gathered before"
    say(f"shards     {shards}")
    say(f"clips      {found.captioned} captioned, {found.failed} failed")
    say(f"folder     {found.folder.path}")
    if not found.missing:
        return
    some = ", ".join(found.missing[:SHOWN]) + (", ..." if len(found.missing) > SHOWN else "")
    note(f"{len(found.missing)} clips are missing: {some}")
    for shard, count in found.left_by.items():
        note(f"  {count} of them are shard {shard}'s: run it again with --shard {shard}")
    note("Or run without --shard: it captions whatever is missing.")

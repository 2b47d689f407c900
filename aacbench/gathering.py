"""`gather`: the shards of a run -> one run, and what is still missing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from aacbench import catalog, sharding
from aacbench.sharding import Shard
from aacbench.store import RunFolder
from aacbench.types import Dataset
from aacbench.workshop import Workshop


@dataclass(frozen=True)
class Gathered:
    """What came together: `shards` now, `captioned` and `failed` clips in all.

    `missing` are the clips that no shard has done, in the target's order; `left_by` says how many
    of them each shard of the last division has left, where there was one.
    """

    folder: RunFolder
    shards: tuple[Shard, ...]
    captioned: int
    failed: int
    missing: tuple[str, ...]
    left_by: Mapping[Shard, int]


def gather(path: Path) -> Gathered:
    """Gather the shards of the run in a folder; again, after more of them, as often as one likes.

    `BadData` where the folder is not a run's, `Busy` where a shard is at work.
    """
    folder = RunFolder(path)
    manifest = folder.manifest()
    asked, everything = _clips(manifest)
    with folder.locked():
        shards = sharding.gather(folder, everything)
    records = folder.records()
    failed = sum(record.caption is None for record in records.values())
    missing = tuple(name for name in asked if name not in records)
    division = _division(manifest)
    numbers = [Shard(division, n) for n in range(1, division + 1)]
    left = {one: len(set(one.take(asked)).intersection(missing)) for one in numbers}
    left_by = {one: count for one, count in left.items() if count}
    return Gathered(folder, tuple(shards), len(records) - failed, failed, missing, left_by)


def _clips(manifest: Mapping[str, Any]) -> tuple[Sequence[str], Sequence[str]]:
    """The ids of the clips that were asked for by any start, and of all at hand, in order."""
    target = catalog.choose_target(str(manifest["target"]["expression"]))
    dataset = cast(Dataset, Workshop(seed=manifest["seed"]).make(target.choice))
    everything = [clip.id for clip in dataset.clips(target.split)]
    limits = [start.get("limit") for start in manifest["starts"]]
    return everything[: None if None in limits else max(limits)], everything


def _division(manifest: Mapping[str, Any]) -> int:
    """Into how many shards the run was last divided; 0 where it never was."""
    named = [start["shard"] for start in manifest["starts"] if start.get("shard")]
    return sharding.shard(named[-1]).of if named else 0

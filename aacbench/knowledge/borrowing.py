"""Shards that another base has already: ``large`` begins with all that ``base`` is made of.

A finished shard is never written to again, so that two bases can share its files on disk.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aacbench.bases import read_manifest
from aacbench.errors import BadData
from aacbench.knowledge.base import SHARDS
from aacbench.knowledge.shards import refuse_damaged


def borrow(
    shard: Path, plan: str, number: int, fingerprint: str, bases: Iterable[Path]
) -> Path | None:
    """Bring the `number`-th shard of a split whose plan's digest is `plan` into the folder
    `shard`, from a base of the encoder of that fingerprint; gives that base, or None."""
    for base in bases:
        for folder, files in _offered(base, plan, number, fingerprint):
            try:
                refuse_damaged(folder, files, thorough=True)
            except BadData:
                continue
            partial = shard.with_name(shard.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(folder, partial, copy_function=_linked)
            os.replace(partial, shard)
            return base
    return None


def _offered(
    base: Path, plan: str, number: int, fingerprint: str
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The folder, and what its files must hold, where a base has that shard."""
    try:
        manifest = read_manifest(base)
    except BadData:
        return
    if not manifest.get("complete") or manifest["encoder"].get("fingerprint") != fingerprint:
        return
    files = {told["name"]: told["files"] for told in manifest["shards"]}
    for source in manifest.get("sources", ()):
        if source.get("plan") == plan and source["shards"][number] in files:
            name = source["shards"][number]
            yield base / SHARDS / name, files[name]


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
    return target

"""A knowledge base of embeddings that are there already: drawn, cut down, or from elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aacbench.bases import MANIFEST, read_manifest
from aacbench.errors import BadData
from aacbench.knowledge.base import SHARDS, KnowledgeBase, digest_of, write_manifest
from aacbench.knowledge.entries import Entry, origin
from aacbench.knowledge.planning import SHARD_PAIRS
from aacbench.knowledge.shards import Half, ShardWriter
from aacbench.store import RunFolder

Rows = tuple[Sequence[Entry], Half, Half]
"""Entries, and the embeddings of their sounds and captions, (rows, dim) each."""


def write(
    out: Path,
    encoder: Mapping[str, Any],
    blocks: Iterable[Rows],
    *,
    name: str | None = None,
    recipe: str | None = None,
    refined: Mapping[str, Any] | None = None,
    sources: Sequence[Mapping[str, Any]] = (),
    more: Mapping[str, Any] | None = None,
) -> KnowledgeBase:
    """Write a base, block by block, so that it need never be in memory as a whole.

    `encoder` is what manifests say of one: ``{"expression", "fingerprint", "dim"}``. Embeddings
    must be of unit length and are kept as float16. How they are parted into blocks does not show;
    a clip's pairs stand beside each other.
    `sources` (``{"name", "expression"}`` of each split) tell where the entries' clips are found;
    `more` goes into the manifest as it is. A base that is there already is refused, unless it was
    not finished: it is then begun anew.
    """
    with RunFolder(out).locked():
        _make_room(out)
        about = {
            "order": None,
            "name": name,
            "recipe": recipe,
            "encoder": dict(encoder),
            "sources": [{key: told[key] for key in ("name", "expression")} for told in sources],
            "refined": refined,
            "indexes": {},
            **(more or {}),
        }
        nothing: dict[str, Any] = {"datasets": [], "shards": [], "complete": False}
        write_manifest(out, {**about, **nothing})
        datasets: dict[str, None] = {}
        shards = list(_shards(out, int(encoder["dim"]), blocks, datasets))
        content = {
            **about,
            "complete": True,
            "datasets": list(dict.fromkeys(map(origin, datasets))),
            "shards": shards,
            "counts": {
                "pairs": sum(shard["rows"] for shard in shards),
                "clips": sum(shard["clips"] for shard in shards),
                "excluded": {},
                "named": {},
                "unsourced": 0,
            },
            "digest": digest_of(int(encoder["dim"]), shards),
        }
        write_manifest(out, content)
        return KnowledgeBase.open(out)


def _make_room(out: Path) -> None:
    if (out / MANIFEST).is_file() and read_manifest(out).get("complete"):
        raise BadData(f"{out} holds a knowledge base already.", f"Delete it: rm -r '{out}'")
    if not (out / MANIFEST).is_file() and any(path.name != ".lock" for path in out.iterdir()):
        raise BadData(f"{out} holds something else than a knowledge base.", "Give another folder.")
    shutil.rmtree(out / SHARDS, ignore_errors=True)


def _shards(
    out: Path,
    dim: int,
    blocks: Iterable[Rows],
    datasets: dict[str, None],
) -> Iterator[dict[str, Any]]:
    """Write shards of `SHARD_PAIRS` rows, and give what the manifest says of each."""
    writer: ShardWriter | None = None
    number, last = 0, None
    for entries, audio, text in _cut(blocks):
        if audio.shape[1:] != (dim,) or text.shape != audio.shape:
            raise ValueError(f"embeddings of shape (rows, {dim}) are due, not {audio.shape}")
        if writer is None:
            writer = ShardWriter(out / SHARDS / f"{number:05d}")
            number += 1
        datasets |= dict.fromkeys(entry.dataset for entry in entries)
        clips = 0
        for entry in entries:
            clips += (entry.dataset, entry.id) != last
            last = entry.dataset, entry.id
        writer.append(entries, audio, text, clips)
        if writer.rows == SHARD_PAIRS:
            writer.finish()
            yield writer.told(None)
            writer = None
    if writer is not None:
        writer.finish()
        yield writer.told(None)


def _cut(blocks: Iterable[Rows]) -> Iterator[Rows]:
    """The same rows, in blocks that no shard's end falls into."""
    room = SHARD_PAIRS
    for entries, audio, text in blocks:
        start = 0
        while start < len(entries):
            end = min(len(entries), start + room)
            yield entries[start:end], audio[start:end], text[start:end]
            room = room - (end - start) or SHARD_PAIRS
            start = end

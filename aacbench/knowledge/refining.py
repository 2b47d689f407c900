"""Refined bases: of a large base, the pairs that are near to a pair of the training data.

Choi et al., section 3.5: each training pair looks for its top k in the large base by equation 4,
and what any of them finds is kept (equation 9). The paper gives neither k nor whether a training
pair that is itself in the large base may find itself. Here it may, since the paper's refined base
holds its training data; with `others_only` it may not.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aacbench.bases import MANIFEST, read_manifest
from aacbench.errors import BadData, BadOption
from aacbench.knowledge.base import KnowledgeBase, write_manifest
from aacbench.knowledge.probes import pair_to_pair
from aacbench.knowledge.scanning import Excluded, Numbers, single
from aacbench.knowledge.searching import search
from aacbench.knowledge.writing import Rows, write

Report = Callable[[int, int], None]
ASKED = 4096
"""Training pairs whose neighbours are looked for, and then written down, at a time."""

COPIED = 8192
FOUND = "refining"
KEPT = "kept.npy"


@dataclass(frozen=True)
class Cut:
    """How a base was cut down: digests of both bases, and the settings."""

    source: str
    by: str
    k: int
    weight: float
    others_only: bool
    how: str


def refine(
    base: KnowledgeBase,
    by: KnowledgeBase,
    k: int,
    weight: float,
    out: Path,
    *,
    others_only: bool = False,
    how: str = "auto",
    named: Mapping[str, Any] | None = None,
    report: Report | None = None,
) -> KnowledgeBase:
    """Write to `out` the union of the `k` pairs of `base` nearest to each pair of `by`.

    `weight` is W of equation 4; with `others_only`, a training pair finds no pair of its own
    recording; `how` is as in `searching.search`; `named` is ``{"name": ..., "recipe": ...}`` of a
    named base. `report(done, of)` counts training pairs. Killed, the same call goes on where it
    stopped; a finished base is given as it is. Raises `BadOption` where the two bases are of
    different encoders and `BadData` where `out` holds something else.
    """
    _refuse_strangers(base, by)
    if not 0 <= weight <= 1:
        raise BadOption(f"{weight} is no share of the sound.", "Give a --weight from 0 to 1.")
    if k < 1:
        raise BadOption(f"{k} neighbours are too few.", "Ask for 1 or more: -k 5")
    cut = Cut(str(base.manifest["digest"]), str(by.manifest["digest"]), k, weight, others_only, how)
    if _begun(out, cut):
        return KnowledgeBase.open(out)
    encoder = base.manifest["encoder"]
    write_manifest(
        out, {"encoder": encoder, "complete": False, "shards": [], "refined": asdict(cut)}
    )
    kept = _found(base, by, cut, out / FOUND, report)
    np.save(out / KEPT, kept)
    refined = write(
        out,
        encoder,
        _copied(base, kept),
        **(named or {}),
        refined={**asdict(cut), "kept": len(kept), "dropped": len(base) - len(kept)},
        sources=base.manifest.get("sources", ()),
    )
    shutil.rmtree(out / FOUND)
    return refined


def kept_rows(refined: KnowledgeBase) -> Numbers:
    """The rows of the base that it was cut down from; row n of the refined base was row kept[n]."""
    path = refined.path / KEPT
    if not path.is_file():
        raise BadData(
            f"{refined.path} was not cut down from another base.", "See: aacbench kb info"
        )
    return np.asarray(np.load(path, allow_pickle=False))


def _refuse_strangers(base: KnowledgeBase, by: KnowledgeBase) -> None:
    ours, theirs = (one.manifest["encoder"] for one in (base, by))
    if ours.get("fingerprint") != theirs.get("fingerprint") or base.dim != by.dim:
        raise BadOption(
            f"{base.path} was filled by {base.encoder} and {by.path} by {by.encoder}: their "
            "embeddings cannot be compared.",
            f"Build the second one anew: aacbench kb build NAME --encoder '{base.encoder}'",
        )


def _begun(out: Path, cut: Cut) -> bool:
    """Whether `out` is finished; refuses a folder that was begun otherwise."""
    if not (out / MANIFEST).is_file():
        if out.is_dir() and any(path.name != ".lock" for path in out.iterdir()):
            raise BadData(f"{out} holds something else.", "Give another --out.")
        return False
    manifest = read_manifest(out)
    told = manifest.get("refined") or {}
    if {name: told.get(name) for name in asdict(cut)} != asdict(cut):
        raise BadData(
            f"{out} holds a base that was made otherwise.",
            f"Give another --out, or delete it: rm -r '{out}'",
        )
    return bool(manifest["complete"])


def _found(
    base: KnowledgeBase, by: KnowledgeBase, cut: Cut, folder: Path, report: Report | None
) -> Numbers:
    """The rows that any training pair finds, in order; each block's are written down."""
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Numbers] = [np.zeros(0, np.int64)]
    own = base.rows_by_recording() if cut.others_only else {}
    for block in by.blocks(ASKED):
        path, end = folder / f"{block.first:09d}.npy", block.first + len(block.audio)
        if not path.is_file():
            probe = pair_to_pair(single(block.audio), single(block.text), cut.weight)
            out: Excluded | None = None
            if cut.others_only:
                entries = by.entries(range(block.first, end))
                out = [own.get(e.recording, np.zeros(0, np.int64)).tolist() for e in entries]
            rows = search(base, probe, cut.k, out, cut.how).rows
            partial = path.with_suffix(f".{os.getpid()}")
            with partial.open("wb") as file:
                np.save(file, np.unique(rows[rows >= 0]))
            partial.replace(path)
        found.append(np.load(path, allow_pickle=False))
        if report:
            report(end, len(by))
    return np.unique(np.concatenate(found))


def _copied(base: KnowledgeBase, kept: Numbers) -> Iterator[Rows]:
    """The kept entries and their embeddings, block by block."""
    for start in range(0, len(kept), COPIED):
        part = kept[start : start + COPIED].tolist()
        yield (base.entries(part), *base.vectors(part))

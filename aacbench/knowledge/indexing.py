"""Indexes over large bases: FAISS says which rows to look at, and their scores are taken exactly.

One index over ``[z_A; z_T]`` serves every way of searching. Its file lies in the base's folder,
and the manifest says what made it, of which state of the base, its sha256, and how many of the ten
nearest rows it finds (`Index` and `build_index`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from aacbench.assets import sha256_of
from aacbench.bases import read_manifest
from aacbench.errors import BadData, MissingAsset, MissingRequirement
from aacbench.knowledge.base import KnowledgeBase, write_manifest
from aacbench.knowledge.index_settings import (
    Hnsw,
    IvfPq,
    Kind,
    Settings,
    exact_below,
    kinds,
    settings_of,
)
from aacbench.knowledge.probes import WAYS, Hits, Probe, Rows, probe
from aacbench.knowledge.projecting import Projection, learned
from aacbench.knowledge.scanning import (
    Excluded,
    Numbers,
    check,
    double_scores,
    exact,
    ranked,
    rounding,
    single,
)
from aacbench.knowledge.shards import Half

__all__ = ["Index", "Kind", "build_index", "exact_below", "index_kinds", "open_index", "recall"]

Report = Callable[[int, int], None]
INSTALL = "pip install faiss-cpu"
ADDED = 65_536
"""Rows projected and added to an index at a time."""

FEWEST = 16
"""Rows that the codes of `ivfpq`, 4 bits a part, can be learnt from."""

HELD_QUERIES = 200
NEAREST = 10
WHOLE = 1 << 62
KEPT_OPEN = 4


class Index:
    """An index and the base that it is of; `facts` is what the manifest says of it."""

    def __init__(
        self, base: KnowledgeBase, inner: Any, settings: Settings, facts: Mapping[str, Any]
    ) -> None:
        self.facts = facts
        self.settings = settings
        self._base = base
        self._inner = inner
        self._lists = _below(inner)
        self._projection = _projection_of(inner)
        self._efforts = {whole: settings.effort(whole) for whole in (True, False)}
        shards = list(base.blocks(WHOLE))
        self._firsts = np.array([shard.first for shard in shards], np.int64)
        # As plain arrays: numpy takes ten times as long over rows of its mapped ones.
        self._audio = [np.asarray(shard.audio) for shard in shards]
        self._text = [np.asarray(shard.text) for shard in shards]

    def search(self, probe: Probe, k: int, excluded: Excluded | None = None) -> Hits:
        """The `k` best rows of each query among those that the index leads to, by exact scores.

        Queries that are left with too few, `excluded` rows taken away, are answered exactly.
        """
        check(self._base, probe, k)
        rows = np.full((len(probe), k), -1, np.int64)
        scores = np.full((len(probe), k), -np.inf, np.float32)
        slack, short = rounding(probe, 2 * self._base.dim), []
        for number in range(len(probe)):
            out = np.fromiter(excluded[number], np.int64) if excluded else np.zeros(0, np.int64)
            near = self._near(probe, number, k, out)
            if len(near) < min(k, len(self._base)):
                short.append(number)
                continue
            self._rank(probe, number, near, slack[number], rows, scores)
        if short:
            left = [excluded[number] for number in short] if excluded else None
            hits = exact(self._base, probe.at(np.array(short)), k, left)
            rows[short], scores[short] = hits.rows, hits.scores
        return Hits(rows, scores)

    def searched_with(self, **changed: Any) -> Index:
        """The same index, searched with other settings."""
        kind = Path(self.facts["file"]).stem
        told = {**self.settings.model_dump(exclude_none=True), **changed}
        return Index(self._base, self._inner, settings_of(kind, told), self.facts)

    def _near(self, probe: Probe, number: int, k: int, out: Numbers) -> Numbers:
        """The rows that the index leads one query to, in order, without those that are `out`."""
        whole = probe.audio is not None and probe.text is not None
        effort = self._efforts[whole]
        short = max(effort.short_list or 1, k * self.settings.short_per_hit)
        wanted = min(short + len(out), len(self._base))
        _set_effort(self._lists, effort.probes, max(effort.depth or 0, wanted))
        found = self._lists.search(self._projection.query(probe, number), wanted)[1][0]
        found = np.sort(found[found >= 0])
        return found[~np.isin(found, out)] if len(out) else found

    def _rank(
        self, probe: Probe, number: int, near: Numbers, slack: float, rows: Numbers, scores: Rows
    ) -> None:
        """Put the best of some rows into a query's place, by scores in double precision of those
        that, by single precision, may be among them."""
        k = min(rows.shape[1], len(near))
        audio = None if probe.audio is None else self._taken(self._audio, near)
        text = None if probe.text is None else self._taken(self._text, near)
        sums = np.zeros(len(near), np.float32)
        if probe.audio is not None and audio is not None:
            sums += single(audio) @ probe.audio[number]
        if probe.text is not None and text is not None:
            sums += single(text) @ probe.text[number]
        bar = np.partition(sums, len(near) - k)[len(near) - k] - 2 * slack
        best = np.flatnonzero(sums >= bar)
        left = [None if half is None else half[best] for half in (audio, text)]
        exactly = double_scores(probe, np.full(len(best), number), left[0], left[1])
        _, found, values, rank = ranked(np.zeros(len(best), np.int64), near[best], exactly, k)
        rows[number, rank], scores[number, rank] = found, values

    def _taken(self, shards: Sequence[Half], rows: Numbers) -> Half:
        """One side's embeddings of rows in order, from files that are kept open."""
        bounds = np.searchsorted(rows, [*self._firsts, WHOLE]).tolist()
        taken = np.empty((len(rows), self._base.dim), np.float16)
        for number in range(len(shards)):
            low, high = bounds[number], bounds[number + 1]
            if low < high:
                here = rows[low:high] - self._firsts[number]
                shards[number].take(here, axis=0, out=taken[low:high], mode="clip")
        return taken


def index_kinds(base: KnowledgeBase) -> tuple[str, ...]:
    """The kinds of index that a base has, the one to prefer first."""
    there = read_manifest(base.path).get("indexes", {})
    return tuple(kind for kind in kinds() if kind in there)


def build_index(
    base: KnowledgeBase,
    kind: str,
    settings: Mapping[str, Any] | None = None,
    report: Report | None = None,
    queries: int = HELD_QUERIES,
) -> Mapping[str, Any]:
    """Make a base's index of a kind, measure its recall, and give what the manifest says of it.

    `settings` replace those of `indexes.toml`; `report(rows, of)` tells how far it has come. An
    index of that kind that was there before is replaced when the new one is finished.
    """
    chosen, faiss = settings_of(kind, settings), _faiss()
    if len(base) < FEWEST:
        raise BadData(
            f"{base.path} has {len(base)} pairs, too few for an index.",
            "It needs none: so small a base is searched exactly.",
        )
    began = time.perf_counter()
    inner = _made(faiss, base, chosen, report)
    path = _file(base, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    faiss.write_index(inner, str(partial))
    facts: dict[str, Any] = {
        "file": f"{path.parent.name}/{path.name}",
        "sha256": sha256_of(partial),
        "bytes": partial.stat().st_size,
        "of": base.manifest["digest"],
        "settings": chosen.model_dump(exclude_none=True),
        "faiss": faiss.__version__,
        "seconds": round(time.perf_counter() - began, 1),
    }
    made = Index(base, inner, chosen, facts)
    facts |= measured(base, made, queries)
    os.replace(partial, path)
    manifest = read_manifest(base.path)
    manifest["indexes"] = {**manifest.get("indexes", {}), kind: facts}
    write_manifest(base.path, manifest)
    open_index.cache_clear()
    return facts


def measured(base: KnowledgeBase, index: Index, queries: int) -> dict[str, Any]:
    """Recall@10 of each way against exact search, for pairs of the base drawn by the seed."""
    count = min(queries, len(base))
    rng = np.random.default_rng([index.settings.seed, len(base)])
    drawn = np.sort(rng.choice(len(base), count, replace=False))
    heard, said = (single(half) for half in base.vectors(drawn.tolist()))
    own = [{int(row)} for row in drawn]
    found = {}
    for way in WAYS:
        asked = probe(way, heard, said)
        true, near = (one(asked, NEAREST, own) for one in (_exactly(base), index.search))
        found[way] = round(recall(true, near), 4)
    told = f"{count} pairs of the base as queries, each without its own row, against exact search"
    return {f"recall_at_{NEAREST}": found, "measured": told}


def _exactly(base: KnowledgeBase) -> Callable[[Probe, int, Excluded], Hits]:
    return lambda asked, k, own: exact(base, asked, k, own)


def recall(true: Hits, near: Hits) -> float:
    """The share of the true rows that were found; rows as good as the last true one count too."""
    right = (near.scores >= true.scores[:, -1:]) & (near.rows >= 0)
    due = (true.rows >= 0).sum()
    return float(right.sum() / due) if due else 1.0


@lru_cache(maxsize=KEPT_OPEN)
def open_index(base: KnowledgeBase, kind: str) -> Index:
    """A base's index of a kind; the last few stay open.

    Raises `MissingAsset` where there is none, `MissingRequirement` without FAISS, and `BadData`
    for one whose file is not what was written, or that was made before the base was added to.
    """
    settings_of(kind)
    again = f"Type: aacbench kb index '{base.path}' --kind {kind}"
    facts = read_manifest(base.path).get("indexes", {}).get(kind)
    if facts is None:
        raise MissingAsset(f"The knowledge base {base.path} has no index '{kind}'.", again)
    if facts["of"] != base.manifest["digest"]:
        raise BadData(
            f"The index '{kind}' of {base.path} was made when the base held other pairs.", again
        )
    path = _file(base, kind)
    if not path.is_file():
        raise BadData(f"The index {path} is gone.", again)
    if path.stat().st_size != facts["bytes"] or sha256_of(path) != facts["sha256"]:
        raise BadData(f"The index {path} is damaged: its content is not what was written.", again)
    inner = _faiss().read_index(str(path))
    return Index(base, inner, settings_of(kind, facts["settings"]), facts)


def _file(base: KnowledgeBase, kind: str) -> Path:
    return base.path / "indexes" / f"{kind}.faiss"


def _faiss() -> Any:
    if find_spec("faiss") is None:
        raise MissingRequirement(
            "An index needs the package faiss.",
            f"Type: {INSTALL}, or search exactly: --how exact",
        )
    import faiss

    return faiss


def _made(faiss: Any, base: KnowledgeBase, settings: Settings, report: Report | None) -> Any:
    """A trained index with all rows in it, behind the projection that its rows went through."""
    rng = np.random.default_rng(settings.seed)
    drawn = np.sort(rng.choice(len(base), min(settings.sample, len(base)), replace=False))
    audio, text = base.vectors(drawn.tolist())
    projection = learned(audio, text, min(settings.dim, 2 * base.dim, len(drawn)), settings.seed)
    sample = projection.rows(audio, text)
    del audio, text
    inner = _empty(faiss, settings, len(base), sample)
    inner.train(sample)
    del sample
    for block in base.blocks(ADDED):
        inner.add(projection.rows(block.audio, block.text))
        if report:
            report(block.first + len(block.audio), len(base))
    return _behind(faiss, projection, inner)


def _empty(faiss: Any, settings: Settings, rows: int, sample: Any) -> Any:
    dim = sample.shape[1]
    if isinstance(settings, IvfPq):
        lists = settings.lists(rows, len(sample))
        codes = next(parts for parts in range(min(settings.codes, dim), 0, -1) if dim % parts == 0)
        metric = faiss.METRIC_INNER_PRODUCT
        inner = faiss.index_factory(dim, f"IVF{lists},PQ{codes}x4fs", metric)
        inner.cp.seed = inner.pq.cp.seed = settings.seed + 1
        inner.cp.niter = settings.rounds
        inner.cp.max_points_per_centroid = max(1, len(sample) // lists)
        return inner
    assert isinstance(settings, Hnsw)
    storage = {"sq8": "SQ8", "flat": "Flat"}[settings.storage]
    metric = faiss.METRIC_INNER_PRODUCT
    inner = faiss.index_factory(dim, f"HNSW{settings.neighbours},{storage}", metric)
    inner.hnsw.efConstruction = settings.build_depth
    return inner


def _behind(faiss: Any, projection: Projection, inner: Any) -> Any:
    """One file holds both: FAISS's own linear transform in front of the index."""
    wide, kept = projection.turn.shape
    transform = faiss.LinearTransform(wide, kept, True)
    faiss.copy_array_to_vector(np.ascontiguousarray(projection.turn.T).ravel(), transform.A)
    faiss.copy_array_to_vector(-projection.shift, transform.b)
    transform.is_trained = True
    whole = faiss.IndexPreTransform(transform, inner)
    whole.own_fields = False
    # Python's hands hold what the C++ side only points to.
    whole.referenced_objects = [transform, inner]
    return whole


def _projection_of(whole: Any) -> Projection:
    import faiss

    transform: Any = faiss.downcast_VectorTransform(whole.chain.at(0))
    turn = faiss.vector_to_array(transform.A).reshape(transform.d_out, transform.d_in).T
    return Projection(np.ascontiguousarray(turn), -faiss.vector_to_array(transform.b))


def _below(whole: Any) -> Any:
    import faiss

    return faiss.downcast_index(whole.index)


def _set_effort(inner: Any, probes: int | None, depth: int) -> None:
    if hasattr(inner, "hnsw"):
        inner.hnsw.efSearch = depth
    elif probes is not None:
        inner.nprobe = min(probes, inner.nlist)

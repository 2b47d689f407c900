"""Exact and approximate search of a large synthetic base, measured in one run.

    python benchmarks/synthetic_base.py --pairs 2200000 --out FOLDER

draws a base around the embeddings of real captions (how: `aacbench.knowledge.synthetic`), builds
its index, and asks it for held-out queries' ten nearest pairs in each of the four ways: exactly,
and through the index at several efforts. It writes ``search.json`` and ``search.svg`` into FOLDER
and prints the JSON. The base is kept there, and used again by the next run with the same settings.
Captions are those of the shared material at `--data`, at $AACBENCH_TEST_DATA, or beside the
repository. Exact and approximate searches run with the same number of threads; milliseconds are of
processor time, which other work on the machine changes little, with the clock's beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import caption_material
import numpy as np

from aacbench.errors import AacbenchError, BadData
from aacbench.knowledge import synthetic
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.building import write
from aacbench.knowledge.entries import Entry
from aacbench.knowledge.indexing import Index, build_index, open_index, recall
from aacbench.knowledge.searching import WAYS, Hits, Probe, exact, probe

BLOCK = 32_768
ALONE = 2
"""Queries that are also asked one at a time."""

HELD_OUT = 0.05
"""Share of the real clips that only queries are drawn around."""

EFFORTS: dict[str, list[dict[str, int]]] = {
    "ivfpq": [
        {"probes": probes, "short_list": short}
        for short in (100, 200, 400, 800)
        for probes in (16, 32, 64, 128, 256, 512)
    ],
    "hnsw": [
        {"depth": depth, "short_list": short}
        for short in (50, 100, 200)
        for depth in (50, 100, 200, 400)
        if depth >= short
    ],
}


@dataclass(frozen=True)
class Material:
    """Where pairs and queries are drawn from, and the real captions that the first are called."""

    pairs: synthetic.Cloud
    queries: synthetic.Cloud
    texts: tuple[str, ...]
    about: dict[str, Any]


class Memory:
    """The most memory of its own that the process had, in bytes, mapped files left out."""

    def __init__(self) -> None:
        self.most = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            status = Path("/proc/self/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
            self.most = max(self.most, int(line.split()[1]) * 1024)
            time.sleep(0.1)

    def since(self) -> int:
        """The most since this was last asked."""
        found, self.most = self.most, 0
        return found


def main() -> int:
    """Draw, build, search, write and print."""
    given = _arguments()
    try:
        report = measure(given)
    except AacbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    (given.out / "search.json").write_text(json.dumps(report, indent=1) + "\n")
    draw(report, given.out / "search.svg")
    print(json.dumps(report, indent=1))
    return 0


def _arguments() -> argparse.Namespace:
    beside = Path(__file__).resolve().parent.parent.parent / "shared"
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=512, help="of each half")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", action="append", choices=tuple(EFFORTS), help="default: ivfpq")
    parser.add_argument("--queries", type=int, default=256)
    parser.add_argument("--encoder", default="clap:small")
    parser.add_argument("--noise", type=float, default=1.0, help="times the real spread")
    parser.add_argument("--even", action="store_true", help="noise alike in all directions")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default=os.environ.get("AACBENCH_TEST_DATA", str(beside)))
    return parser.parse_args()


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """The whole report."""
    import torch

    torch.set_num_threads(given.threads)
    memory, began = Memory(), time.perf_counter()
    material = gathered(given)
    base, written = based(given, material)
    report: dict[str, Any] = {
        "pairs": len(base),
        "numbers_a_pair": 2 * base.dim,
        **material.about,
        "seconds": {
            "captions": round(written - began, 1),
            "writing": round(time.perf_counter() - written, 1),
        },
        "bytes": {"embeddings": 4 * base.dim * len(base)},
        "most_memory": {"writing": memory.since()},
        "threads": given.threads,
        "load": os.getloadavg()[0],
        "indexes": {},
    }
    queries = asked(material, given)
    report["exact"], true = exactly(base, queries)
    report["most_memory"]["exact"] = memory.since()
    for kind in given.kind or ["ivfpq"]:
        facts = indexed(base, kind)
        report["most_memory"][f"{kind} building"] = memory.since()
        curve = list(efforts(open_index(base, kind), queries, true, report["exact"]))
        report["most_memory"][f"{kind} searching"] = memory.since()
        report["indexes"][kind] = {**facts, "curve": curve, "best": best(curve)}
    return report


def gathered(given: argparse.Namespace) -> Material:
    """The clouds that pairs and queries are drawn from, around different real clips."""
    captions = caption_material.read(Path(given.data))
    rows = caption_material.embedded(given.encoder, captions)
    spread = synthetic.within_clips(rows, captions.clips)
    shape = synthetic.noise(spread, given.noise, given.even)
    wider = synthetic.lift(rows.shape[1], given.dim, given.seed)
    rng = np.random.default_rng(given.seed)
    held = rng.random(captions.clips[-1] + 1)[captions.clips] < HELD_OUT
    clouds = [
        synthetic.Cloud(synthetic.seeds(rows[part], captions.clips[part]), shape, wider)
        for part in (~held, held)
    ]
    texts = tuple(text for text, out in zip(captions.texts, held, strict=True) if not out)
    about = {
        "encoder": given.encoder,
        "captions": len(captions.texts),
        "clips": int(captions.clips[-1]) + 1,
        "lifted_from": rows.shape[1],
        "noise": {
            "share": given.noise,
            "even": given.even,
            "mean_length": round(float(np.sqrt(np.trace(spread))) * given.noise, 4),
        },
    }
    return Material(clouds[0], clouds[1], texts, about)


def based(given: argparse.Namespace, material: Material) -> tuple[KnowledgeBase, float]:
    """The base, drawn now or by a run with the same settings, and when that began."""
    began = time.perf_counter()
    path = given.out / "base"
    drawn = {"pairs": given.pairs, "dim": given.dim, "seed": given.seed, **material.about}
    try:
        base = KnowledgeBase.open(path)
    except BadData:
        told = {"expression": "synthetic", "fingerprint": "synthetic", "dim": given.dim}
        return write(path, told, _blocks(given, material), more={"synthetic": drawn}), began
    if base.manifest.get("synthetic") != drawn:
        raise BadData(f"{path} was drawn with other settings.", "Give another --out.")
    return base, began


def _blocks(given: argparse.Namespace, material: Material) -> Iterator[tuple[Any, Any, Any]]:
    for block, start in enumerate(range(0, given.pairs, BLOCK)):
        count = min(BLOCK, given.pairs - start)
        drawn = material.pairs.draw(count, given.seed, block)
        entries = [
            Entry(f"{start + row}", "synthetic/all", material.texts[caption])
            for row, caption in enumerate(drawn.captions.tolist())
        ]
        yield (entries, *drawn.halves())


def asked(material: Material, given: argparse.Namespace) -> dict[str, Probe]:
    """The held-out queries of each way."""
    drawn = material.queries.draw(given.queries, given.seed + 1)
    return {way: probe(way, drawn.audio, drawn.text) for way in WAYS}


def timed(search: Callable[[Probe], Hits], probe: Probe) -> tuple[Hits, float, float]:
    """The hits, and milliseconds a query: of processor time, and by the clock."""
    began = time.process_time(), time.perf_counter()
    hits = search(probe)
    ended = time.process_time(), time.perf_counter()
    busy, clock = (
        1000 * (end - start) / len(probe) for start, end in zip(began, ended, strict=True)
    )
    return hits, busy, clock


def exactly(base: KnowledgeBase, queries: dict[str, Probe]) -> tuple[Any, dict[str, Hits]]:
    """Milliseconds a query, all in one call and one at a time, and the true neighbours."""
    times, true = {}, {}
    exact(base, next(iter(queries.values())).at(slice(0, 1)), 10)  # files come into memory
    for way, asking in queries.items():
        true[way], together, clock = timed(lambda p: exact(base, p, 10), asking)
        _, alone, clock_alone = timed(
            lambda p: [exact(base, p.at(slice(n, n + 1)), 10) for n in range(len(p))][-1],
            asking.at(slice(0, ALONE)),
        )
        times[way] = {
            "together": round(together, 3),
            "alone": round(alone, 1),
            "together_by_the_clock": round(clock, 3),
            "alone_by_the_clock": round(clock_alone, 1),
        }
    return times, true


def indexed(base: KnowledgeBase, kind: str) -> dict[str, Any]:
    """What the manifest says of the index, which is built where it is not there."""
    there = base.manifest.get("indexes", {}).get(kind)
    return dict(there or build_index(base, kind, report=_told))


def _told(done: int, of: int) -> None:
    print(f"indexed {done} of {of}", file=sys.stderr)


def efforts(
    index: Index, queries: dict[str, Probe], true: dict[str, Hits], exact_times: Any
) -> Iterator[dict[str, Any]]:
    """Recall@10 and milliseconds a query, one query after the other, at every effort."""
    kind = Path(index.facts["file"]).stem
    for effort in EFFORTS[kind]:
        tuned = index.searched_with(**effort, short_per_hit=1, half={})
        point: dict[str, Any] = {**effort, "ways": {}}
        for way, asking in queries.items():
            tuned.search(asking.at(slice(0, 8)), 10)
            hits, each, clock = timed(partial(tuned.search, k=10), asking)
            point["ways"][way] = {
                "recall_at_10": round(recall(true[way], hits), 4),
                "milliseconds": round(each, 3),
                "milliseconds_by_the_clock": round(clock, 3),
                "times_as_fast": round(exact_times[way]["together"] / each, 1),
                "times_as_fast_alone": round(exact_times[way]["alone"] / each, 1),
            }
        yield point


def best(curve: list[dict[str, Any]]) -> dict[str, Any]:
    """Of each way, the quickest effort with a recall of 0.99; else that with the highest."""
    found = {}
    for way in WAYS:
        points = [
            {**{name: p[name] for name in p if name != "ways"}, **p["ways"][way]} for p in curve
        ]
        good = [point for point in points if point["recall_at_10"] >= 0.99]
        found[way] = (
            min(good, key=lambda point: float(point["milliseconds"]))
            if good
            else max(points, key=lambda point: float(point["recall_at_10"]))
        )
    return found


def draw(report: dict[str, Any], path: Path) -> None:
    """Recall over time a query, a line for each way: the efforts that no other beats."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "aacbench", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(6.0, 3.6), layout="constrained")
        axis = figure.subplots()
        for style, (kind, told) in zip(("-", "--"), report["indexes"].items(), strict=False):
            for number, way in enumerate(WAYS):
                points = frontier([point["ways"][way] for point in told["curve"]])
                x, y = zip(*points, strict=True)
                label = f"{way}, {kind}"
                axis.plot(x, y, style, marker="o", ms=3, color=f"C{number}", label=label)
        times = [way["together"] / 50 for way in report["exact"].values()]
        axis.axvspan(min(times), max(times), color="0.9", label="exact / 50 (all at once)")
        axis.axhline(0.99, color="0.5", linewidth=0.8)
        axis.set_xscale("log")
        axis.set_xlabel(f"processor time a query, ms, {report['pairs']:,} pairs")
        axis.set_ylabel("recall@10")
        axis.legend(frameon=False, fontsize=8)
        figure.savefig(path, format="svg", metadata={"Date": None})


def frontier(points: list[dict[str, float]]) -> list[tuple[float, float]]:
    """(milliseconds, recall) of the points that none is both quicker and better than."""
    kept: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda p: (p["milliseconds"], -p["recall_at_10"])):
        if not kept or point["recall_at_10"] > kept[-1][1]:
            kept.append((point["milliseconds"], point["recall_at_10"]))
    return kept


if __name__ == "__main__":
    sys.exit(main())

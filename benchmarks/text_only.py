"""What training on text alone costs and what noise buys: what Deshmukh et al. ask, on soundbox.

    python benchmarks/text_only.py train --source events --seeds 5 --out runs/text-only
    python benchmarks/text_only.py score --source events --seeds 5 --out runs/text-only --split test

`train` makes one decoder a variant and seed, and goes on where it stopped; `score` captions both
domains with each and prints figures and differences, with intervals over training seeds and clips
together. Choices are made with ``--split validation``; the test split is for the final figures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aacbench import stats
from aacbench.embeddings import cached_audio
from aacbench.scoring import gather
from aacbench.types import Clip
from aacbench.workshop import Workshop

ENCODER = "clap:mini"
METRICS = ("event_f1", "cider_d:simple")
SHOWN = ("event_f1", "cider_d:simple")
DOMAINS = ("soundbox-events", "soundbox-scenes")
RECIPE = {
    "encoder": ENCODER,
    "width": 112,
    "layers": 2,
    "prefix": 4,
    "vocabulary": 500,
    "batch_size": 64,
    "steps": 900,
    "checkpoint_every": 0,
}
VARIANTS: dict[str, dict[str, Any]] = {
    "noise": {"noise": 0.025},
    "none": {"noise": 0.0},
    "adapter": {"noise": 0.025, "adapter": "linear"},
    "audio": {"noise": 0.0, "mode": "audio"},
}


def folder(out: Path, source: str, variant: str, seed: int) -> Path:
    """Where one decoder's weights are kept."""
    return out / f"{source}-{variant}-{seed}"


def train_one(job: tuple[Path, str, str, int, dict[str, Any]]) -> str:
    """Train one decoder unless its weights are there."""
    from aacbench_nac.options import NacTrainOptions
    from aacbench_nac.train import train

    out, source, variant, seed, overrides = job
    place = folder(out, source, variant, seed)
    if not (place / "figures.json").is_file():
        torch.set_num_threads(1)
        settings = {**RECIPE, **VARIANTS[variant], **overrides}
        options = NacTrainOptions(captions=f"soundbox-{source}", seed=seed, **settings)
        figures = train(options, Workshop(), place)
        (place / "figures.json").write_text(json.dumps(dict(figures)), encoding="utf-8")
    return place.name


class Remembered:
    """An encoder whose embeddings of these clips were computed before."""

    def __init__(self, inner: Any, clips: Sequence[Clip]) -> None:
        self.dim = inner.dim
        rows = cached_audio(inner, ENCODER, clips)
        self._rows = {clip.id: row for clip, row in zip(clips, rows, strict=True)}

    def embed_audio(self, clips: Sequence[Clip]) -> Any:
        return np.stack([self._rows[clip.id] for clip in clips])


def score_one(job: tuple[Path, str, str]) -> dict[str, Any]:
    """Statistics of one decoder's captions of one target, by metric."""
    from aacbench_nac.captioner import Nac
    from aacbench_nac.options import NacOptions

    place, target, split = job
    torch.set_num_threads(1)
    workshop = Workshop()
    dataset = workshop.build("datasets", target)
    clips = dataset.clips(split)
    annotations = dataset.annotations(split)
    encoder = Remembered(workshop.build("encoders", ENCODER), clips)
    nac = Nac.load(place / "nac.safetensors", encoder, NacOptions(), "cpu")
    captions = {}
    for start in range(0, len(clips), 64):
        batch = clips[start : start + 64]
        captions.update({c.id: (said,) for c, said in zip(batch, nac.caption(batch), strict=True)})
    items = gather(annotations, captions)
    found = {}
    for name in METRICS:
        metric = workshop.build("metrics", name)
        metric.prepare(annotations)
        found[name] = metric.score(items, {}).statistics
    return found


def table(
    scored: Mapping[tuple[str, int], Mapping[str, Any]], seeds: int, n: int
) -> dict[str, Any]:
    """Each variant's figures, and each difference from `noise`, over seeds and clips."""
    workshop = Workshop()
    rows: dict[str, Any] = {}
    variants = sorted({variant for variant, _ in scored})
    for name in METRICS:
        corpus = workshop.build("metrics", name).corpus

        def difference(both: Any, weights: Any, corpus: Any = corpus) -> dict[str, Any]:
            a, b = (corpus(each, weights) for each in both)
            return {figure: a[figure] - b[figure] for figure in a}

        for variant in variants:
            runs = [scored[variant, seed][name] for seed in range(seeds)]
            noised = [scored["noise", seed][name] for seed in range(seeds)]
            found = stats.bootstrap_crossed(corpus, runs, n)
            pairs = list(zip(runs, noised, strict=True))
            against = stats.bootstrap_crossed(difference, pairs, n)
            for figure in found:
                if figure in SHOWN:
                    each = [stats.point_estimates(corpus, run, n)[figure] for run in runs]
                    entry = {
                        "figure": _spoken(found[figure]),
                        "by seed": np.round(each, 4).tolist(),
                    }
                    if variant != "noise":
                        entry["minus noise"] = _spoken(against[figure])
                    rows[f"{figure} {variant}"] = entry
    return rows


def _spoken(interval: stats.Interval) -> list[float]:
    return [round(v, 4) for v in (interval.estimate, interval.low, interval.high)]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("train", "score"))
    parser.add_argument("--source", default="events", choices=("events", "scenes"))
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--split", default="validation", choices=("validation", "test"))
    parser.add_argument("--out", type=Path, default=Path("runs/text-only"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--set", default="{}", help="JSON laid over the recipe")
    given = parser.parse_args()
    variants = given.variants.split(",")
    seeds = range(given.seeds)
    with ProcessPoolExecutor(given.workers) as pool:
        if given.what == "train":
            overrides = json.loads(given.set)
            jobs = [(given.out, given.source, v, s, overrides) for s in seeds for v in variants]
            for name in pool.map(train_one, jobs):
                print(name, flush=True)
            return
        for target in DOMAINS:
            pairs = [(v, s) for v in variants for s in seeds]
            work = [(folder(given.out, given.source, v, s), target, given.split) for v, s in pairs]
            scored = dict(zip(pairs, pool.map(score_one, work), strict=True))
            n = len(next(iter(scored.values()))[METRICS[0]])
            print(json.dumps({target: table(scored, given.seeds, n)}, indent=1), flush=True)


if __name__ == "__main__":
    main()

"""What one clip, one caption and one pair cost: the measured numbers that docs/scale.md counts by.

    OMP_NUM_THREADS=1 python benchmarks/unit_costs.py --out unit_costs.json

Times are seconds of one processor's own time (CPU time, not the wall clock's), so that what else
the machine does counts little; the median of several rounds, after one that is not counted. Sounds
are soundbox clips of 10 s. The paper-size encoders have random weights, which cost what trained
ones do. Bases and indexes are written and searched for real, of random unit vectors: how much of
the truth an index finds is not measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from aacbench.audio import read, resample
from aacbench.executors import choose
from aacbench.knowledge.entries import Entry
from aacbench.knowledge.indexing import build_index, open_index
from aacbench.knowledge.probes import audio_to_mixture
from aacbench.knowledge.scanning import exact
from aacbench.knowledge.writing import write
from aacbench.types import Audio, Clip
from aacbench.workshop import Workshop

CLIPS = 16
ROUNDS = 3
PAIRS = 50_000
QUERIES = 64
WORDS = 14  # of a caption, as RoBERTa cuts it: about 20 tokens


def cpu_ms(work: Callable[[], Any], units: int, rounds: int = ROUNDS) -> float:
    """Milliseconds of processor time a unit."""
    work()
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return round(1000 * statistics.median(times) / units, 3)


def decoding(sounds: Sequence[Audio]) -> Iterator[tuple[str, float]]:
    """Reading 10 s of sound, and bringing it to another rate."""
    with tempfile.TemporaryDirectory() as folder:
        for rate in (32_000, 48_000):
            there = [resample(sound, rate) for sound in sounds]
            for suffix in ("wav", "flac"):
                paths = [Path(folder) / f"{n}.{suffix}" for n in range(len(there))]
                for path, sound in zip(paths, there, strict=True):
                    soundfile.write(path, sound.samples, rate, subtype="PCM_16")
                told = f"decode 10 s of {suffix.upper()}, {rate // 1000} kHz, 16 bit"
                yield told, cpu_ms(lambda paths=paths: [read(path) for path in paths], len(paths))
                kept = sum(path.stat().st_size for path in paths) / len(paths)
                yield f"kilobytes of {suffix.upper()}, 10 s, {rate // 1000} kHz", round(kept / 1e3)
        yield (
            "resample 10 s, 48 to 32 kHz",
            cpu_ms(lambda: [resample(sound, 32_000) for sound in there], len(there)),
        )


def mini(clips: Sequence[Clip], captions: Sequence[str]) -> Iterator[tuple[str, float]]:
    """The encoder and the captioner that ship."""
    workshop = Workshop()
    clap, nac = (
        workshop.build("encoders", "clap:mini"),
        workshop.build("captioners", "nac:mini@events"),
    )
    yield "embed a clip, clap:mini", cpu_ms(lambda: clap.embed_audio(clips), len(clips))
    texts = iter(range(10**9))  # embeddings of captions are kept, so each is asked for once

    def said() -> Any:
        return clap.embed_text([f"{caption}, take {next(texts)}" for caption in captions])

    yield "embed a caption, clap:mini", cpu_ms(said, len(captions))
    yield "caption a clip, nac:mini@events", cpu_ms(lambda: nac.caption(clips), len(clips))


def paper(captions: int = 16) -> Iterator[tuple[str, float]]:
    """CLAP of paper size: HTSAT-tiny for 10 s, RoBERTa-base for a caption, with random weights."""
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import (
        ClapAudioConfig,
        ClapAudioModelWithProjection,
        ClapTextConfig,
        ClapTextModelWithProjection,
    )

    ears = ClapAudioModelWithProjection(ClapAudioConfig()).eval()
    reader = ClapTextModelWithProjection(ClapTextConfig()).eval()
    told: dict[str, tuple[torch.nn.Module, dict[str, Any], int]] = {
        "embed a clip, HTSAT-tiny": (ears, {"input_features": torch.randn(4, 1, 1001, 64)}, 4),
        "embed a caption, RoBERTa-base": (
            reader,
            {"input_ids": torch.randint(5, 50_000, (captions, WORDS + 6))},
            captions,
        ),
    }
    for name, (model, given, count) in told.items():
        size = sum(parameter.numel() for parameter in model.parameters()) / 1e6
        with torch.inference_mode():
            yield f"{name} ({size:.1f} M weights)", cpu_ms(lambda m=model, g=given: m(**g), count)
            with FlopCounterMode(display=False) as counter:
                model(**given)
        yield f"GFLOP to {name}", round(counter.get_total_flops() / count / 1e9, 2)


def unit(rng: np.random.Generator, rows: int, dim: int) -> Any:
    found = rng.standard_normal((rows, dim), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def bases(pairs: int, captions: Sequence[str], dims: Sequence[int]) -> Iterator[tuple[str, float]]:
    """Bytes of a pair, and searching as many as there are."""
    rng = np.random.default_rng(0)
    entries = [
        Entry(f"clip-{n:09d}", "wavcaps/train", captions[n % len(captions)], f"freesound:{n}")
        for n in range(pairs)
    ]
    for dim in dims:
        audio, text = unit(rng, pairs, dim), unit(rng, pairs, dim)
        about = {"expression": "clap:paper", "fingerprint": {}, "dim": dim}
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "base"
            block = (entries, audio.astype(np.float16), text.astype(np.float16))
            base = write(out, about, [block])
            sizes = {p.name: p.stat().st_size for p in out.rglob("*") if p.is_file()}
            vectors = sum(size for name, size in sizes.items() if name.endswith(".f16"))
            yield f"bytes of a pair's vectors, dim {dim}", round(vectors / pairs)
            rest = sum(sizes.values()) - vectors
            yield f"bytes of a pair's entry, dim {dim}", round(rest / pairs)
            asked = audio_to_mixture(unit(rng, QUERIES, dim))
            scan = cpu_ms(lambda b=base, a=asked: exact(b, a, 10), QUERIES * pairs // 100_000)
            yield f"search exactly, a query and 100,000 pairs, dim {dim}", scan
            for kind in ("ivfpq", "hnsw"):
                yield from _index(base, kind, asked, pairs, dim)


def _index(base: Any, kind: str, asked: Any, pairs: int, dim: int) -> Iterator[tuple[str, float]]:
    began = time.process_time()
    facts = build_index(base, kind, queries=8)
    spent = time.process_time() - began
    yield f"build {kind}, 1,000 pairs, dim {dim}", round(1e6 * spent / pairs, 1)
    yield f"bytes of a pair in {kind}, dim {dim}", round(facts["bytes"] / pairs)
    index = open_index(base, kind)
    search = cpu_ms(lambda: index.search(asked, 10), QUERIES)
    yield f"search {kind}, a query of {pairs:,} pairs, dim {dim}", search


def driving(groups: int = 300) -> Iterator[tuple[str, float]]:
    """What a driver spends on handing groups of 32 clips out, and on 64 embeddings that come back;
    and what it holds of a clip that is still to be done."""
    tracemalloc.start()
    waiting = [_given(number) for number in range(10_000)]
    yield "bytes that a driver holds of a clip", tracemalloc.get_traced_memory()[0] // len(waiting)
    tracemalloc.stop()
    if find_spec("ray") is None:
        return
    back = np.zeros((64, 512), np.float32)
    parts = [waiting[32 * n % 9_000 :][:32] for n in range(groups)]
    results = choose("ray", 2).run(
        lambda clip: clip.id, lambda: lambda made: back + len(made), parts
    )
    next(results)
    began = time.process_time()
    for _ in results:
        pass
    spent = time.process_time() - began
    yield "drive a group of 32 clips through Ray", round(1000 * spent / (groups - 1), 3)


def _given(number: int) -> Clip:
    path = Path(f"/data/wavcaps/freesound/{number:09d}.flac")
    return Clip(f"freesound/{number:09d}.flac", path, f"freesound:{number}", 10.0 + number)


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="a JSON file")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--dims", type=int, nargs="+", default=[512, 1024])
    options = parser.parse_args()
    torch.set_num_threads(1)
    dataset = Workshop().build("datasets", "soundbox-events")
    annotations = dataset.annotations("test")
    clips = [
        Clip(clip.id, read(clip.audio), duration=10.0) for clip in dataset.clips("test")[:CLIPS]
    ]
    captions = [annotations[clip.id].references[0] for clip in clips]
    found: dict[str, float] = {}
    for part in (
        decoding([clip.audio for clip in clips]),
        mini(clips, captions),
        paper(),
        driving(),
        bases(options.pairs, captions, options.dims),
    ):
        for name, value in part:
            found[name] = value
            print(f"{value:>12,}  {name}", flush=True)
    if options.out:
        machine = {"processor": platform.processor() or platform.machine(), "cpus": os.cpu_count()}
        told = {"milliseconds of CPU unless named": found, "machine": machine}
        options.out.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()

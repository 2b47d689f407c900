"""One captioner's latency profile, taken from its loading to its last batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from aacbench import catalog, config, provenance
from aacbench.errors import BadOption
from aacbench.profiling import (
    conditions,
    energy,
    flops,
    into_run,
    machine,
    measuring,
    memory,
    parts,
    percentiles,
    sounds,
    stages,
    subjects,
)
from aacbench.profiling.measuring import Clock, Report, Sample, Subject
from aacbench.profiling.report import Profile

CLIPS, SAMPLES, WARM_UP = 32, 130, 8
BATCH_SIZES = (1, 4, 16)
FLOP_CLIPS = 8


@dataclass
class Bench:
    """What is measured, on what, and what has been noted on the way."""

    plan: config.Plan
    watch: conditions.Watch
    peaks: memory.Peaks
    clock: Clock
    absent: dict[str, str] = field(default_factory=dict)
    load: dict[str, Any] = field(default_factory=dict)


def profile(
    captioner: str,
    target: str = "soundbox-events",
    *,
    clips: int = CLIPS,
    samples: int = SAMPLES,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    device: str = "cpu",
    threads: int | None = None,
    warm_up: int = WARM_UP,
    seed: int = 0,
    into: Path | None = None,
    report: Report | None = None,
) -> Profile:
    """Measure what a captioner costs on this machine.

    `samples` captions are timed one clip at a time, over `clips` clips in turn, after `warm_up`
    that are not counted; then whole batches of each of `batch_sizes`. `threads` is how many torch
    computes with (None: as many as it would). `into` is a run's folder, which gets the profile
    where it was made by the same captioner. `report(done, of)` follows the samples.
    """
    refuse_senseless(clips=clips, samples=samples, warm_up=warm_up, threads=threads)
    refuse_senseless(**{f"batch size {n}": size for n, size in enumerate(batch_sizes, 1)})
    with machine.computing_with(threads):
        bench = prepare(captioner, target, device, seed)
        if into is not None:
            into_run.refuse_other(into, bench.plan.captioner.expression, bench.plan.decides)
        with sounds.as_files(sounds.spread(bench.plan.clips, clips)) as files:
            found = _take(bench, files, samples, warm_up, batch_sizes, report)
    if into is not None:
        into_run.write(into, found)
    return found


def refuse_senseless(**counts: int | None) -> None:
    """Raise `BadOption` for a count below one."""
    for name, count in counts.items():
        if count is not None and count < (0 if name == "warm_up" else 1):
            label = name.replace("_", " ")
            raise BadOption(f"{label}: {count} is too few.", "Give a whole number from 1 up.")


def prepare(captioner: str, target: str, device: str, seed: int) -> Bench:
    """Watch the machine, and resolve the captioner; nothing is loaded yet."""
    watch = conditions.Watch()
    settings = config.RunSettings(captioner=captioner, target=target, device=device, seed=seed)
    plan = config.plan(settings)
    resolved = plan.workshop.device
    return Bench(plan, watch, memory.Peaks(resolved), Clock(machine.synchroniser(resolved)))


def loaded(bench: Bench) -> Any:
    """The captioner, built; how long that took is noted."""
    began = time.perf_counter()
    with bench.peaks.phase("load"):
        captioner = bench.plan.workshop.make(bench.plan.captioner)
    bench.load["seconds"] = time.perf_counter() - began
    return captioner


def _take(
    bench: Bench,
    files: sounds.Sounds,
    samples: int,
    warm_up: int,
    batch_sizes: Sequence[int],
    report: Report | None,
) -> Profile:
    choice, clips = bench.plan.captioner, files.clips
    captioner = loaded(bench)
    everyone = [subjects.subject_of(choice, captioner), *subjects.unguided(choice, captioner)]
    subject = everyone[0]
    counted = _first(bench, subject, captioner, files)
    with bench.peaks.phase("warm-up"):
        warming = [place % len(clips) for place in range(warm_up)]
        measuring.in_turns(everyone, clips, warming, bench.clock)
    bench.watch.begin()
    places = measuring.order(len(clips), samples, bench.plan.settings.seed)
    with bench.peaks.phase("one clip at a time"):
        taken, staged = _timed(bench, everyone, files, places, report)
    with bench.peaks.phase("batches"):
        throughput = measuring.throughput(subject, clips, batch_sizes, bench.clock)
    seen = bench.watch.end()
    asked = {
        "clips": len(clips),
        "samples": samples,
        "warm_up": warm_up,
        "batch_sizes": list(batch_sizes),
        "sound": files.source,
    }
    times = _times(bench, taken[0], staged, files)
    reasons = [*seen.reasons, *against(taken[0])]
    return Profile(
        captioner=choice.expression,
        decides=into_run.digest(bench.plan.decides),
        **about(bench, asked),
        valid=not reasons,
        reasons=tuple(reasons),
        conditions=seen.seen,
        **times,
        throughput=tuple(throughput),
        first_token_ms=_first_token(bench, captioner, files),
        load=bench.load,
        memory=_memory(bench),
        parameters=counted,
        flops=operations(bench, subject, files),
        energy=_energy(bench, subject, files),
        guide=_guide(bench, everyone, taken),
        absent=bench.absent,
    )


def about(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    """Settings, machine, commit and time."""
    environment = provenance.environment()
    plan = bench.plan
    settings = {
        "captioner": catalog.settings_of(plan.captioner),
        "target": plan.target.name,
        "device": plan.workshop.device,
        "seed": plan.settings.seed,
        **asked,
    }
    return {
        "settings": settings,
        "machine": machine.describe(environment, plan.workshop.device),
        "commit": environment["commit"],
        "time": environment["time"],
    }


def against(samples: Sequence[Sample]) -> list[str]:
    """What the samples themselves say against their figures."""
    seconds, places = [s.seconds for s in samples], [s.clip for s in samples]
    found = []
    if len(samples) < percentiles.needed(50):
        found.append(f"too few samples: {percentiles.missing(50, len(samples))}")
    if trend := percentiles.unsettled(seconds, places):
        found.append(trend)
    return found


def _first(
    bench: Bench, subject: Subject, captioner: Any, files: sounds.Sounds
) -> dict[str, Any] | None:
    """The first caption, cold, and the parameters of what was called for it."""
    import sys

    began = time.perf_counter()
    if "torch" not in sys.modules:
        measuring.once(subject, files.clips[:1])
    else:
        with parts.recording() as called:
            measuring.once(subject, files.clips[:1])
    bench.load["first_caption_ms"] = 1e3 * (time.perf_counter() - began)
    counted = parts.parameters(captioner, called) if "torch" in sys.modules else None
    if not counted or not counted["loaded"]:
        bench.absent["parameters"] = "no torch module was met, and nothing else is counted"
        return None
    return counted


def _timed(
    bench: Bench,
    everyone: Sequence[Subject],
    files: sounds.Sounds,
    places: Sequence[int],
    report: Report | None,
) -> tuple[list[list[Sample]], list[Sample]]:
    """Samples of everyone, and those of the first that its stages are read from.

    On a GPU, stages can be told apart only by waiting at each, which would slow the whole down:
    there they come from captions of their own.
    """
    on_gpu = bench.plan.workshop.device.startswith("cuda")
    taken = measuring.in_turns(everyone, files.clips, places, bench.clock, not on_gpu, report)
    if not on_gpu:
        return taken, taken[0]
    return taken, measuring.in_turns(everyone[:1], files.clips, places, bench.clock)[0]


def _times(
    bench: Bench, samples: Sequence[Sample], staged: Sequence[Sample], files: sounds.Sounds
) -> dict[str, Any]:
    latency, too_few = stages.latency(samples)
    table, silent = stages.by_stage(staged)
    tokens, uncounted = stages.of_tokens(staged)
    bench.absent.update({**too_few, **silent, **uncounted})
    return {
        "latency": latency,
        "stages": table,
        "rtf": stages.real_time_factor(samples, files.seconds),
        **tokens,
    }


def _first_token(bench: Bench, captioner: Any, files: sounds.Sounds) -> float | None:
    """The median milliseconds from encoded sound to the first token."""
    subject = subjects.to_first_token(captioner)
    if subject is None:
        bench.absent["first_token_ms"] = "the captioner cannot be stepped token by token"
        return None
    places = measuring.order(len(files.clips), percentiles.needed(50) + 1, 0)
    taken = measuring.in_turns([subject], files.clips, places, bench.clock, listen=False)[0]
    return 1e3 * median(sample.seconds for sample in taken[1:])


def _memory(bench: Bench) -> dict[str, Any]:
    if bench.peaks.absent:
        bench.absent["memory.phases"] = bench.peaks.absent
    return bench.peaks.as_json()


def operations(bench: Bench, subject: Subject, files: sounds.Sounds) -> dict[str, Any] | None:
    """FLOPs a clip, or None with the reason noted."""
    import sys

    why = "no operation of torch was counted; nothing else is"
    if "torch" not in sys.modules:
        bench.absent["flops"] = why
        return None
    clips = files.clips
    found = flops.count(
        lambda number: measuring.once(subject, [clips[number]]), min(FLOP_CLIPS, len(clips))
    )
    silent = [name for name in stages.WITHIN if found["stages"].get(name, 1) is None]
    bench.absent.update({f"flops.stages.{name}": why for name in silent})
    found["stages"] = {name: spent for name, spent in found["stages"].items() if spent}
    if found["total"] is None:
        bench.absent["flops"] = why
        return None
    return found


def _energy(bench: Bench, subject: Subject, files: sounds.Sounds) -> dict[str, Any] | None:
    """Joules a clip over one pass of all clips, by counter."""
    device = bench.plan.workshop.device
    first = energy.read(device)
    if not first.counters:
        bench.absent["energy"] = energy.why_absent(device)
        return None
    began = bench.clock()
    for clip in files.clips:
        measuring.once(subject, [clip])
    elapsed = bench.clock() - began
    spent = energy.read(device).since(first)
    joules = {name: used / len(files.clips) for name, used in spent.items()}
    return {
        "joules_per_clip": joules,
        "total": sum(joules.values()),
        "watts": sum(spent.values()) / elapsed,
        "method": "whole package or card, whoever uses it, over one pass of the clips",
    }


def _guide(
    bench: Bench, everyone: Sequence[Subject], taken: Sequence[Sequence[Sample]]
) -> dict[str, Any] | None:
    found = subjects.cost(everyone, taken)
    if found is None:
        bench.absent["guide"] = "the captioner has no guide"
    return found

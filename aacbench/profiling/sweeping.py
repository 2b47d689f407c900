"""What an option costs and what it brings: one captioner at several values of it, in turns.

The table has the shape of table 5 of *Multi2Cap*: the option against operations, latency and
quality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aacbench import catalog, metric_sets, scoring
from aacbench.profiling import machine, measuring, options, sounds, stages
from aacbench.profiling.measuring import Report, Sample, Subject
from aacbench.profiling.percentiles import paired_ratio
from aacbench.profiling.report import SCHEMA
from aacbench.profiling.subjects import subject_of
from aacbench.profiling.taking import (
    CLIPS,
    WARM_UP,
    Bench,
    about,
    against,
    operations,
    prepare,
    refuse_senseless,
)
from aacbench.specs import Choice

SAMPLES = 64


@dataclass(frozen=True)
class Row:
    """The captioner at one value. `ratio` is its time by that at the first value, clip by clip."""

    value: Any
    captioner: str
    flops: float | None
    latency: Mapping[str, Any]
    tokens: float | None
    ratio: Mapping[str, Any]
    quality: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Sweep:
    """An option's values, and what `Profile` says of settings, machine and validity."""

    captioner: str
    key: str
    rows: tuple[Row, ...]
    settings: Mapping[str, Any]
    machine: Mapping[str, Any]
    commit: Mapping[str, Any] | None
    time: str
    valid: bool
    reasons: tuple[str, ...]
    conditions: Mapping[str, Any]
    absent: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """The sweep as data."""
        return {"schema": SCHEMA, **asdict(self)}


def sweep(
    captioner: str,
    key: str,
    values: Sequence[Any],
    target: str = "soundbox-events",
    *,
    metrics: Sequence[str] = (),
    clips: int = CLIPS,
    samples: int = SAMPLES,
    device: str = "cpu",
    threads: int | None = None,
    warm_up: int = WARM_UP,
    seed: int = 0,
    report: Report | None = None,
) -> Sweep:
    """Measure a captioner at each value of the option `key`; `metrics` score the captions of the
    clips that were used. `BadOption` for an option or a value that does not exist."""
    refuse_senseless(clips=clips, samples=samples, warm_up=warm_up, threads=threads)
    changed = [options.with_value(captioner, key, value) for value in values]
    choices = [catalog.choose("captioners", expression) for expression, _ in changed]
    scored_by = metric_sets.choose_metrics(list(metrics)) if metrics else []
    with machine.computing_with(threads):
        bench = prepare(captioner, target, device, seed)
        with sounds.as_files(sounds.spread(bench.plan.clips, clips)) as files:
            everyone = [subject_of(c, bench.plan.workshop.make(c)) for c in choices]
            warming = [place % len(files.clips) for place in range(warm_up)]
            measuring.in_turns(everyone, files.clips, warming, bench.clock)
            bench.watch.begin()
            places = measuring.order(len(files.clips), samples, seed)
            listen = not bench.plan.workshop.device.startswith("cuda")
            taken = measuring.in_turns(everyone, files.clips, places, bench.clock, listen, report)
            seen = bench.watch.end()
            rows = [
                _row(bench, files, everyone, taken, number, value)
                for number, value in enumerate(values)
            ]
    qualities = [
        _quality(bench, choice, files, mine, scored_by)
        for choice, mine in zip(choices, taken, strict=True)
    ]
    asked = {"clips": len(files.clips), "samples": samples, "warm_up": warm_up}
    reasons = [*seen.reasons, *_against_each(rows, taken)]
    return Sweep(
        captioner=bench.plan.captioner.expression,
        key=changed[0][1],
        rows=tuple(
            Row(**{**vars(row), "quality": quality})
            for row, quality in zip(rows, qualities, strict=True)
        ),
        **about(bench, {**asked, "sound": files.source}),
        valid=not reasons,
        reasons=tuple(reasons),
        conditions=seen.seen,
        absent=bench.absent,
    )


def _against_each(rows: Sequence[Row], taken: Sequence[Sequence[Sample]]) -> list[str]:
    return [
        f"at {row.value}: {reason}"
        for row, mine in zip(rows, taken, strict=True)
        for reason in against(mine)
    ]


def _row(
    bench: Bench,
    files: sounds.Sounds,
    everyone: Sequence[Subject],
    taken: Sequence[Sequence[Sample]],
    number: int,
    value: Any,
) -> Row:
    mine = taken[number]
    latency, too_few = stages.latency(mine)
    tokens, untold = stages.of_tokens(mine)
    bench.absent.update({**too_few, **untold})
    counted = operations(bench, everyone[number], files)
    ratio = paired_ratio(
        [sample.seconds for sample in mine],
        [sample.seconds for sample in taken[0]],
        [sample.clip for sample in mine],
    )
    flops = counted["total"] if counted else None
    return Row(value, everyone[number].name, flops, latency, tokens["tokens"], asdict(ratio), {})


def _quality(
    bench: Bench,
    choice: Choice,
    files: sounds.Sounds,
    samples: Sequence[Sample],
    scored_by: Sequence[Choice],
) -> dict[str, dict[str, Any]]:
    """Figures of the clips that were used, with their intervals."""
    if not scored_by:
        return {}
    captions = {files.clips[s.clip].id: (s.caption, *s.caption.alternatives) for s in samples}
    clips = {clip.id: clip for clip in files.clips}
    plan = bench.plan
    items = scoring.gather(plan.annotations, captions, clips)
    scored = scoring.score(
        plan.annotations,
        items,
        scored_by,
        plan.workshop,
        plan.settings.seed,
        None,
        catalog.models(choice),
    )
    bench.absent.update({f"quality.{name}": why for name, why in scored.absent.items()})
    return {name: dict(figure) for name, figure in scored.figures.items()}

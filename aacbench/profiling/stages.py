"""Samples -> what each stage takes, what a token takes, what a second of sound takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any

from aacbench.profiling.measuring import Sample
from aacbench.profiling.percentiles import (
    floor,
    missing,
    needed,
    percentile,
)
from aacbench.timing import REST, STAGES

TOLD = (50, 90, 95, 99)
WITHIN = ("encode", "retrieve", "guide", "generate")
"""Stages that the captioner itself has to name."""

UNNAMED = "caption"
_OTHER_NAMES = {"decode": "generate"}  # of words: in `Caption.stages` a captioner decodes text


def latency(samples: Sequence[Sample]) -> tuple[dict[str, Any], dict[str, str]]:
    """Milliseconds from encoded sound to caption, and why a percentile is absent."""
    seconds = [sample.seconds for sample in samples]
    found: dict[str, Any] = {"n": len(seconds)}
    absent = {}
    for percent in TOLD:
        told = percentile(seconds, percent)
        name = f"p{percent}"
        found[f"{name}_ms"] = told and 1e3 * told.value
        found[f"{name}_low"] = told and 1e3 * told.low
        found[f"{name}_high"] = told and 1e3 * told.high
        if told is None:
            absent[f"latency.{name}_ms"] = missing(percent, len(seconds))
    found["mean_ms"] = 1e3 * fmean(seconds)
    found["floor_ms"] = 1e3 * floor(seconds, [sample.clip for sample in samples])
    return found, absent


def by_stage(samples: Sequence[Sample]) -> tuple[dict[str, Any], dict[str, str]]:
    """What each stage takes of a clip, the rest as `REST`; shares are of the whole time."""
    each = [named(sample) for sample in samples]
    whole = sum(sample.seconds for sample in samples)
    heard = {name for one in each for name in one}
    listed = [name for name in (*STAGES, UNNAMED) if name in heard]
    listed += sorted(heard - set(listed) - {REST}) + ([REST] if REST in heard else [])
    table = {name: _stage([one.get(name, 0.0) for one in each], whole) for name in listed}
    return table, _silent(heard)


def _stage(seconds: Sequence[float], whole: float) -> dict[str, Any]:
    p50, p90 = percentile(seconds, 50), percentile(seconds, 90)
    return {
        "p50_ms": p50 and 1e3 * p50.value,
        "p90_ms": p90 and 1e3 * p90.value,
        "mean_ms": 1e3 * fmean(seconds),
        "share": sum(seconds) / whole,
    }


def named(sample: Sample) -> dict[str, float]:
    """A sample's seconds by stage: as listened to; else as the caption itself reports them; else
    all that its captioner took in one."""
    heard = dict(sample.stages)
    if any(name in heard for name in WITHIN):
        return heard
    reported = sample.caption.stages
    if not reported:
        heard[UNNAMED] = heard.pop(REST, 0.0)
        return heard
    for said, seconds in reported.items():
        name = _OTHER_NAMES.get(said, said)
        own = seconds - heard.get("resample", 0.0) if name == "encode" else seconds
        heard[name] = heard.get(name, 0.0) + max(0.0, own)
        heard[REST] = heard.get(REST, 0.0) - max(0.0, own)
    return heard


def _silent(heard: set[str]) -> dict[str, str]:
    """Why stages are not there."""
    if UNNAMED in heard:
        why = (
            "the captioner names none of its stages: aacbench.timing.stage does, and so does "
            "Caption.stages"
        )
        return {"stages": why}
    return {
        f"stages.{name}": "the captioner has no such stage, or does not name it"
        for name in WITHIN
        if name not in heard
    }


def of_tokens(samples: Sequence[Sample]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Tokens of a caption (mean), and milliseconds a token: generating and guiding where those
    are told apart, else all."""
    counted = [sample for sample in samples if sample.caption.tokens]
    if not counted:
        why = "the captioner gives no tokens with its captions"
        return {"tokens": None, "ms_per_token": None}, {"tokens": why, "ms_per_token": why}
    mean = fmean(len(sample.caption.tokens) for sample in counted)
    if len(counted) < needed(50):
        return {"tokens": mean, "ms_per_token": None}, {"ms_per_token": missing(50, len(counted))}
    each = [_writing(sample) / len(sample.caption.tokens) for sample in counted]
    return {"tokens": mean, "ms_per_token": 1e3 * median(each)}, {}


def _writing(sample: Sample) -> float:
    stages = named(sample)
    told = [stages[name] for name in ("generate", "guide") if name in stages]
    return sum(told) if told else sample.seconds


def real_time_factor(samples: Sequence[Sample], lasting: Sequence[float]) -> float:
    """Seconds of computation a second of sound; `lasting` is each clip's seconds."""
    heard = sum(lasting[sample.clip] for sample in samples)
    return sum(sample.seconds for sample in samples) / heard


def sums(stages: Mapping[str, Any]) -> float:
    """The share of the whole that the stages make up together."""
    return sum(float(one["share"]) for one in stages.values())

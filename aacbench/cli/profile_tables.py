"""Profiles and sweeps as tables for a person."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from aacbench.cli.console import table

if TYPE_CHECKING:
    from aacbench.profiling import Profile, Row, Sweep

WIDTH = 100
BIG = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def profile(found: Profile) -> str:
    """The whole profile: verdict, latency, stages, the rest, and what is absent."""
    parts = [
        _head(found),
        _latency(found.latency),
        _stages(found.stages),
        table(_rest(found), ("figure", "value")),
        _absent(found.absent),
    ]
    return "\n\n".join(part for part in parts if part)


def _head(found: Profile | Sweep) -> str:
    machine = found.machine
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    threads = "" if machine["threads"] is None else f", torch on {machine['threads']} threads"
    lines = [
        f"{found.captioner} on {found.settings['target']}",
        f"{machine['processor']}, {machine['cores']} cores{gpu}{threads} (machine {machine['id']})",
        "VALID" if found.valid else "INVALID: these figures are not to be compared",
    ]
    return "\n".join([*lines, *(f"  - {reason}" for reason in found.reasons)])


def _latency(latency: Mapping[str, Any]) -> str:
    rows = []
    for name in ("p50", "p90", "p95", "p99"):
        value = latency[f"{name}_ms"]
        between = "-"
        if value is not None:
            between = f"{_number(latency[f'{name}_low'])} to {_number(latency[f'{name}_high'])}"
        rows.append((name, _number(value), between))
    rows.append(("mean", _number(latency["mean_ms"]), ""))
    rows.append(("fastest", _number(latency["floor_ms"]), "median over clips"))
    return table(rows, (f"latency ({latency['n']} captions)", "ms", "95 % interval"))


def _stages(stages: Mapping[str, Any]) -> str:
    rows = [
        (name, _number(one["p50_ms"]), _number(one["p90_ms"]), f"{one['share']:.1%}")
        for name, one in stages.items()
    ]
    return table(rows, ("stage", "p50 ms", "p90 ms", "share"))


def _rest(found: Profile) -> list[tuple[str, str]]:
    rows = [("real-time factor", f"{found.rtf:.4f} s of computation a second of sound")]
    for batch in found.throughput:
        label = f"clips a second, batches of {batch['batch']}"
        between = f"{_number(batch['slowest'])} to {_number(batch['fastest'])}"
        rows.append((label, f"{_number(batch['clips_per_s'])} ({between})"))
    rows.append(("tokens a caption", _number(found.tokens)))
    rows.append(("ms a token", _number(found.ms_per_token)))
    rows.append(("ms to the first token", _number(found.first_token_ms)))
    rows.append(("loading", f"{_number(found.load['seconds'])} s"))
    rows.append(("first caption, cold", f"{_number(found.load['first_caption_ms'])} ms"))
    rows += _memory(found.memory)
    if found.parameters:
        loaded = f"{big(found.parameters['loaded'])} with what is loaded and not used"
        rows.append(("parameters", f"{big(found.parameters['total'])} ({loaded})"))
    if found.flops:
        rows.append(("FLOPs a caption", big(found.flops["total"])))
        rows += [
            (f"FLOPs a caption, {name}", big(counted))
            for name, counted in found.flops["stages"].items()
        ]
    if found.energy:
        watts = f"{_number(found.energy['watts'])} W"
        rows.append(("energy a caption", f"{_number(found.energy['total'])} J at {watts}"))
    return rows + _guide(found.guide)


def _memory(memory: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [("peak memory", f"{_number(memory['peak_mib'])} MiB resident")]
    if memory["gpu_peak_mib"] is not None:
        rows.append(("peak memory, GPU", f"{_number(memory['gpu_peak_mib'])} MiB allocated"))
    return rows


def _guide(guide: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if guide is None:
        return []
    rows = [guide] + ([guide["as_it_stands"]] if guide["as_it_stands"] else [])
    return [
        (f"times {one['against']}", f"{one['ratio']:.2f} ({one['low']:.2f} to {one['high']:.2f})")
        for one in rows
    ]


def _absent(absent: Mapping[str, str]) -> str:
    lines = []
    for name, why in absent.items():
        lines += wrap(f"no {name}: {why}", WIDTH, subsequent_indent="  ")
    return "\n".join(lines)


def sweep(found: Sweep) -> str:
    """A row a value: operations, latency, tokens, the ratio to the first value, quality."""
    qualities = list(found.rows[0].quality)
    first = found.rows[0].value
    headers = [found.key, "FLOPs", "p50 ms", "95 % interval", "tokens", f"times {first}"]
    rows = [
        [*_sweep_row(row), *(_figure(row.quality.get(q)) for q in qualities)] for row in found.rows
    ]
    parts = [_head(found), table(rows, [*headers, *qualities]), _absent(found.absent)]
    return "\n\n".join(part for part in parts if part)


def _sweep_row(row: Row) -> list[str]:
    latency, ratio = row.latency, row.ratio
    between = "-"
    if latency["p50_ms"] is not None:
        between = f"{_number(latency['p50_low'])} to {_number(latency['p50_high'])}"
    return [
        str(row.value),
        big(row.flops),
        _number(latency["p50_ms"]),
        between,
        _number(row.tokens),
        f"{ratio['ratio']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})",
    ]


def _figure(figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure.get("estimate") is None:
        return "-"
    return f"{figure['estimate']:.3f}"


def big(value: float | None) -> str:
    """Three digits and a prefix: 311 M, 1.42 M; a dash where there is none."""
    if value is None:
        return "-"
    for size, letter in BIG:
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def _number(value: float | None) -> str:
    """Three digits that tell; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"

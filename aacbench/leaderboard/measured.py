"""Rows from results: what this harness measured, and others' captions that it scored again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from aacbench.errors import BadData
from aacbench.leaderboard.columns import is_retrieval
from aacbench.leaderboard.rows import Latency, Row, Value, slug
from aacbench.store import RANKINGS, maker_of

if TYPE_CHECKING:
    from aacbench.leaderboard.results import Result

CAPTION_PARTS = ("captions", "knowledge_base")
"""What the caption domain looks at; see `domains`."""


def rows_of(results: Iterable[Result]) -> list[Row]:
    """One row a result, by id; two that would share an id are told apart by their folders."""
    rows: dict[str, Row] = {}
    for result in sorted(results, key=lambda one: one.folder):
        name = row_id(result)
        if name in rows:
            name = f"{name}-{sha256(result.folder.encode()).hexdigest()[:6]}"
        try:
            rows[name] = row_of(result, name)
        except (KeyError, TypeError, ValueError) as error:
            raise BadData(
                f"{result.folder} is not as a row is: {type(error).__name__}: {error}.",
                "See what is wrong: aacbench leaderboard verify",
            ) from None
    return [rows[name] for name in sorted(rows)]


def row_id(result: Result) -> str:
    """``nac-mini-events-guide.soundbox-events.test.4732e47d``."""
    return ".".join((slug(result.system), slug(result.target), slug(result.split), result.key[:8]))


def row_of(result: Result, name: str) -> Row:
    """The row of one result."""
    content = result.result
    figures = {
        figure: _value(figure, entry, content["self_scored"])
        for figure, entry in sorted(content["figures"].items())
    }
    judges = {
        figure: (str(entry["expression"]), str(entry["version"]))
        for figure, entry in content["figures"].items()
    }
    coverage = content["coverage"]
    return Row(
        id=name,
        kind=result.kind,
        system=result.system,
        target=result.target,
        split=result.split,
        domain=content["domain"],
        trained_on=learnt_from(result.trained_on),
        figures=figures,
        provenance=_provenance(result),
        unranked=_unranked(result),
        latency=_latency(result),
        parameters=_parameters(result.profile),
        coverage={"official": coverage["official"], "captioned": result.done},
        complete=bool(content["complete"]),
        note=content.get("note"),
        retrieval=bool(figures) and all(is_retrieval(figure) for figure in figures),
        behind=result,
        judges=judges,
    )


def learnt_from(trained_on: Mapping[str, Sequence[str] | None]) -> tuple[str, ...] | None:
    """What the captions that a system saw come from; None where nobody knows."""
    parts = [trained_on.get(part, ()) for part in CAPTION_PARTS]
    if any(part is None for part in parts):
        return None
    return tuple(sorted({name for part in parts for name in part or ()}))


def _value(figure: str, entry: Mapping[str, Any], self_scored: Sequence[str]) -> Value:
    return Value(
        value=float(entry["estimate"]),
        decimals=int(entry["decimals"]),
        low=entry["low"],
        high=entry["high"],
        self_scored=entry["expression"] in self_scored,
        note=entry.get("note"),
    )


def _unranked(result: Result) -> str | None:
    """Why the row has no rank; None where it may have one."""
    content = result.result
    if content.get("unranked"):
        return str(content["unranked"])
    if content["complete"]:
        return None
    official = content["coverage"]["official"]
    verb = "were ranked" if result.retrieval else "have a caption"
    return (
        f"{result.done:,} of {official:,} clips {verb}, and figures of a part are not those of "
        "the whole"
    )


def _latency(result: Result) -> Latency | None:
    """From the profile where it is valid, else from the run's own clock, which says so."""
    profile = result.profile
    if profile is None:
        return _own_clock(result, None, "by the run's own clock, whose clips share batches")
    timed = profile["latency"]
    if profile["valid"] and timed.get("p50_ms") is not None:
        return Latency(
            p50_ms=timed["p50_ms"],
            source="profile",
            p95_ms=timed.get("p95_ms"),
            valid=True,
            machine=_machine(profile["machine"]),
        )
    why = "; ".join(profile["reasons"]) or "too few samples for a median"
    return _own_clock(result, False, f"by the run's own clock, for its profile is invalid: {why}")


def _own_clock(result: Result, valid: bool | None, reason: str) -> Latency | None:
    times = result.result.get("time_per_clip") or {}
    if not {"caption", "retrieve"}.intersection(times):
        return None
    whole = ("decode_audio", "caption", "retrieve")
    seconds = sum(times[stage]["median"] for stage in whole if stage in times)
    starts = (result.manifest or {}).get("starts") or [{}]
    machine = _machine(starts[-1].get("machine"))
    return Latency(1000 * seconds, "run", valid=valid, reason=reason, machine=machine)


def _machine(about: Mapping[str, Any] | None) -> str | None:
    if not about:
        return None
    name = about.get("processor") or about.get("architecture") or "unknown processor"
    return f"{name}, {about['cores']} cores" if about.get("cores") else str(name)


def _parameters(profile: Mapping[str, Any] | None) -> int | None:
    found = (profile or {}).get("parameters")
    if isinstance(found, Mapping):
        found = found.get("total")
    return int(found) if found else None


def _provenance(result: Result) -> dict[str, Any]:
    source = result.result if result.manifest is None else {**result.manifest["starts"][-1]}
    stamp = source.get("scored_with", source)
    captions = f"{result.folder}/captions.jsonl" if result.captions is not None else None
    ranked = {"rankings": f"{result.folder}/{RANKINGS}"} if result.rankings is not None else {}
    return {
        "kind": "run",
        "folder": result.folder,
        "key": result.key,
        "commit": (stamp.get("commit") or {}).get("id"),
        "time": stamp.get("time"),
        "command": _command(result),
        "captions": captions,
        **ranked,
    }


def _command(result: Result) -> str:
    target = f"{result.target}@{result.split}"
    if result.manifest is None:
        return f"aacbench score CAPTIONS --target {_quoted(target)}"
    maker = maker_of(result.manifest)
    named = result.manifest[maker]["expression"]
    command = f"aacbench run --{maker} {_quoted(named)} --target {_quoted(target)}"
    seed = result.manifest["seed"]
    return command if seed == 0 else f"{command} --seed {seed}"


def _quoted(word: str) -> str:
    from shlex import quote

    return quote(word)

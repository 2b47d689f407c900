"""Results as tables: every figure with its interval, in-domain and out-of-domain apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aacbench.cli.console import table
from aacbench.store import RETRIEVAL, system_of, task_of

WORDS = {"in": "in-domain", "out": "out-of-domain", "unknown": "domain unknown"}


def figure(entry: Mapping[str, Any] | None) -> str:
    """``0.412 [0.398, 0.426]``; a figure that was not computed is a dash."""
    if entry is None:
        return "-"
    digits = entry["decimals"]
    text = f"{entry['estimate']:.{digits}f}"
    if entry["low"] is None:
        return text
    return f"{text} [{entry['low']:.{digits}f}, {entry['high']:.{digits}f}]"


def of_references(entry: Mapping[str, Any] | None) -> str:
    """The same figure of what people said of the clips that were scored."""
    if entry is None or "references" not in entry:
        return "-"
    return figure({**entry["references"], "decimals": entry["decimals"]})


def milliseconds(result: Mapping[str, Any]) -> str:
    """Mean time a clip, decoding of the sound included."""
    times = result.get("time_per_clip")
    if not times or not {"caption", "retrieve"}.intersection(times):
        return "-"
    whole = ("decode_audio", "caption", "retrieve")
    total = sum(times[stage]["mean"] for stage in whole if stage in times)
    return f"{1000 * total:.0f} ms"


def coverage(result: Mapping[str, Any]) -> str:
    """``961 of 975 clips``, and how many failed."""
    counts = result["coverage"]
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    done = counts["ranked" if task_of(result) == RETRIEVAL else "captioned"]
    return f"{done} of {counts['official']} clips{failed}"


def results(several: Sequence[Mapping[str, Any]], figures: Sequence[str] | None = None) -> str:
    """Results of several systems, one column a system, grouped by domain and target."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for result in several:
        groups.setdefault((result["domain"]["caption"], result["target"]), []).append(result)
    order = list(WORDS)
    blocks = []
    for (domain, target), members in sorted(
        groups.items(), key=lambda group: (order.index(group[0][0]), group[0][1])
    ):
        blocks.append(f"{target}, {WORDS[domain]}\n{_block(members, figures)}")
    return "\n\n".join(blocks)


def side_by_side(several: Sequence[Mapping[str, Any]]) -> str:
    """One table of any results, in-domain first; each column says its target and domain."""
    members = sorted(several, key=lambda result: list(WORDS).index(result["domain"]["caption"]))
    headers = [
        f"{system_of(m)}\non {m['target'].partition('@')[0]}\n{WORDS[m['domain']['caption']]}"
        for m in members
    ]
    return _block(members, None, headers)


def _block(
    members: Sequence[Mapping[str, Any]],
    figures: Sequence[str] | None,
    headers: Sequence[str] | None = None,
) -> str:
    names = figures or list(dict.fromkeys(name for m in members for name in m["figures"]))
    rows = []
    for name in names:
        entries = [m["figures"].get(name) for m in members]
        rows.append([_label(name, members), *map(figure, entries)])
        if any(entry and "references" in entry for entry in entries):
            rows.append([f"{name}, references", *map(of_references, entries)])
    rows.append(["time per clip", *(milliseconds(m) for m in members)])
    rows.append(["coverage", *(coverage(m) for m in members)])
    strict = [WORDS[m["domain"]["strict"]] for m in members]
    rows.append(["counting every part", *strict])
    lines = table(rows, ["figure (95 % interval)", *(headers or [system_of(m) for m in members])])
    return "\n".join([lines, *_remarks(members)])


def _label(name: str, members: Sequence[Mapping[str, Any]]) -> str:
    judged = any(
        name in m["figures"] and m["figures"][name]["expression"] in m["self_scored"]
        for m in members
    )
    return f"{name} (self-scored)" if judged else name


def _remarks(members: Sequence[Mapping[str, Any]]) -> list[str]:
    remarks: dict[str, None] = {}
    for member in members:
        if "note" in member.get("intervals", {}):
            remarks[f"{system_of(member)}: {member['intervals']['note']}"] = None
    for member in members:
        for name, entry in member["figures"].items():
            if "note" in entry:
                remarks[f"{name}: {entry['note']}"] = None
    for member in members:
        for metric, reason in member["absent"].items():
            remarks[f"absent: {metric}: {reason}"] = None
    return list(remarks)

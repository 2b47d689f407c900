"""`aacbench kb info`: which named bases there are, and what a base is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from aacbench.cli.console import Json, print_json, say, table, visible, warn_of_faults

REASONS = {
    "overlap": "in a split that stays out",
    "unreadable": "unreadable",
    "too_long": "too long",
    "no_caption": "without a caption",
    "not_at_hand": "whose sound is not at hand",
}


def info(
    name: Annotated[
        str | None, typer.Argument(help="A named base or a base's folder; without it, all names.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Read the base through: is every byte as written?")
    ] = False,
    json: Json = False,
) -> None:
    """Show what a knowledge base is made of, or which named ones there are."""
    from aacbench import bases

    warn_of_faults()
    if name is None:
        found: Any = [_summary(one) for one in bases.recipes()]
        text = table(
            [[f["name"], f["summary"], "\n".join(f["built"]) or "-"] for f in found],
            ["base", "what it is", "built here for"],
        )
    elif name in bases.recipes() and not bases.is_base(Path(name)):
        found = _named(name, check)
        text = _told_named(found)
    else:
        found = facts(Path(name).expanduser(), check)
        text = told(found)
    if json:
        print_json(found)
    else:
        say(text)


def _summary(name: str) -> dict[str, Any]:
    from aacbench import bases

    recipe = bases.recipe(name)
    return {
        "name": name,
        "summary": recipe.summary,
        "data": list(recipe.data),
        "refines": recipe.refines,
        "by": list(recipe.by),
        "k": recipe.k if recipe.refines else None,
        "weight": recipe.weight if recipe.refines else None,
        "longest": recipe.longest,
        "built": _built(name),
    }


def _built(name: str) -> dict[str, str]:
    """The state of each of its folders, by encoder."""
    from aacbench import bases
    from aacbench.errors import AacbenchError
    from aacbench.knowledge.finding import built

    found = {}
    for path in built(name):
        try:
            manifest = bases.read_manifest(path)
            state = "" if manifest["complete"] else " (not finished)"
            found[f"{manifest['encoder']['expression']}{state}"] = str(path)
        except (AacbenchError, KeyError) as error:
            found[f"{path.name} (broken)"] = str(error)
    return found


def _named(name: str, check: bool) -> dict[str, Any]:
    from aacbench.knowledge.finding import built

    return {**_summary(name), "bases": [facts(path, check) for path in built(name)]}


def facts(path: Path, check: bool = False) -> dict[str, Any]:
    """What a base's folder says; one that is not finished is described as far as it is."""
    from aacbench import bases
    from aacbench.knowledge.base import KnowledgeBase

    manifest = bases.read_manifest(path)
    if manifest.get("complete"):
        base = KnowledgeBase.open(path)  # refuses what is damaged
        if check:
            base.verify()
    held = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    counts = manifest.get("counts") or _so_far(path)
    return {
        "path": str(path),
        "name": manifest.get("name"),
        "complete": bool(manifest.get("complete")),
        "adding": (manifest.get("adding") or {}).get("data"),
        "encoder": manifest["encoder"],
        "datasets": manifest["datasets"],
        "shards": len(manifest["shards"]),
        "counts": counts,
        "excluded_splits": (manifest.get("order") or {}).get("exclude", []),
        "refined": manifest.get("refined"),
        "indexes": manifest.get("indexes", {}),
        "bytes": held,
        "digest": manifest.get("digest"),
        "checked": bool(check and manifest.get("complete")),
    }


def _so_far(path: Path) -> dict[str, Any]:
    """What the shards of a base that is not finished hold."""
    from aacbench.knowledge.base import SHARDS
    from aacbench.knowledge.shards import count

    found = [count(shard) for shard in sorted((path / SHARDS).glob("*"))]
    return {"pairs": sum(rows for rows, _ in found), "clips": sum(clips for _, clips in found)}


def told(found: dict[str, Any]) -> str:
    """A base's facts, for people."""
    counts, encoder = found["counts"], found["encoder"]
    state = "" if found["complete"] else f"not finished; go on: aacbench kb build '{found['path']}'"
    if found["adding"]:
        state = f"being added to; go on: aacbench kb build '{found['path']}'"
    lines = {
        "folder": found["path"],
        "name": found["name"],
        "state": state,
        "pairs": f"{counts['pairs']:,} of {counts['clips']:,} clips",
        "data": ", ".join(found["datasets"]),
        "encoder": f"{encoder['expression']}, {encoder.get('dim', '?')} numbers a side",
        "size": f"{found['bytes'] / 1e6:,.1f} MB, shards: {found['shards']}",
        "kept out": ", ".join(found["excluded_splits"]),
        "cut down": _cut(found["refined"]),
        "indexes": ", ".join(_index(*one) for one in found["indexes"].items()),
        "digest": found["digest"],
        "checked": "every byte is as it was written" if found["checked"] else "",
    }
    told = [f"{name:<10} {visible(str(value))}" for name, value in lines.items() if value]
    return "\n".join([*told, *_left_out(counts)])


def _index(kind: str, facts: dict[str, Any]) -> str:
    """An index, and how many of the ten nearest pairs it finds the worst way of looking."""
    recall = facts.get("recall_at_10") or {}
    return f"{kind} (recall@10 {min(recall.values()):.3f} or more)" if recall else kind


def _cut(refined: dict[str, Any] | None) -> str:
    if not refined:
        return ""
    shown = {name: refined[name] for name in ("k", "weight", "kept", "dropped") if name in refined}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def _left_out(counts: dict[str, Any]) -> list[str]:
    """A line for each reason that clips stayed out for, with the first few of them."""
    lines = []
    for reason, number in counts.get("excluded", {}).items():
        named = [visible(name) for name in counts["named"].get(reason, ())]
        more = ", ..." if number > len(named) else ""
        clips = "clip" if number == 1 else "clips"
        spoken = REASONS.get(reason, reason)
        lines.append(f"left out   {number:,} {clips} {spoken}: {', '.join(named)}{more}")
    if counts.get("unsourced") and counts["pairs"]:
        lines.append(
            f"unjudged   {counts['unsourced']:,} clips of unknown source: nobody knows whether "
            "they are in an evaluation split too"
        )
    return lines


def _told_named(found: dict[str, Any]) -> str:
    lines = {
        "name": found["name"],
        "what it is": found["summary"],
        "data": ", ".join(found["data"]),
        "cut from": found["refines"] or "",
        "near to": ", ".join(found["by"]),
        "k": found["k"],
        "W": found["weight"],
        "longest": f"{found['longest']:g} s" if found["longest"] else "",
    }
    told_lines = [f"{name:<10} {value}" for name, value in lines.items() if value]
    if not found["bases"]:
        told_lines.append(f"\nNot built here. Type: aacbench kb build {found['name']}")
    for base in found["bases"]:
        told_lines.append("\n" + told(base))
    return "\n".join(told_lines)

"""`aacbench kb similarity`: how like a split's clips the pairs are that bases give for them.

This is figure 1 of Choi et al., with bootstrap intervals over recordings.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aacbench.cli.console import Json, print_json, progress, say, table, warn_of_faults
from aacbench.errors import BadData, BadOption

if TYPE_CHECKING:
    from aacbench.knowledge.base import KnowledgeBase
    from aacbench.knowledge.reporting import Queries
    from aacbench.types import FloatArray
    from aacbench.workshop import Workshop

DEFAULT_ENCODER = "clap:mini"
SIDES = ("audio", "text")


def opened(name: str, encoder: str | None, workshop: Workshop) -> KnowledgeBase:
    """A base by its folder, or by its name and encoder."""
    from aacbench import bases
    from aacbench.knowledge.base import KnowledgeBase
    from aacbench.knowledge.finding import open_named

    folder = Path(name).expanduser()
    if bases.is_base(folder):
        if encoder is not None:
            raise BadOption(
                f"{folder} has its encoder already.", "Leave --encoder out: it is for named bases."
            )
        return KnowledgeBase.open(folder)
    if folder.is_dir() and name not in bases.recipes():
        return KnowledgeBase.open(folder)  # which says what is wrong with it
    return open_named(name, encoder or DEFAULT_ENCODER, workshop)


def asked_with(base: KnowledgeBase) -> str:
    """The encoder to embed queries with; refuses one whose weights are others than the base's."""
    from aacbench.knowledge.finding import refuse_other_encoder

    refuse_other_encoder(base, base.encoder)
    return base.encoder


def similarity(
    names: Annotated[
        list[str], typer.Argument(help="Named bases, or folders, all of one encoder.")
    ],
    target: Annotated[
        str, typer.Option("--target", help="A split whose clips are looked up: clotho@evaluation.")
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="How many pairs each clip finds.")] = 5,
    weight: Annotated[
        float, typer.Option("--weight", min=0, max=1, help="Share of the sound in pair-to-pair.")
    ] = 0.5,
    clips: Annotated[int, typer.Option(min=2, help="At most so many clips.")] = 200,
    how: Annotated[str, typer.Option("--how", help="auto, exact, ivfpq or hnsw.")] = "auto",
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="Of named bases: whose embeddings.")
    ] = None,
    json: Json = False,
) -> None:
    """How like the query the found pairs are: sound to sound, and captions to captions.

    Pair-to-pair asks with one caption of each clip and is compared with the others, as all are.
    With several bases, each one's difference to the first is told too.
    """
    from aacbench.workshop import Workshop

    warn_of_faults()
    workshop = Workshop()
    several = [opened(name, encoder, workshop) for name in names]
    asked = queries_of(target, asked_with(several[0]), workshop, clips, quiet=json)
    found = compared(several, asked, k, weight, how)
    if json:
        print_json(found)
    else:
        say(told(found))


def queries_of(
    target: str, encoder: str, workshop: Workshop, clips: int, quiet: bool = False
) -> Queries:
    """A split's clips, at equal distances where there are more than `clips`, with captions.

    The first caption is what pair-to-pair asks with, and found captions are compared with the
    others; with it too where a clip has no other.
    """
    from aacbench import catalog
    from aacbench.embeddings import cached_audio, cached_text
    from aacbench.knowledge.reporting import Queries
    from aacbench.overlap import recording

    chosen = catalog.choose_target(target)
    dataset = workshop.make(chosen.choice)
    annotations = dataset.annotations(chosen.split)
    told = [c for c in dataset.clips(chosen.split) if annotations[c.id].references]
    told = told[:: -(-len(told) // clips) or 1]
    if len(told) < 2:
        raise BadData(
            f"{target} has {len(told)} clips with sound and captions at hand; two are the least.",
            f"Look what there is: aacbench data show {target.partition('@')[0]}",
        )
    captions = [annotations[clip.id].references for clip in told]
    ears = workshop.build("encoders", encoder)
    with progress("hearing", quiet) as report:
        heard = cached_audio(ears, encoder, told, report)
    rows = iter(cached_text(ears, encoder, [text for several in captions for text in several]))
    said = [[next(rows) for _ in several] for several in captions]
    return Queries(
        tuple(recording(clip.source_id) if clip.source_id else clip.id for clip in told),
        heard,
        _stacked([several[0] for several in said]),
        tuple(_stacked(several[1:] or several) for several in said),
    )


def _stacked(rows: Sequence[Any]) -> Any:
    import numpy as np

    return np.stack(rows)


def compared(
    several: Sequence[KnowledgeBase],
    queries: Queries,
    k: int = 5,
    weight: float = 0.5,
    how: str = "auto",
) -> dict[str, Any]:
    """Means with their intervals, of each base and way, and differences to the first base."""
    from aacbench.knowledge.reporting import similarity_report

    encoders = sorted({base.encoder for base in several})
    if len(encoders) > 1:
        raise BadOption(
            f"The bases were filled by different encoders: {', '.join(encoders)}.",
            "Similarities in two spaces cannot be compared; name bases of one.",
        )
    found = similarity_report(several, queries, k, weight, how)
    told: dict[str, Any] = {
        "clips": len(queries.heard),
        "recordings": len(set(queries.recordings)),
        "k": k,
        "weight": weight,
        "bases": [],
    }
    for base, ways in zip(several, found, strict=True):
        entry: dict[str, Any] = {"base": str(base.path), "pairs": len(base), "ways": {}}
        for way, one in ways.items():
            first = found[0][way]
            entry["ways"][way] = sides = {
                side: _interval(getattr(one, side), queries.recordings) for side in SIDES
            }
            if base is not several[0]:
                sides |= {
                    f"{side}_more": _interval(
                        getattr(one, side) - getattr(first, side), queries.recordings
                    )
                    for side in SIDES
                }
        told["bases"].append(entry)
    return told


def _interval(values: FloatArray, recordings: Sequence[str]) -> dict[str, Any] | None:
    """The mean over clips that found something, and its bounds; None where none did."""
    import numpy as np

    from aacbench.stats import bootstrap

    there = np.flatnonzero(np.isfinite(values))
    if not len(there):
        return None
    groups = [recordings[clip] for clip in there.tolist()]

    def mean(statistics: Any, weights: FloatArray) -> dict[str, FloatArray]:
        return {"mean": weights @ statistics / weights.sum(axis=1)}

    interval = bootstrap(mean, values[there], len(there), groups=groups)["mean"]
    return {"mean": interval.estimate, "low": interval.low, "high": interval.high}


def told(found: dict[str, Any]) -> str:
    """The same as a table."""
    rows = []
    for entry in found["bases"]:
        for way, sides in entry["ways"].items():
            cells = [_cell(sides.get(name)) for name in (*SIDES, *(f"{s}_more" for s in SIDES))]
            rows.append([Path(entry["base"]).name, f"{entry['pairs']:,}", way, *cells])
    headers = ["base", "pairs", "way", "sound", "captions", "sound, more", "captions, more"]
    lines = table(rows, headers)
    return (
        f"{lines}\nMean similarity of {found['clips']} clips to their {found['k']} nearest pairs "
        "(95 % intervals over recordings);\nmore: than in the first base."
    )


def _cell(interval: dict[str, Any] | None) -> str:
    if interval is None:
        return "-"
    return f"{interval['mean']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"

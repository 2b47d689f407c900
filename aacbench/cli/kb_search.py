"""`aacbench kb search`, `index` and `refine`: looking things up in a base, and cutting one down."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aacbench.cli import kb_similarity
from aacbench.cli.console import Json, note, print_json, progress, say, table, visible
from aacbench.cli.console import warn_of_faults as warn
from aacbench.errors import BadOption

if TYPE_CHECKING:
    from aacbench.knowledge.searching import Probe
    from aacbench.workshop import Workshop

SHOWN = ("dataset", "id", "caption")
Base = Annotated[str, typer.Argument(help="A named base (see aacbench kb info), or a folder.")]
Named = Annotated[str | None, typer.Option("--encoder", help="Of a named base: whose embeddings.")]
How = Annotated[str, typer.Option("--how", help="auto, exact, ivfpq or hnsw.")]
K = Annotated[int, typer.Option("-k", min=1, help="How many pairs.")]
Weight = Annotated[
    float, typer.Option("--weight", min=0, max=1, help="Share of the sound in pair-to-pair.")
]


def search(
    name: Base,
    text: Annotated[str | None, typer.Option("--text", help="A caption to look for.")] = None,
    sound: Annotated[Path | None, typer.Option("--sound", help="A sound to look for.")] = None,
    way: Annotated[
        str | None,
        typer.Option(
            "--way",
            help="audio-to-audio, audio-to-text, audio-to-mixture or pair-to-pair; by default the "
            "last for a sound and a caption, and the first for a sound alone.",
        ),
    ] = None,
    weight: Weight = 0.5,
    k: K = 5,
    how: How = "auto",
    encoder: Named = None,
    json: Json = False,
) -> None:
    """Find the pairs of a knowledge base that are nearest to a sound, a caption or both.

    A caption alone is looked for among captions.
    """
    from aacbench.knowledge.searching import search as find
    from aacbench.workshop import Workshop

    warn()
    workshop = Workshop()
    base = kb_similarity.opened(name, encoder, workshop)
    way, probe = _asked(workshop, kb_similarity.asked_with(base), text, sound, way, weight)
    hits = find(base, probe, k, how=how)
    rows = [int(row) for row in hits.rows[0] if row >= 0]
    found: list[dict[str, Any]] = [
        {
            "rank": rank,
            "score": round(float(score), 6),
            "row": row,
            "dataset": entry.dataset,
            "id": entry.id,
            "source_id": entry.source_id,
            "caption": entry.caption,
        }
        for rank, (row, score, entry) in enumerate(
            zip(rows, hits.scores[0], base.entries(rows), strict=False), 1
        )
    ]
    if json:
        print_json({"base": str(base.path), "encoder": base.encoder, "way": way, "pairs": found})
        return
    if not found:
        say(f"{base.path} holds no pairs.")
        return
    cells = [
        [one["rank"], f"{one['score']:.3f}", *(visible(one[name]) for name in SHOWN)]
        for one in found
    ]
    say(table(cells, ["", "score", "data set", "clip", "caption"]))


def _asked(
    workshop: Workshop,
    encoder: str,
    text: str | None,
    sound: Path | None,
    way: str | None,
    weight: float,
) -> tuple[str, Probe]:
    """The way, by name, and the one query."""
    from aacbench.knowledge.searching import Probe, probe
    from aacbench.types import Clip

    if text is None and sound is None:
        raise BadOption(
            "There is nothing to look for.", 'Add --text "a dog barks" or --sound FILE.'
        )
    if sound is None and way not in (None, "text-to-text"):
        raise BadOption(f"{way} needs a sound.", "Add --sound FILE, or leave --way out.")
    if text is None and way == "pair-to-pair":
        raise BadOption("pair-to-pair needs a caption.", 'Add --text "a dog barks".')
    if sound is not None and not sound.is_file():
        raise BadOption(f"There is no file {sound}.", "Give a sound that is there.")
    ears = workshop.build("encoders", encoder)
    said = None if text is None else ears.embed_text([text])
    if sound is None:
        return "text-to-text", Probe(None, said)
    heard = ears.embed_audio([Clip(sound.name, sound)])
    way = way or ("audio-to-audio" if said is None else "pair-to-pair")
    return way, probe(way, heard, heard if said is None else said, weight)


def index(
    name: Base,
    kind: Annotated[str, typer.Option("--kind", help="ivfpq or hnsw.")] = "ivfpq",
    changed: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting, such as probes=128; any number of them."),
    ] = None,
    encoder: Named = None,
    json: Json = False,
) -> None:
    """Build an index for a large knowledge base, and measure how many of the nearest it finds.

    Searches of bases from 50,000 pairs on then use it; smaller ones are searched exactly, which
    is quick enough. Takes the package faiss-cpu.
    """
    from aacbench.knowledge.indexing import build_index, exact_below
    from aacbench.workshop import Workshop

    warn()
    base = kb_similarity.opened(name, encoder, Workshop())
    with progress(kind, quiet=json, unit="pair") as report:
        facts = build_index(base, kind, _settings(changed or []), report)
    if json:
        print_json(facts)
        return
    say(f"{base.path / facts['file']}: {facts['bytes'] / 1e6:,.1f} MB in {facts['seconds']} s")
    cells = [[way, f"{value:.3f}"] for way, value in facts["recall_at_10"].items()]
    say(table(cells, ["way", "recall@10"]))
    say(f"Measured with {facts['measured']}.")
    if len(base) < exact_below():
        note(f"Below {exact_below():,} pairs it is used only where asked for: --how {kind}")


def _settings(changed: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in changed:
        setting, equals, value = one.partition("=")
        if not equals:
            raise BadOption(f"'{one}' sets nothing.", "Write --set probes=128")
        try:
            found[setting.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[setting.strip()] = value.strip()
    return found


def refine(
    name: Base,
    by: Annotated[
        str, typer.Option("--by", help="The base of the training pairs: a name, or a folder.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder of the refined base.")],
    k: K = 5,
    weight: Weight = 0.5,
    others_only: Annotated[
        bool,
        typer.Option("--others-only", help="A training pair finds none of its own recording."),
    ] = False,
    target: Annotated[
        str | None,
        typer.Option("--target", help="A split whose clips show what it does to what is found."),
    ] = None,
    clips: Annotated[int, typer.Option(min=2, help="At most so many of the target's.")] = 200,
    how: How = "auto",
    encoder: Named = None,
    json: Json = False,
) -> None:
    """Keep what is near to a training pair: the union of each one's k nearest by equation 4 of
    Choi et al. Says what was dropped; with --target, how like its clips the found pairs are before
    and after. Killed and typed again, it goes on where it stopped.
    """
    from aacbench.knowledge.refining import refine as cut
    from aacbench.knowledge.reporting import dropped
    from aacbench.workshop import Workshop

    warn()
    workshop = Workshop()
    base = kb_similarity.opened(name, encoder, workshop)
    training = kb_similarity.opened(by, encoder, workshop)
    ears = kb_similarity.asked_with(base) if target else ""
    with progress("refining", quiet=json, unit="pair") as report:
        refined = cut(
            base,
            training,
            k,
            weight,
            out.expanduser(),
            others_only=others_only,
            how=how,
            report=report,
        )
    found: dict[str, Any] = {
        "base": str(refined.path),
        **(refined.manifest["refined"] or {}),
        "datasets": dropped(base, refined),
    }
    if target:
        asked = kb_similarity.queries_of(target, ears, workshop, clips, quiet=json)
        found["similarity"] = kb_similarity.compared([base, refined], asked, k, weight, how)
    if json:
        print_json(found)
        return
    _tell(found)
    if target:
        say()
        say(kb_similarity.told(found["similarity"]))


def _tell(found: dict[str, Any]) -> None:
    total = found["kept"] + found["dropped"]
    say(f"{found['base']}: {found['kept']:,} of {total:,} pairs kept")
    cells = [
        [dataset, f"{counts['kept']:,}", f"{counts['dropped']:,}"]
        for dataset, counts in found["datasets"].items()
    ]
    say(table(cells, ["data set", "kept", "dropped"]))
    for dataset, counts in found["datasets"].items():
        for caption in counts["examples"]:
            say(f"  dropped of {dataset}: {visible(caption)}")

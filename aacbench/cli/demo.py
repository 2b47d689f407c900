"""`aacbench demo`: the whole way from sound to believed numbers and pages, on generated sounds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aacbench.cli.console import Json, note, print_json, progress, say, warn_of_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aacbench.store import RunFolder

CAPTIONERS = (
    "nac:mini@events",
    "nac:mini@events+guide",
    "nac:mini@scenes",
    "nac:mini@scenes+guide",
)
TARGETS = ("soundbox-events", "soundbox-scenes")
SHOWN = 3
BOARD = Path("leaderboard")
NEXT = """What to type next
  a sound of your own     aacbench caption my.wav
  captions of your own    aacbench score my.csv --target clotho
  a folder of sounds      aacbench run --captioner nac --target my/folder
  a captioner of yours    aacbench run --captioner my.py:MyCaptioner --target soundbox-events
  all there is            aacbench list
The `nac` that hears real sounds needs a tagger of 4 MB once: aacbench data fetch small"""


def demo(
    limit: Annotated[int, typer.Option(help="Clips a target.")] = 60,
    out: Annotated[Path, typer.Option(help="Where run folders are kept.")] = Path("runs/demo"),
    json: Json = False,
) -> None:
    """Caption a part of both soundbox domains, with and without a guide, and print the table."""
    from aacbench import api

    warn_of_faults()
    results: list[dict[str, Any]] = []
    folders: list[RunFolder] = []
    for target in TARGETS:
        for captioner in CAPTIONERS:
            folder = _caption(captioner, target, limit, out, json)
            if not json:
                note(f"scoring {captioner} on {target}")
            results.append(api.score_run(folder)[0])
            folders.append(folder)
    if json:
        print_json({"results": results})
        return
    from aacbench.cli import tables

    say(f"\nThe first {limit} test clips of each target.\n")
    for target in TARGETS:
        say(tables.side_by_side([r for r in results if r["target"].startswith(target)]) + "\n")
    say("The guide keeps one hypothesis, as its paper does; nac alone keeps five.")
    say("\nThree captions to read")
    for line in _captions(folders):
        say(line)
    say("\nPages to open in a browser, from disk")
    for line in _pages(folders, out):
        say(line)
    say(f"\n{NEXT}")


def _caption(captioner: str, target: str, limit: int, out: Path, quiet: bool) -> RunFolder:
    from aacbench import running
    from aacbench.config import RunSettings, plan

    settings = RunSettings(captioner=captioner, target=target, limit=limit, out=out)
    with progress(f"{captioner} on {target}", quiet=quiet) as report:
        return running.run(plan(settings), report).folder


def _pages(folders: list[RunFolder], out: Path) -> Iterator[str]:
    """A listening page for each target, and the leaderboard's site where its folder is at hand."""
    from aacbench import report

    for target in TARGETS:
        note(f"writing the listening page of {target}")
        ours = [f.path for f in folders if f.path.parts[-3].startswith(target)]
        written = report.write(ours, out / f"listen-{target}")
        yield f"  hear {written.clips} clips    {written.page}"
    if BOARD.is_dir():
        from aacbench.leaderboard import building, site

        note("writing the leaderboard's site")
        site.write(building.read(BOARD).as_json(), out / "site")
        yield f"  the leaderboard  {out / 'site' / 'index.html'}"


def _captions(folders: list[RunFolder]) -> list[str]:
    """One clip of each captioner at home, and one abroad, each beside what people would say."""
    from aacbench import api, catalog

    lines = []
    for folder in folders[:SHOWN]:
        manifest = folder.manifest()
        target = catalog.choose_target(manifest["target"]["expression"])
        annotations = api.load_dataset(target.choice.expression).annotations(target.split)
        record = next(r for r in folder.records().values() if r.caption is not None)
        assert record.caption is not None
        lines += [
            f"  {record.clip_id}, {manifest['captioner']['expression']}",
            f"    says       {record.caption.text}",
            f"    reference  {annotations[record.clip_id].references[0]}",
        ]
    return lines

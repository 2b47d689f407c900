"""`aacbench report`: runs clip by clip, as a page to hear, to read and to compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aacbench.cli.console import Json, note, print_json, progress, say, visible, warn_of_faults
from aacbench.errors import BadOption

if TYPE_CHECKING:
    from aacbench.report import Written

SHOWN = 3  # reasons for silence that are printed


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders of one target.")],
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("report"),
    clips: Annotated[str, typer.Option(help="How many clips get sound; or: all.")] = "60",
    sort: Annotated[
        str, typer.Option(help="What comes first: worst, best, disagreement or target.")
    ] = "worst",
    figure: Annotated[
        str | None, typer.Option(help="The figure to order by; default: SPIDEr or the like.")
    ] = None,
    word: Annotated[str, typer.Option(help="Open with the clips in which this is said.")] = "",
    rate: Annotated[int, typer.Option(help="Hertz that sound is reduced to.")] = 32_000,
    seconds: Annotated[float, typer.Option(help="Where the sound of long clips ends.")] = 120.0,
    json: Json = False,
) -> None:
    """Write a page to listen to: it opens from disk, without a server or a network."""
    from aacbench.report import write

    warn_of_faults()
    with progress("listening", quiet=json) as told:
        written = write(
            runs,
            out,
            clips=_number(clips),
            sort=sort,
            figure=figure,
            word=word,
            rate=rate,
            seconds=seconds,
            progress=told,
        )
    if json:
        print_json(_as_json(written))
        return
    for line in _lines(written):
        say(visible(line))


def _number(clips: str) -> int | None:
    if clips == "all":
        return None
    if not clips.isascii() or not clips.isdigit():
        raise BadOption(f"--clips {clips} is no number.", "Give a number, or: all.")
    return int(clips)


def _lines(written: Written) -> list[str]:
    weights = ", ".join(f"{kind} {_size(size)}" for kind, size in written.weight.items())
    systems = "1 system" if written.systems == 1 else f"{written.systems} systems"
    lines = [
        f"{written.target}: {systems}, {written.clips} clips, {written.sounds} of them with sound",
        f"{_size(written.bytes)} in {written.files} files ({weights})",
    ]
    for reason, count in list(written.silent.items())[:SHOWN]:
        lines.append(f"no sound, {count} clips: {reason}")
    if len(written.silent) > SHOWN:
        more = sum(list(written.silent.values())[SHOWN:])
        lines.append(f"no sound, {more} more clips, each says why")
    if written.sounds < written.clips and not written.silent:
        lines.append("More have sound with: --clips all")
    for folder in written.unscored:
        note(f"{folder} has captions without figures. Type: aacbench score '{folder}'")
    return [*lines, "", str(written.page)]


def _size(count: int) -> str:
    """Bytes as people say them."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def _as_json(written: Written) -> dict[str, object]:
    return {
        "page": str(written.page),
        "target": written.target,
        "systems": written.systems,
        "clips": written.clips,
        "sounds": written.sounds,
        "silent": dict(written.silent),
        "bytes": {**written.weight, "all": written.bytes},
        "files": written.files,
        "unscored": [str(folder) for folder in written.unscored],
    }

"""`aacbench caption`: what does this file sound like?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aacbench.cli.console import Json, print_json, say, warn_of_faults


def caption(
    sounds: Annotated[
        list[Path], typer.Argument(help="Sound files: wav, flac, ogg, mp3; or pictures.")
    ],
    captioner: Annotated[str, typer.Option("--captioner", "-c", help="Who captions.")] = "nac",
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Seed of whatever is random.")] = 0,
    json: Json = False,
) -> None:
    """Print a caption for each sound file, or each picture where the captioner sees."""
    from aacbench import api
    from aacbench.config import resolve_device

    warn_of_faults()
    captions = api.caption(sounds, captioner, resolve_device(device), seed)
    if json:
        print_json(
            [
                {
                    "file": str(path),
                    "caption": found.text,
                    "score": found.score,
                    "alternatives": [other.text for other in found.alternatives],
                    "stages": found.stages,
                }
                for path, found in zip(sounds, captions, strict=True)
            ]
        )
        return
    for path, found in zip(sounds, captions, strict=True):
        say(f"{path}: {found.text}" if len(sounds) > 1 else found.text)

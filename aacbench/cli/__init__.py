"""The command line: one file a verb, heavy imports inside the commands."""

from __future__ import annotations

import io
import os
import sys

from aacbench.errors import AacbenchError


def main() -> None:
    """Run the command line; a user's mistake ends in a sentence, not in a traceback."""
    # Threads of torch that wait for each other sleep instead of spinning: beside other work on the
    # same cores, spinning made guided captions three times as slow. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from aacbench.cli.app import app

    # A name or a caption may hold what the terminal cannot show; it is no reason to stop.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except AacbenchError as error:
        print(f"aacbench: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except SystemExit as stop:
        if stop.code == 130:  # what typer makes of Ctrl-C
            print(
                "aacbench: stopped; what is done is kept. Type the same to go on.", file=sys.stderr
            )
        raise

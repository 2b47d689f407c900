"""The command line: one file a verb, heavy imports inside the commands."""

from __future__ import annotations

import sys

from aacbench.errors import AacbenchError


def main() -> None:
    """Run the command line; a user's mistake ends in a sentence, not in a traceback."""
    from aacbench.cli.app import app

    try:
        app()
    except AacbenchError as error:
        print(f"aacbench: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("aacbench: stopped. What is done is kept: type the same to go on.", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(141) from None

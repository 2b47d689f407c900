"""A choice of `clap:paper` -> the encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aacbench.builtin.encoders.clap.paper.sizes import model
from aacbench.errors import BadOption

if TYPE_CHECKING:
    from aacbench.specs import Choice, Context
    from aacbench.types import Encoder

OWN_FILE = "file"  # the source that reads a checkpoint of the user's own


def build_paper(choice: Choice, context: Context) -> Encoder:
    """The encoder that the choice's options ask for."""
    options: Any = choice.options
    if (choice.source == OWN_FILE) != (options.path is not None):
        raise BadOption(
            "clap:paper: 'path' and the source '@file' go together.",
            "Write clap:paper@file(path=CHECKPOINT), or leave 'path' out.",
        )
    checkpoint, *tokenizer = context.weights(choice).values()
    known = model(options.model) if options.model else None
    if options.backend == "laion":
        from aacbench.builtin.encoders.clap.paper.package import build_package

        return build_package(checkpoint, known, options.crop, options.seed, context.device)
    from aacbench.builtin.encoders.clap.paper.encoder import assemble
    from aacbench.builtin.encoders.clap.paper.words import tokenizer_files

    return assemble(
        checkpoint.expanduser(),
        known,
        tokenizer_files(options.tokenizer.expanduser()) if options.tokenizer else tokenizer,
        crop=options.crop,
        seed=options.seed,
        slips=options.slips,
        device=context.device,
    )

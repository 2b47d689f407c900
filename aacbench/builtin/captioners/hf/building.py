"""The options of `hf` -> a captioner, of the kind that the model allows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aacbench.builtin.captioners.hf.asking import Question
from aacbench.builtin.captioners.hf.finding import locate
from aacbench.builtin.captioners.hf.generating import Drawn, Generated
from aacbench.builtin.captioners.hf.loading import Loaded, load
from aacbench.builtin.captioners.hf.stepping import Encoded, Merged, agrees
from aacbench.builtin.captioners.hf.words import Words
from aacbench.decoding import Decoding
from aacbench.errors import BadOption
from aacbench.specs import Context
from aacbench.types import Captioner

if TYPE_CHECKING:
    from aacbench.builtin.captioners.hf import HfOptions


def build(model: Path | str, options: HfOptions, context: Context) -> Captioner:
    """The captioner that `options` describe, its model read onto the context's device."""
    folder = locate(model, options.revision)
    loaded = load(folder, str(model), context.device, options.precision, options.attention)
    question = _question(loaded, options)
    words = Words(loaded.model, loaded.tokenizer)
    decoding = Decoding(
        beams=options.beams,
        max_tokens=options.max_tokens,
        min_tokens=options.min_tokens,
        length_penalty=options.length_penalty,
        keep=options.keep,
    )
    stepped = _stepped(question, words, decoding)
    if stepped is None:
        return Generated(
            question, words, decoding, context.seed, options.temperature, options.top_p
        )
    if options.temperature is None:
        return stepped
    return Drawn(stepped, options.temperature, options.top_p, context.seed)


def _question(loaded: Loaded, options: HfOptions) -> Question:
    prompt = loaded.prompt if options.prompt is None else options.prompt
    if options.system and loaded.hears_alone:
        raise BadOption(f"{loaded.name} is no chat and takes no system prompt.", "Leave it out.")
    if options.prompt and loaded.hears_alone and loaded.family.stepped != "encoded":
        raise BadOption(f"{loaded.name} takes no prompt beside the sound.", "Leave it out.")
    return Question(loaded, prompt, options.system)


def _stepped(question: Question, words: Words, decoding: Decoding) -> Merged | Encoded | None:
    """The model as one that is stepped; None where it cannot be, which of a kind that the table
    does not vouch for is found out."""
    how = question.loaded.family.stepped
    if how == "encoded":
        return Encoded(question, words, decoding)
    if question.loaded.hears_alone:
        return None
    merged = Merged(question, words, decoding)
    if how == "merged" or agrees(merged):
        return merged
    merged.close()
    return None

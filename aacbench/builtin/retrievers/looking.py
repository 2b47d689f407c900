"""The three ways of looking with a sound alone, at work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from aacbench.embeddings import cached_audio, cached_text
from aacbench.knowledge import searching
from aacbench.knowledge.finding import open_for
from aacbench.knowledge.retrieving import Lookup, Rows
from aacbench.knowledge.searching import Probe
from aacbench.specs import Choice, Context
from aacbench.types import Clip, Encoder


class CrossLookup(Lookup):
    """One that compares the sound with captions, and can so be run on a target."""

    def similarities(self, clips: Sequence[Clip], texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(clips, texts), cosines of sounds and captions (equation 11)."""
        heard = cached_audio(self._encoder, self.encoder, clips)
        said = cached_text(self._encoder, self.encoder, texts)
        return np.stack([said @ row for row in heard]) if clips else heard @ said.T


def _audio_to_audio(heard: Rows, said: Rows | None) -> Probe:
    return searching.audio_to_audio(heard)


def _audio_to_text(heard: Rows, said: Rows | None) -> Probe:
    return searching.audio_to_text(heard)


def _audio_to_mixture(heard: Rows, said: Rows | None) -> Probe:
    return searching.audio_to_mixture(heard)


WAYS = {
    "audio-to-audio": (Lookup, _audio_to_audio),
    "audio-to-text": (CrossLookup, _audio_to_text),
    # Against captions alone, which have no sound of their own, it is audio-to-text.
    "audio-to-mixture": (CrossLookup, _audio_to_mixture),
}


def build(choice: Choice, context: Context) -> Lookup:
    """The retriever that a choice names."""
    expression = choice.options.encoder
    encoder: Encoder = context.build("encoders", expression)
    made, probing = WAYS[choice.spec.name]
    return made(
        expression,
        encoder,
        lambda: open_for(choice, expression, context),
        probing,
        how=choice.options.search,
    )

"""Pair-to-pair retrieval: looking for a sound and a caption at once (Choi et al., 3.3 and 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from aacbench import Choice, Clip, Context, Example
from aacbench.embeddings import cached_audio, cached_text
from aacbench.knowledge.finding import open_for
from aacbench.knowledge.retrieving import Lookup, Rows
from aacbench.knowledge.searching import Probe, pair_to_pair
from aacbench.provenance import identity
from aacbench.types import Captioner
from aacbench_p2p.options import PairOptions


class PairLookup(Lookup):
    """Looks for a clip's sound and for the caption that is given with it (equation 4)."""


class GenerativeLookup(PairLookup):
    """As `PairLookup`, with captions by a captioner of its own (equations 5 and 6)."""

    captioner: Captioner
    weight: float

    def retrieve(
        self, clips: Sequence[Clip], k: int, captions: Sequence[str] | None = None
    ) -> list[list[Example]]:
        """The `k` nearest pairs; captions that are given count in place of generated ones."""
        if captions is None and clips:
            captions = [caption.text for caption in self.captioner.caption(clips)]
        return super().retrieve(clips, k, captions)

    def similarities(self, clips: Sequence[Clip], texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(clips, texts): the weighted sum of a text's cosines with the clip's sound and with the
        caption that the captioner writes for it."""
        said = cached_text(self._encoder, self.encoder, texts)
        if not clips:
            return np.zeros((0, len(said)), np.float32)
        heard = cached_audio(self._encoder, self.encoder, clips)
        share = np.float32(self.weight)
        rows = zip(heard, self._written(clips), strict=True)
        return np.stack(
            [share * (said @ sound) + (1 - share) * (said @ text) for sound, text in rows]
        )

    def _written(self, clips: Sequence[Clip]) -> Rows:
        """The embeddings of what the captioner says of clips, (clips, dim), each said once."""
        keys = [identity(clip) for clip in clips]
        new = {key: clip for key, clip in zip(keys, clips, strict=True) if key not in self._kept}
        if new:
            said = self.captioner.caption(list(new.values()))
            rows = self._encoder.embed_text([caption.text for caption in said])
            self._kept |= dict(zip(new, rows, strict=True))
        return np.stack([self._kept[key] for key in keys])

    @cached_property
    def _kept(self) -> dict[str, Rows]:
        return {}


def build(choice: Choice, context: Context) -> PairLookup:
    """The retriever that a choice of `p2p` names."""
    options: PairOptions = choice.options

    def probing(heard: Rows, said: Rows | None) -> Probe:
        if said is None:
            raise ValueError("pair-to-pair retrieval looks for a caption too")
        return pair_to_pair(heard, said, options.weight)

    made = GenerativeLookup if options.captioner else PairLookup
    lookup = made(
        options.encoder,
        context.build("encoders", options.encoder),
        lambda: open_for(choice, options.encoder, context),
        probing,
        needs_captions=True,
        how=options.search,
    )
    if isinstance(lookup, GenerativeLookup) and options.captioner:
        lookup.captioner = context.build("captioners", options.captioner)
        lookup.weight = options.weight
    return lookup

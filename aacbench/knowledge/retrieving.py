"""Clips -> examples from a knowledge base: the part that every way of looking shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.searching import Probe, search
from aacbench.overlap import recording
from aacbench.perceiving import perceive
from aacbench.timing import stage
from aacbench.types import Clip, Encoder, Example

Rows = npt.NDArray[np.float32]
Probing = Callable[[Rows, Rows | None], Probe]
"""The embeddings of the clips' sounds and of their captions, (clips, dim) each -> the query."""


class Lookup:
    """A `Retriever` whose way of looking is `probing`.

    `open_base` is called when something is first looked up, so that nothing is read before. `how`
    is as in `searching.search`.
    """

    def __init__(
        self,
        expression: str,
        encoder: Encoder,
        open_base: Callable[[], KnowledgeBase],
        probing: Probing,
        needs_captions: bool = False,
        how: str = "auto",
    ) -> None:
        self.encoder = expression
        self.needs_captions = needs_captions
        self._encoder = encoder
        self._open_base = open_base
        self._probing = probing
        self._how = how
        self._base: KnowledgeBase | None = None

    @property
    def base(self) -> KnowledgeBase:
        """The base that is looked in."""
        if self._base is None:
            self._base = self._open_base()
        return self._base

    def retrieve(
        self, clips: Sequence[Clip], k: int, captions: Sequence[str] | None = None
    ) -> list[list[Example]]:
        """The `k` nearest pairs of each clip, best first, none of its own recording."""
        if self.needs_captions and captions is None:
            raise ValueError("this retriever looks for captions too; give one a clip")
        if not clips or k < 1 or not len(self.base):
            return [[] for _ in clips]
        with stage("encode"):
            heard = perceive(self._encoder, clips)
            said = self._encoder.embed_text(captions) if self.needs_captions and captions else None
        with stage("retrieve"):
            return self._found(clips, self._probing(heard, said), k)

    def _found(self, clips: Sequence[Clip], probe: Probe, k: int) -> list[list[Example]]:
        hits = search(self.base, probe, k, [self._own(clip) for clip in clips], self._how)
        wanted = sorted({int(row) for row in hits.rows.ravel() if row >= 0})
        entries = dict(zip(wanted, self.base.entries(wanted), strict=True))
        audio, text = self.base.vectors(wanted)
        place = {row: at for at, row in enumerate(wanted)}
        found = []
        for rows, scores in zip(hits.rows.tolist(), hits.scores.tolist(), strict=True):
            found.append(
                [
                    Example(
                        entries[row].id,
                        entries[row].dataset,
                        entries[row].caption,
                        score,
                        audio[place[row]].astype(np.float32),
                        text[place[row]].astype(np.float32),
                        entries[row].source_id,
                    )
                    for row, score in zip(rows, scores, strict=True)
                    if row >= 0
                ]
            )
        return found

    def _own(self, clip: Clip) -> frozenset[int]:
        """The rows of a clip's own recording; by its id, where nobody names the recording."""
        key = recording(clip.source_id) if clip.source_id else clip.id
        return frozenset(int(row) for row in self.base.rows_by_recording().get(key, ()))

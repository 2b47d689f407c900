"""`+rag`: what a retriever finds, shown to a captioner (Choi et al., section 5, table 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aacbench import Caption, Clip, Example, Step
from aacbench.errors import BadOption
from aacbench.types import Captioner, ExampleCaptioner, GuidableCaptioner, Retriever, Tokenizer


class Rag:
    """A retriever that may follow a ``+``; `k` pairs are looked up for each clip."""

    def __init__(self, retriever: Retriever, k: int) -> None:
        self.retriever = retriever
        self.k = k

    def around(self, captioner: Captioner) -> Captioner:
        """The captioner, shown what is found; it can be guided where it could before."""
        if not isinstance(captioner, ExampleCaptioner):
            raise BadOption(
                "'rag' has examples to show, and this captioner takes none.",
                "Choose one that does: nac, raft; see aacbench show --contract captioners.",
            )
        if self.k > captioner.max_examples:
            raise BadOption(
                f"k={self.k} is more than the {captioner.max_examples} examples that this "
                "captioner can be shown.",
                f"Write k={captioner.max_examples} or less.",
            )
        space = getattr(captioner, "heard_in", None)
        if space is not None and space != self.retriever.encoder:
            raise BadOption(
                f"The captioner hears examples in the space of {space}, and the retriever looks in "
                f"that of {self.retriever.encoder}.",
                f"Give the retriever encoder={space}, and a base of it.",
            )
        if isinstance(captioner, GuidableCaptioner):
            return GuidableAugmented(captioner, self.retriever, self.k)
        return Augmented(captioner, self.retriever, self.k)


class Augmented:
    """A captioner that looks before it speaks.

    Where the retriever looks for a caption too, the captioner first writes one without examples:
    generative pair-to-pair retrieval (section 3.4).
    """

    def __init__(self, captioner: Any, retriever: Retriever, k: int) -> None:
        self.captioner = captioner
        self.retriever = retriever
        self.k = k

    def examples(self, clips: Sequence[Clip]) -> Sequence[Sequence[Example]]:
        """What is shown with each clip, the nearest first."""
        captions = None
        if self.retriever.needs_captions:
            captions = [caption.text for caption in self.captioner.caption(clips)]
        return self.retriever.retrieve(clips, self.k, captions)

    def caption(self, clips: Sequence[Clip]) -> Sequence[Caption]:
        if not self.k:
            return list(self.captioner.caption(clips))
        return list(self.captioner.caption(clips, self.examples(clips)))


class GuidableAugmented(Augmented):
    """The same, around a captioner that guides can steer."""

    tokenizer: Tokenizer
    decoding: Any

    def __init__(self, captioner: Any, retriever: Retriever, k: int) -> None:
        super().__init__(captioner, retriever, k)
        self.tokenizer = captioner.tokenizer
        self.decoding = captioner.decoding
        self.guides = tuple(getattr(captioner, "guides", ()))  # those that it brings along

    def open(self, clips: Sequence[Clip]) -> Any:
        """What conditions the words: the clips and what was found for them."""
        if not self.k:
            return self.captioner.open(clips)
        return self.captioner.open(clips, self.examples(clips))

    def step(self, state: Any, tokens: Any, cache: Any) -> Step:
        """As the captioner's own."""
        found: Step = self.captioner.step(state, tokens, cache)
        return found

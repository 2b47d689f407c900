"""`zeroshot` at work: a prompt, a frozen language model, and a guide that listens."""

from __future__ import annotations

from collections.abc import Sequence

from aacbench.decoding import decode
from aacbench.language_models import LanguageModel
from aacbench.types import Caption, Clip, Encoder, Guide
from aacbench_zeroshot.hearing import HearingGuide, Likeness
from aacbench_zeroshot.options import ZeroshotOptions
from aacbench_zeroshot.speaking import Speaker


class Zeroshot(Speaker):
    """A `GuidableCaptioner` with a guide of its own; a guide that is added adds its loss."""

    def __init__(
        self, language_model: LanguageModel, encoder: Encoder, options: ZeroshotOptions
    ) -> None:
        super().__init__(language_model, encoder, options)
        likeness = Likeness(encoder, options, options.read_prompt)
        self.guides: tuple[Guide, ...] = (HearingGuide(likeness, options),)

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return decode(self, clips, self.decoding)

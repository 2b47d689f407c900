"""`zeraucap` at work: keywords in the prompt, and candidates weighed by the encoder's opinion."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aacbench.decoding import decode
from aacbench.language_models import LanguageModel
from aacbench.types import Caption, Clip, Encoder
from aacbench_zeroshot.hearing import Likeness, sounds_of
from aacbench_zeroshot.keywords import Keywords, listed
from aacbench_zeroshot.options import ZeraucapOptions
from aacbench_zeroshot.speaking import Speaker, State

FAINTEST = 1e-30  # a probability below this counts as this, so that its logarithm is finite


class Zeraucap(Speaker):
    """A `GuidableCaptioner`: the rescored distribution is what it speaks by, so a guide that is
    added moves the language model's cache under it."""

    def __init__(
        self, language_model: LanguageModel, encoder: Encoder, options: ZeraucapOptions
    ) -> None:
        super().__init__(language_model, encoder, options)
        self.settings = options
        self.likeness = Likeness(encoder, options, options.read_prompt)
        self.keywords = Keywords(encoder, options) if options.count else None

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return decode(self, clips, self.decoding)

    def prompts(self, clips: Sequence[Clip], sounds: Tensor) -> list[str]:
        """The clips' keywords, then the prompt."""
        plain = super().prompts(clips, sounds)
        if self.keywords is None:
            return plain
        found = self.keywords(clips, sounds)
        options = self.settings
        return [
            f"{options.context}{options.objects.format(listed(words))}{options.prompt}"
            if words
            else alone
            for words, alone in zip(found, plain, strict=True)
        ]

    def chosen_by(self, scores: Tensor, state: State, place: int) -> Tensor:
        """Logits whose softmax is the language model's distribution plus `beta` times the
        encoder's over the candidates, scaled to sum to 1: the likeliest is MAGIC's choice."""
        plain = super().chosen_by(scores, state, place).softmax(-1)
        if self.settings.beta:
            count = min(self.settings.candidates, plain.shape[1])
            candidates = plain.detach().topk(count, dim=-1).indices
            liked = self._liked(candidates, state, place)
            plain = plain.scatter_add(1, candidates, self.settings.beta * liked)
        if self.settings.end_penalty:
            weight = torch.ones(plain.shape[1], device=plain.device)
            weight[self.words.end] = self.settings.end_penalty * place
            plain = plain * weight
        return plain.clamp(min=FAINTEST).log()

    def _liked(self, candidates: Tensor, state: State, place: int) -> Tensor:
        """The encoder's distribution over the candidates, (rows, candidates)."""
        end = self.words.end
        captions = []
        for said, tokens in zip(state[2][:, :place].tolist(), candidates.tolist(), strict=True):
            for token in tokens:
                longer = said if token == end else [*said, token]
                captions.append(self.tokenizer.decode([t for t in longer if t >= 0]))
        sounds = sounds_of(state).repeat_interleave(candidates.shape[1], 0)
        cosines = self.likeness(captions, sounds).view(candidates.shape)
        return (self.settings.sharpness * cosines).softmax(-1)

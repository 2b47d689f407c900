"""How like a sound a text is, by an encoder; and the guide that moves the context towards it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from aacbench.decoding import Prediction, Steering
from aacbench.types import Encoder
from aacbench_zeroshot.options import SpeakingOptions, ZeroshotOptions

UNHEARD = -1.0  # the cosine of a text without words


class Reader:
    """Texts to vectors by an encoder's text side; the newest so many of them are remembered."""

    def __init__(self, encoder: Encoder, remember: int) -> None:
        self.encoder = encoder
        self.remember = remember
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def embed(self, texts: Sequence[str]) -> Tensor:
        """(texts, dim), rows of unit length; a text that is remembered is not computed again."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            rows = torch.from_numpy(self.encoder.embed_text(new))
            self._known.update(zip(new, rows, strict=True))
        found = torch.stack([self._known[text] for text in texts])
        for text in texts:
            self._known.move_to_end(text)
        while len(self._known) > self.remember:
            self._known.popitem(last=False)
        return found


class Likeness:
    """The cosine of captions to sounds, each caption read with the prompt or without it."""

    def __init__(self, encoder: Encoder, options: SpeakingOptions, read_prompt: bool) -> None:
        self._reader = Reader(encoder, options.remember)
        self._before = options.prompt.strip() if read_prompt else ""
        self._kept = options.prompt.strip() if options.keep_prompt else ""

    def __call__(self, captions: Sequence[str], sounds: Tensor) -> Tensor:
        """(captions,): each caption's cosine to its row of `sounds`, (captions, dim)."""
        cosines = sounds.new_full((len(captions),), UNHEARD)
        said = [self._without_prompt(caption) for caption in captions]
        spoken = [place for place, text in enumerate(said) if text]
        if spoken:
            read = self._reader.embed([self._as_read(said[place]) for place in spoken])
            rows = torch.tensor(spoken, device=sounds.device)
            cosines[rows] = (sounds[rows] * read.to(sounds)).sum(-1)
        return cosines

    def _without_prompt(self, caption: str) -> str:
        return caption[len(self._kept) :].strip()

    def _as_read(self, said: str) -> str:
        """The text that the encoder reads: within a sentence it starts with a small letter."""
        small = said[:1].lower() + said[1:]
        return f"{self._before} {small}" if self._before else said[:1].upper() + said[1:]


class HearingGuide:
    """A `Guide` that a captioner brings along: ZeroCap's loss with sound in the image's place."""

    beams = 1

    def __init__(self, likeness: Likeness, options: ZeroshotOptions) -> None:
        self.likeness = likeness
        self.options = options
        self.steering = Steering.of(options)

    def loss(self, prediction: Prediction) -> Tensor:
        """(rows,)."""
        moved, plain = prediction.log_probabilities, prediction.unperturbed
        fluency = (moved.exp() * (moved - plain)).sum(-1)
        return (
            self.options.hearing_weight * self._hearing(prediction)
            + self.options.fluency_weight * fluency
        )

    def _hearing(self, prediction: Prediction) -> Tensor:
        """Cross-entropy from what the encoder would have said next, (rows,)."""
        if self.options.rescore or "heard" not in prediction.kept:
            prediction.kept["heard"] = self._heard(prediction)
        candidates, cosines = prediction.kept["heard"]
        target = (cosines / self.options.temperature).softmax(-1)
        return -(target * prediction.log_probabilities.gather(1, candidates)).sum(-1)

    def _heard(self, prediction: Prediction) -> tuple[Tensor, Tensor]:
        """The likeliest next tokens and the cosines of the texts they make, (rows, candidates)."""
        distribution = prediction.log_probabilities.detach()
        count = min(self.options.candidates, distribution.shape[1])
        candidates = distribution.topk(count, dim=-1).indices
        known: dict[tuple[int, int], float] = prediction.kept.setdefault("known", {})
        listed = candidates.tolist()
        asked = [(r, t) for r, row in enumerate(listed) for t in row if (r, t) not in known]
        if asked:
            captions = prediction.complete(asked, self.options.lookahead)
            sounds = sounds_of(prediction.state)[[row for row, _ in asked]]
            known.update(zip(asked, self.likeness(captions, sounds).tolist(), strict=True))
        cosines = [[known[row, token] for token in tokens] for row, tokens in enumerate(listed)]
        return candidates, torch.tensor(cosines, device=distribution.device)


def sounds_of(state: Any) -> Tensor:
    """The sounds in a captioner's state, (rows, dim)."""
    sounds: Tensor = state[1]
    return sounds

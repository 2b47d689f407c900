"""Shaulov et al.'s algorithm as the paper describes it: what the fast one must give, and is timed
against.

One clip, one token, one step at a time. Nothing is kept: the whole context is read again for every
token, and every candidate of every step is turned into text and classified, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from aacbench.decoding import Decoding, decode
from aacbench.types import Classifier, Clip
from aacbench_guide.guide import ClassifierGuide
from aacbench_guide.options import GuideOptions

TIE = 1e-4
"""Log probabilities that lie closer than this may be ranked either way by float32."""


class Plain:
    """The plain algorithm over a `model` of transformers that reads a prefix of embeddings."""

    def __init__(
        self, model: Any, tokenizer: Any, classifier: Classifier, options: GuideOptions
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.classifier = classifier
        self.options = options
        self.classified: tuple[Tensor, Tensor] | None = None

    def caption(self, prefix: Tensor, longest: int) -> tuple[int, ...]:
        """Greedy, from a prefix (1, prefix, width)."""
        tokens: list[int] = []
        while len(tokens) < longest:
            token = int(self.allowed(prefix, tokens).argmax())
            if token == self.tokenizer.end:
                break
            tokens.append(token)
        return tuple(tokens)

    def allowed(self, prefix: Tensor, tokens: list[int]) -> Tensor:
        """The same as `next`, but for an end where nothing was said yet."""
        log_p = self.next(prefix, tokens)
        if not tokens:
            log_p[self.tokenizer.end] = -torch.inf
        return log_p

    def next(self, prefix: Tensor, tokens: list[int]) -> Tensor:
        """Log probabilities of the next token, (vocabulary,)."""
        whole = torch.cat([prefix, self.embedded([tokens])], 1).detach()
        with torch.no_grad():
            plain = self.model(inputs_embeds=whole).logits[0, -1].log_softmax(-1)
            past = self.model(inputs_embeds=whole[:, :-1], use_cache=True).past_key_values
        held = [tensor for layer in past.layers for tensor in (layer.keys, layer.values)]
        moves = [torch.zeros_like(tensor) for tensor in held]
        self.classified = None
        for _ in range(self.options.steps):
            moves = [move.detach().requires_grad_() for move in moves]
            gradients = torch.autograd.grad(
                self.loss(self.read(whole, held, moves), plain, prefix, tokens), moves
            )
            moves = [
                move - self.options.step_size * gradient / self.length(gradient)
                for move, gradient in zip(moves, gradients, strict=True)
            ]
        with torch.no_grad():
            moved = self.read(whole, held, moves)
        fusion = self.options.fusion
        return (moved * fusion + plain * (1 - fusion)).log_softmax(-1)

    def embedded(self, tokens: list[list[int]]) -> Tensor:
        """(rows, length, width)."""
        numbers = torch.tensor(tokens, dtype=torch.long, device=self.model.device)
        vectors: Tensor = self.model.get_input_embeddings()(numbers)
        return vectors

    def length(self, gradient: Tensor) -> float:
        """What a gradient is divided by."""
        norm = max(float(gradient.norm()), self.options.norm_floor)
        return float(norm**self.options.norm_exponent)

    def read(self, whole: Tensor, held: list[Tensor], moves: list[Tensor]) -> Tensor:
        """Log probabilities after the last position, over keys and values that are moved."""
        moved = [tensor + move for tensor, move in zip(held, moves, strict=True)]
        cache = DynamicCache(list(zip(moved[::2], moved[1::2], strict=True)))
        out = self.model(inputs_embeds=whole[:, -1:], past_key_values=cache)
        scores: Tensor = out.logits[0, -1].log_softmax(-1)
        return scores

    def loss(self, log_p: Tensor, plain: Tensor, prefix: Tensor, tokens: list[int]) -> Tensor:
        """Equation 3."""
        if self.classified is None or self.options.rescore:
            candidates = log_p.detach().argsort(descending=True)[: self.options.candidates]
            self.classified = candidates, self.hear(prefix, tokens, candidates.tolist())
        candidates, heard = self.classified
        among = log_p[candidates]
        if self.options.loss == "expectation":
            verdict = -(among.softmax(-1) * heard.clamp(min=1e-6)).sum().log()
        else:
            if self.options.loss == "target":
                target = (heard / self.options.temperature).softmax(-1)
            else:
                weight = heard.clamp(min=1e-6).log() / self.options.temperature
                target = (plain[candidates] + weight).softmax(-1)
            verdict = -(target * among).sum()
        fluency = (log_p.exp() * (log_p - plain)).sum()
        return self.options.fluency_weight * fluency + self.options.classifier_weight * verdict

    def hear(self, prefix: Tensor, tokens: list[int], candidates: list[int]) -> Tensor:
        """P(label) of each candidate's caption, every one of them turned into text."""
        column = self.classifier.labels.index(self.options.label)
        found = []
        for said in self.looked_ahead(prefix, tokens, candidates):
            text = self.tokenizer.decode(said)
            heard = self.classifier.probabilities([text])[0, column] if text.strip() else 0.0
            found.append(min(self.options.enough, float(heard)))
        return torch.tensor(found, device=self.model.device)

    @torch.no_grad()
    def looked_ahead(
        self, prefix: Tensor, tokens: list[int], candidates: list[int]
    ) -> list[list[int]]:
        """How the captioner alone would end each, reading everything again for every token."""
        said = [[*tokens, token] for token in candidates]
        end = self.tokenizer.end
        for _ in range(self.options.lookahead):
            inputs = torch.cat([prefix.expand(len(said), -1, -1), self.embedded(said)], 1)
            newest = self.model(inputs_embeds=inputs).logits[:, -1].argmax(-1)
            said = [[*one, token] for one, token in zip(said, newest.tolist(), strict=True)]
            if all(end in one for one in said):
                break
        return [one[: one.index(end)] if end in one else one for one in said]


class Remembered:
    """A captioner with its prefixes computed once: what is heard is not what is tested here."""

    def __init__(self, captioner: Any, several: Sequence[Clip]) -> None:
        self.captioner = captioner
        self.tokenizer = captioner.tokenizer
        self.decoding = captioner.decoding
        with torch.no_grad():
            made = [captioner.open(several[i : i + 16]) for i in range(0, len(several), 16)]
        self.prefixes = {clip.id: row for clip, row in zip(several, torch.cat(made), strict=True)}

    def caption(self, clips: Sequence[Clip]) -> Any:
        return decode(self, clips, self.decoding)

    def open(self, clips: Sequence[Clip]) -> Tensor:
        return torch.stack([self.prefixes[clip.id] for clip in clips])

    def step(self, state: Any, tokens: Any, cache: Any) -> Any:
        return self.captioner.step(state, tokens, cache)


@dataclass(frozen=True)
class Tie:
    """Where two captions part: what either says next, and what the plain algorithm scores them."""

    clip: str
    plain: tuple[str, float]
    fast: tuple[str, float]

    def __str__(self) -> str:
        (ours, ours_score), (theirs, theirs_score) = self.plain, self.fast
        return f"{self.clip}: '{ours}' {ours_score:.7f}, '{theirs}' {theirs_score:.7f}"


@dataclass
class Comparison:
    """Captions of the plain algorithm and of the fast one; `ties` by batch size."""

    expected: dict[str, tuple[int, ...]] = field(default_factory=dict)
    ties: dict[int, list[Tie]] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """The most ties that any batch size had."""
        return max(map(len, self.ties.values()))


def compare(
    captioner: Any,
    classifier: Classifier,
    options: GuideOptions,
    several: Sequence[Clip],
    batches: Sequence[int],
    longest: int,
) -> Comparison:
    """Caption by the plain algorithm, and by the fast one in `batches`.

    A caption may differ from the plain one only from a tie on: a place where the plain algorithm
    itself puts the two tokens closer than `TIE`.
    """
    heard = Remembered(captioner, several)
    plain = Plain(captioner.model.language_model, captioner.tokenizer, classifier, options)
    found = Comparison({c.id: plain.caption(heard.open([c]), longest) for c in several})
    settings = Decoding(beams=1, max_tokens=longest)
    for size in batches:
        guide = ClassifierGuide(classifier, options)
        ties = found.ties[size] = []
        for start in range(0, len(several), size):
            batch = several[start : start + size]
            for clip, caption in zip(batch, decode(heard, batch, settings, [guide]), strict=True):
                expected = found.expected[clip.id]
                if caption.tokens != expected:
                    tie = parting(plain, heard.open([clip]), clip, expected, caption.tokens)
                    assert abs(tie.plain[1] - tie.fast[1]) < TIE, f"batches of {size}: {tie}"
                    print(f"a tie in batches of {size}: {tie}")
                    ties.append(tie)
    return found


def parting(
    plain: Plain, prefix: Tensor, clip: Clip, expected: Sequence[int], given: Sequence[int]
) -> Tie:
    """The first place where `given` is not `expected`, an end counted as a token."""
    end = plain.tokenizer.end
    pairs = list(zip([*expected, end], [*given, end], strict=False))
    place = next(number for number, (one, other) in enumerate(pairs) if one != other)
    scores = plain.allowed(prefix, list(expected[:place]))
    first, second = ((plain.tokenizer.decode([t]), float(scores[t])) for t in pairs[place])
    return Tie(clip.id, first, second)

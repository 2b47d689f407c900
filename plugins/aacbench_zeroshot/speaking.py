"""A frozen language model that goes on from a prompt: what both captioners here speak with.

Everything that a step needs is in its arguments: a row of the state holds its prompt, its sound,
and what it has said so far, so that rows can be picked and clips decoded together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from aacbench.decoding import Decoding
from aacbench.errors import BadOption
from aacbench.language_models import LanguageModel
from aacbench.perceiving import perceive
from aacbench.types import Clip, Encoder, Step, Tokenizer
from aacbench_zeroshot.options import SpeakingOptions

State = tuple[Tensor, Tensor, Tensor]
"""Prompt tokens (rows, prompt), NOTHING before the shorter ones; sounds (rows, dim), unit rows;
tokens said (rows, longest), NOTHING where none is yet."""

NOTHING = -1
NEVER = -1e4  # a score that nothing wins with, and that keeps sums and differences finite
SENTENCE_ENDS = (".", "!", "?")


class Telling:
    """A `Tokenizer` of captions: the language model's words, with or without the prompt."""

    def __init__(self, words: Tokenizer, prompt: str) -> None:
        self.words = words
        self.prompt = prompt
        self.end = words.end
        self.size = words.size
        self._before = words.encode(prompt) if prompt else []

    def encode(self, text: str) -> list[int]:
        """The tokens of a caption that `decode` gave."""
        before = self.decode(()) if self.prompt else ""
        return self.words.encode(" " + text.removeprefix(before).strip())

    def decode(self, tokens: Sequence[int]) -> str:
        return self.words.decode([*self._before, *tokens])


def pieces(words: Tokenizer) -> list[str]:
    """What each token adds to a text, its blank included; nothing, for tokens of no words."""
    (anchor, *_) = words.encode("a")
    return [words.decode([anchor, token])[1:] for token in range(words.size)]


class Manner:
    """Which tokens end a caption and which are never said."""

    def __init__(self, words: Tokenizer, own_end: int, options: SpeakingOptions) -> None:
        self.end = words.end
        texts = pieces(words)
        ends = {words.end}
        if options.end is not None:
            lines = (words.encode(line)[:1] for line in ("\n", "\n\n"))
            ends |= {own_end, *(token for line in lines for token in line)}
            starts = (text.lstrip(" \"'") for text in texts)
            ends |= {i for i, text in enumerate(starts) if text.startswith(SENTENCE_ENDS)}
        unfit = re.compile(options.forbidden)
        silent = {i for i, text in enumerate(texts) if not text.strip() or unfit.search(text)}
        if len(silent | ends) == words.size:
            raise BadOption(
                f"forbidden='{options.forbidden}' leaves the language model no token to say.",
                "Forbid less.",
            )
        self.ends = torch.tensor(sorted(ends))
        self.silent = torch.tensor([i in silent or i in ends for i in range(words.size)])
        self.bias = options.end_bias

    def to(self, device: torch.device) -> Manner:
        """The same, its tables where the language model is."""
        self.ends, self.silent = self.ends.to(device), self.silent.to(device)
        return self

    def __call__(self, scores: Tensor) -> Tensor:
        """(rows, vocabulary) logits: all ends put together into one, forbidden tokens out."""
        ended = scores[:, self.ends].logsumexp(-1) + self.bias
        spoken = scores.masked_fill(self.silent, NEVER)
        return torch.cat([spoken[:, : self.end], ended[:, None], spoken[:, self.end + 1 :]], 1)


class Speaker:
    """What a `GuidableCaptioner` is, as far as prompt and language model go."""

    def __init__(
        self, language_model: LanguageModel, encoder: Encoder, options: SpeakingOptions
    ) -> None:
        self.language_model = language_model
        self.encoder = encoder
        self.options = options
        own, end = language_model.words, options.end
        words: Any = own if end is None else own.with_end(end)
        self.words = words
        self.tokenizer: Tokenizer = Telling(words, options.prompt if options.keep_prompt else "")
        self.device = language_model.model.get_input_embeddings().weight.device
        self.manner = Manner(words, own.end, options).to(self.device)
        self.decoding = Decoding(
            beams=options.beams,
            max_tokens=options.max_tokens,
            min_tokens=options.min_tokens,
            length_penalty=options.length_penalty,
            keep=options.keep,
        )

    def prompts(self, clips: Sequence[Clip], sounds: Tensor) -> list[str]:
        """What the language model reads before each clip's caption."""
        return [self.options.context + self.options.prompt] * len(clips)

    def open(self, clips: Sequence[Clip]) -> State:
        """Prompts, sounds, and nothing said yet."""
        sounds = self.hear(clips)
        read = [self.words.encode(prompt) for prompt in self.prompts(clips, sounds)]
        longest = max(map(len, read), default=0)
        self._refuse_overflow(longest)
        padded = [[NOTHING] * (longest - len(tokens)) + tokens for tokens in read]
        prompt = torch.tensor(padded, device=self.device).reshape(len(clips), longest)
        said = torch.full((len(clips), self.options.max_tokens), NOTHING, device=self.device)
        return prompt, sounds, said

    def hear(self, clips: Sequence[Clip]) -> Tensor:
        """The clips' sounds, (clips, dim), rows of unit length."""
        heard = torch.from_numpy(perceive(self.encoder, clips))
        middle = getattr(self.encoder, "audio_mean", None) if self.options.centre else None
        if middle is not None:
            heard = torch.nn.functional.normalize(heard - torch.from_numpy(middle), dim=1)
        return heard.to(self.device)

    def step(self, state: State, tokens: Tensor | None, cache: Any) -> Step:
        """The next token's logits after the prompt, or after one more token.

        Without `tokens`, a `cache` holds all of the prompt but its last token, which is read again.
        """
        prompt = state[0]
        past = 0 if cache is None else int(cache.get_seq_length())
        if tokens is None:
            tokens = prompt if cache is None else prompt[:, -1:]
        else:
            self._note(state, tokens, past - prompt.shape[1])
        out = self.language_model.model(
            input_ids=tokens.clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **_placed(prompt, past, tokens.shape[1]),
        )
        scores = out.logits[:, -1, : self.words.size].float()
        place = past + tokens.shape[1] - prompt.shape[1]  # how many tokens were said
        return Step(self.chosen_by(scores, state, place), out.past_key_values)

    def chosen_by(self, scores: Tensor, state: State, place: int) -> Tensor:
        """The logits that words are chosen by, after `place` tokens were said."""
        return self.manner(self._less_of_the_same(scores, state[2], place))

    def _note(self, state: State, tokens: Tensor, place: int) -> None:
        """Write the newest token into what was said: every step writes its place before reading
        it, so a row that is taken again, or otherwise, tells the same."""
        said = state[2]
        if place < said.shape[1]:
            said[:, place] = tokens[:, 0]

    def _less_of_the_same(self, scores: Tensor, said: Tensor, place: int) -> Tensor:
        penalty = self.options.repetition_penalty
        if penalty == 1.0 or place == 0:
            return scores
        recent = said[:, max(0, place - self.options.repetition_window) : place]
        again = torch.zeros_like(scores, dtype=torch.bool)
        again.scatter_(1, recent.clamp(min=0), recent >= 0)
        lower = torch.where(scores > 0, scores / penalty, scores * penalty)
        return torch.where(again, lower, scores)

    def _refuse_overflow(self, prompt: int) -> None:
        room = self.language_model.positions - prompt
        if self.options.max_tokens > room:
            raise BadOption(
                f"max_tokens={self.options.max_tokens} does not fit: the language model reads "
                f"{self.language_model.positions} tokens, and the prompt takes {prompt}.",
                f"Give at most max_tokens={room}." if room > 0 else "Shorten the prompt.",
            )


def _placed(prompt: Tensor, past: int, new: int) -> dict[str, Tensor]:
    """What to leave out of attention, and each token's position, where prompts differ in length."""
    there = prompt != NOTHING
    if bool(there.all()):
        return {}
    more = there.new_ones(len(prompt), past + new - prompt.shape[1]) if past else there[:, :0]
    mask = torch.cat([there, more], 1)[:, : past + new].long()
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return {"attention_mask": mask, "position_ids": positions[:, -new:]}

"""Models of transformers as `GuidableCaptioner`: stepped token by token by aacbench's own loop.

`Merged` is for language models among whose embeddings the sound's stand, `Encoded` for decoders
that attend to an encoder of the sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

from aacbench.builtin.captioners.hf.asking import Question
from aacbench.builtin.captioners.hf.words import Words
from aacbench.decoding import Decoding, decode
from aacbench.errors import BadOption
from aacbench.types import Audio, Caption, Clip, Step, Tokenizer


class Merged:
    """The sound's embeddings within those of the prompt.

    Its state is embeddings, (clips, length, width), and which of them count, (clips, length):
    prompts end together, and what a shorter one lacks in front is masked and not counted, so no
    caption depends on who shares the batch.
    """

    def __init__(self, question: Question, words: Words, decoding: Decoding) -> None:
        self.question = question
        self.model = question.loaded.model
        self.tokenizer: Tokenizer = words
        self.words = words
        self.decoding = decoding
        # Of a prompt, the scores of its last position alone are wanted: all would be gigabytes.
        head = self.model.get_output_embeddings()
        self._hook = head.register_forward_pre_hook(_last_position)

    def close(self) -> None:
        """Give the model back as it was."""
        self._hook.remove()

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return decode(self, clips, self.decoding)

    def open(self, clips: Sequence[Clip]) -> tuple[Tensor, Tensor]:
        """Each clip's prompt with its sound in it; a clip is heard alone, and then laid beside
        the others."""
        prompts = [merged(self.model, self.question.inputs(clip))[0] for clip in clips]
        longest = max(len(prompt) for prompt in prompts)
        self._refuse_overflow(longest)
        embeds = prompts[0].new_zeros(len(prompts), longest, prompts[0].shape[-1])
        counts = torch.zeros(embeds.shape[:2], dtype=torch.long, device=embeds.device)
        for row, prompt in enumerate(prompts):
            embeds[row, longest - len(prompt) :] = prompt
            counts[row, longest - len(prompt) :] = 1
        return embeds, counts

    def step(self, state: tuple[Tensor, Tensor], tokens: Tensor | None, cache: Any) -> Step:
        """The next token's logits after the prompt, or after one more token."""
        embeds, counts = state
        if tokens is not None:
            read = {"input_ids": tokens}
        else:
            read = {"inputs_embeds": embeds if cache is None else embeds[:, -1:]}
        cache = DynamicCache() if cache is None else cache
        new = next(iter(read.values())).shape[1]
        said = cache.get_seq_length() + new - counts.shape[1]
        mask = torch.cat([counts, counts.new_ones(len(counts), said)], dim=1)
        places = (mask.cumsum(1) - 1).clamp(min=0)[:, -new:]
        out = self.model(
            **read, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True
        )
        logits = self.words.allowed(out.logits[:, -1].float(), tokens is None)
        return Step(logits, out.past_key_values)

    def _refuse_overflow(self, prompt: int) -> None:
        text = self.model.config.get_text_config()
        room = (getattr(text, "max_position_embeddings", None) or prompt + 10**6) - prompt
        if self.decoding.max_tokens > room:
            raise BadOption(
                f"max_tokens={self.decoding.max_tokens} does not fit: {self.question.loaded.name} "
                f"reads {prompt + room} positions, and prompt and sound take {prompt}.",
                f"Give at most max_tokens={max(room, 0)}, or shorter sounds.",
            )


class Encoded:
    """A decoder over an encoder of the sound, as Whisper's; its state is what the encoder gives,
    (clips, frames, width). `start` is what every answer begins with; the prompt is its end."""

    def __init__(self, question: Question, words: Words, decoding: Decoding) -> None:
        self.question = question
        self.model = question.loaded.model
        self.tokenizer: Tokenizer = words
        self.words = words
        self.decoding = decoding
        self.start = [*start_tokens(question.loaded), *words.encode(question.prompt)]
        room = self.model.config.max_target_positions - len(self.start)
        if decoding.max_tokens > room:
            raise BadOption(
                f"max_tokens={decoding.max_tokens} does not fit: {question.loaded.name} writes "
                f"{self.model.config.max_target_positions} tokens, {len(self.start)} of them the "
                "start.",
                f"Give at most max_tokens={max(room, 0)}.",
            )

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return decode(self, clips, self.decoding)

    def open(self, clips: Sequence[Clip]) -> Tensor:
        """What the encoder makes of each clip."""
        encoder = self.model.get_encoder()
        heard = [self.question.inputs(clip)["input_features"] for clip in clips]
        state: Tensor = torch.cat([encoder(one).last_hidden_state for one in heard])
        return state

    def step(self, state: Tensor, tokens: Tensor | None, cache: Any) -> Step:
        """The next token's logits after the start, or after one more token."""
        first = tokens is None
        if tokens is None:
            start = self.start if cache is None else self.start[-1:]
            tokens = torch.tensor([start] * len(state), device=state.device)
        if cache is None:
            cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        out = self.model(
            decoder_input_ids=tokens,
            encoder_outputs=(state,),
            past_key_values=cache,
            use_cache=True,
        )
        logits = self.words.allowed(out.logits[:, -1].float(), first)
        return Step(logits, out.past_key_values)


def start_tokens(loaded: Any) -> list[int]:
    """The tokens that an answer of Whisper's kind begins with: its start, English, transcribe and
    no times, which is what captioners were tuned with; a model of English alone knows no others."""
    settings = loaded.model.generation_config
    start = settings.decoder_start_token_id
    if start is None:
        start = loaded.model.config.decoder_start_token_id
    known = loaded.tokenizer.get_vocab()
    chosen = ("<|en|>", "<|transcribe|>") if getattr(settings, "is_multilingual", True) else ()
    signs = (*chosen, "<|notimestamps|>")
    return [start, *(known[sign] for sign in signs if sign in known)]


class _ReachedError(Exception):
    """The language model was reached, with these embeddings."""

    def __init__(self, embeds: Tensor) -> None:
        super().__init__("reached")
        self.embeds = embeds


def merged(model: Any, inputs: dict[str, Any]) -> Tensor:
    """What the language model inside `model` is given for `inputs`, (1, length, width): the model
    is run up to there, and no further."""

    def stop(module: Any, arguments: Any, named: dict[str, Any]) -> None:
        raise _ReachedError(named["inputs_embeds"])

    hook = language_model(model).register_forward_pre_hook(stop, with_kwargs=True)
    try:
        model(**inputs)
    except _ReachedError as reached:
        return reached.embeds
    finally:
        hook.remove()
    raise RuntimeError("the language model was not reached")


def language_model(model: Any) -> Any:
    """The language model that a model of sound and text is built around; None where there is none
    of its own."""
    base = getattr(model, "model", model)
    return getattr(base, "language_model", None) or getattr(model, "language_model", None)


def _last_position(module: Any, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (arguments[0][:, -1:],)


@torch.inference_mode()
def agrees(captioner: Merged) -> bool:
    """Whether stepping gives what the whole model gives for a second of noise and a word more."""
    loaded = captioner.question.loaded
    if language_model(loaded.model) is None:
        return False
    noise = torch.randn(loaded.rate, generator=torch.Generator().manual_seed(0)) / 10
    clip = Clip("noise", Audio(noise.numpy(), loaded.rate))
    try:
        inputs = captioner.question.inputs(clip)
        state = captioner.open([clip])
        first = captioner.step(state, None, None)
        token = first.scores.argmax(-1, keepdim=True)
        second = captioner.step(state, token, first.cache)
        more = {
            "input_ids": torch.cat([inputs["input_ids"], token], dim=1),
        }
        more["attention_mask"] = torch.ones_like(more["input_ids"])
        plain = [loaded.model(**inputs), loaded.model(**{**inputs, **more})]
    except (RuntimeError, TypeError, ValueError, KeyError, AttributeError, IndexError):
        return False
    wanted = [
        captioner.words.allowed(out.logits[:, -1].float(), place == 0)
        for place, out in enumerate(plain)
    ]
    found = [first.scores, second.scores]
    return all(
        torch.allclose(one, other, rtol=1e-2, atol=1e-2)
        for one, other in zip(wanted, found, strict=True)
    )

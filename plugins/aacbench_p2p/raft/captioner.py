"""`raft` at work: sounds with their captions, then the sound to caption, then words."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aacbench.decoding import Decoding, decode
from aacbench.errors import BadData, BadOption
from aacbench.language_models import find_folder
from aacbench.specs import Context
from aacbench.training import load_weights
from aacbench.types import Caption, Clip, Encoder, Example, Step
from aacbench_p2p.raft.hearing import Hearing, Shown
from aacbench_p2p.raft.language_model import identity, read_folder
from aacbench_p2p.raft.layout import NOTHING, Layout, padded
from aacbench_p2p.raft.model import RaftModel, joined
from aacbench_p2p.raft.options import RaftArchitecture, RaftOptions
from aacbench_p2p.raft.sampling import sampled
from aacbench_p2p.raft.words import LearntWords, ModelWords, Words

MOST = 10  # examples: what the paper goes up to (section 4.1)
BEAMS_SAMPLED = 4

State = tuple[Tensor, Tensor]


class Raft:
    """A `GuidableCaptioner` and an `ExampleCaptioner`.

    `heard_in` is the expression of its encoder, in whose space the retriever must look; None where
    the sounds of examples are heard anew.
    """

    max_examples = MOST

    def __init__(
        self,
        model: RaftModel,
        tokenizer: Words,
        hearing: Hearing,
        options: RaftOptions,
        context: Context | None = None,
    ) -> None:
        self.model = model.eval().requires_grad_(False)  # guides need no gradients of weights
        self.tokenizer = tokenizer
        self.heard_in = None if options.examples == "clips" else options.encoder
        self._hearing = hearing
        self._shown = Shown(hearing, options.examples, self._hear, context)
        self._layout = Layout(model.shape, tokenizer)
        self._options = options
        self.decoding = Decoding(
            beams=options.beams,
            max_tokens=options.max_tokens,
            min_tokens=options.min_tokens,
            length_penalty=options.length_penalty,
            keep=options.keep,
        )

    @classmethod
    def load(cls, path: Path, encoder: Encoder, options: RaftOptions, context: Context) -> Raft:
        """From a safetensors file written by `aacbench train raft`."""
        tensors, config = load_weights(path)
        if config.get("model") != "raft":
            raise BadData(
                f"{path} does not hold weights of raft.", "Train some: aacbench train raft"
            )
        shape = RaftArchitecture(**config["architecture"])
        hearing = Hearing(encoder, options.encoder, shape)
        words, language_model = recall(config, options, path)
        model = RaftModel(shape, words.size, 0.0, language_model)
        if config["adapted"]:
            model.adapt(config["head"])
        if config["ears"]:
            model.ears = copy.deepcopy(hearing.encoder.ears)
        model.load_own_state(tensors)
        return cls(model.to(context.device), words, hearing, options, context)

    def caption(
        self, clips: Sequence[Clip], examples: Sequence[Sequence[Example]] | None = None
    ) -> list[Caption]:
        if self._options.choose == "sample":
            return self._sample(clips, examples)
        return decode(self, clips, self.decoding, examples=examples)

    def open(
        self, clips: Sequence[Clip], examples: Sequence[Sequence[Example]] | None = None
    ) -> State:
        """What stands before the caption: (clips, length, width), and which of it counts,
        (clips, length) bools; shorter prefixes are filled up on the left."""
        several = [[] for _ in clips] if examples is None else [list(e) for e in examples]
        for own in several:
            _refuse_many(len(own))
        shown = self._shown.hear(several)
        heard = [
            [(frames, self._hearing.long(clip)), *theirs]
            for clip, frames, theirs in zip(clips, self._hear(clips), shown, strict=True)
        ]
        lines = []
        order: list[Tensor] = []
        for sounds, own in zip(heard, several, strict=True):
            vectors = [len(frames) * self.model.shape.tokens for frames, _ in sounds]
            captions = [self.tokenizer.encode(example.caption) for example in own]
            long = [is_long for _, is_long in sounds]
            lines.append(self._layout.prefix(vectors, captions, long).tokens)
            order += [frames for frames, _ in (*sounds[:0:-1], sounds[0])]
        device = self.model.connector.long.device
        tokens = padded(lines, NOTHING, left=True).to(device)
        frames = joined(order, self.model.shape.dim).to(device)
        return self.model.embed(tokens, self.model.hear(frames)), tokens != NOTHING

    def _hear(self, clips: Sequence[Clip]) -> list[Tensor]:
        """The frames of each clip, through the model's own ears where those were tuned."""
        if self.model.ears is None:
            return self._hearing.clips(clips)
        found = []
        for clip in clips:
            windows = self._hearing.windows([clip])
            found.append(windows.through(self.model.ears, self.model.shape.pool))
        return found

    def step(self, state: State, tokens: Tensor | None, cache: Any) -> Step:
        """The next token's logits after the prefix, or after one more token.

        Without `tokens`, a `cache` holds all of the prefix but its last vector, which is read
        again over it.
        """
        prefix, counts = state
        past = 0 if cache is None else cache.get_seq_length()
        new = 1 if cache is not None else prefix.shape[1]
        if tokens is not None:
            read = {"input_ids": tokens}
        else:
            read = {"inputs_embeds": prefix if cache is None else prefix[:, -1:]}
        said = counts.new_ones(len(counts), max(0, past + new - counts.shape[1]))
        mask = torch.cat([counts, said], 1).long()
        # A sound or word has the same position however much was filled up before it.
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -new:]
        out = self.model.language_model(
            **read,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return Step(out.logits[:, -1], out.past_key_values)

    def _sample(
        self, clips: Sequence[Clip], examples: Sequence[Sequence[Example]] | None
    ) -> list[Caption]:
        several = [None] * len(clips) if examples is None else [[one] for one in examples]
        with torch.inference_mode():
            return [
                sampled(
                    self.model.language_model,
                    self.tokenizer,
                    partial(self.open, [clip], own),
                    clip,
                    self._options,
                    self._options.beams or BEAMS_SAMPLED,
                )
                for clip, own in zip(clips, several, strict=True)
            ]


def recall(config: Any, options: RaftOptions, path: Path) -> tuple[Words, Any]:
    """The words of a weights file, and its language model unless that is a small one of its own."""
    below = config.get("language_model")
    if below is None:
        return LearntWords.unpacked(config["tokenizer"]), None
    if options.language_model is None:
        raise BadOption(
            f"{path} does not hold the language model that it was trained with.",
            f'Name it: "raft:paper(weights={path}, language_model=FOLDER)"',
        )
    folder = find_folder(options.language_model)
    words = ModelWords.read(folder)
    model = read_folder(folder, options.dtype)
    if (words.identity, identity(model)) != (below["words"], below["identity"]):
        raise BadData(
            f"{folder} holds another language model than {path} was trained with.",
            "Give the one that it was trained with: language_model=FOLDER",
        )
    return words, model


def _refuse_many(count: int) -> None:
    if count > MOST:
        raise BadOption(
            f"{count} examples are more than the {MOST} that raft is shown.",
            f"Ask the retriever for {MOST} or fewer.",
        )

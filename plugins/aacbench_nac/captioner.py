"""`nac` at work: the audio encoder takes the text encoder's place (Deshmukh et al., 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aacbench.decoding import Decoding, decode
from aacbench.errors import BadData, BadOption
from aacbench.perceiving import ImageEncoder, perceive
from aacbench.training import load_weights
from aacbench.types import Caption, Clip, Encoder, Example, Step
from aacbench_nac import clapcap, clipcap
from aacbench_nac.language_model import recall
from aacbench_nac.model import NacModel, architecture
from aacbench_nac.options import NacArchitecture, NacOptions
from aacbench_nac.published import load
from aacbench_nac.words import Words


class Nac:
    """A `GuidableCaptioner`: what is heard becomes a prefix, and words follow it.

    It is an `ExampleCaptioner` too: the captions of examples pull what is heard towards them.
    """

    max_examples = 100

    def __init__(
        self,
        model: NacModel,
        tokenizer: Words,
        encoder: Encoder | ImageEncoder,
        options: NacOptions,
        caption_mean: Tensor | None = None,
        unit: bool = True,
    ) -> None:
        self.model = model.eval().requires_grad_(False)  # guides need no gradients of weights
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.options = options
        self.unit = unit if options.unit is None else options.unit
        self.shift = self._shift(caption_mean) if options.centre else None
        _refuse_overflow(model.shape, options)
        self.decoding = Decoding(
            beams=options.beams,
            max_tokens=options.max_tokens,
            min_tokens=options.min_tokens,
            length_penalty=options.length_penalty,
            keep=options.keep,
        )

    @classmethod
    def load(
        cls, path: Path, encoder: Encoder | ImageEncoder, options: NacOptions, device: str
    ) -> Nac:
        """From a safetensors file of `aacbench train nac`, or clapcap's or ClipCap's public one."""
        tensors, config = read_weights(path)
        if config.get("model") != "nac":
            raise BadData(f"{path} does not hold weights of nac.", "Train some: aacbench train nac")
        shape = architecture(config)
        if encoder.dim != shape.dim:
            raise BadData(
                f"{path} was trained on embeddings of {shape.dim}, '{options.encoder}' gives "
                f"{encoder.dim}.",
                "Use an encoder of the training space, or train anew with this one.",
            )
        tokenizer, language_model = recall(config, options, path)
        borrowed = language_model is not None and config["language_model"]["weights"] is not None
        model = NacModel(shape, tokenizer.size, 0.0, language_model, borrowed)
        caption_mean = tensors.pop("caption_mean", None)
        model.load_own_state(tensors)
        unit = config.get("unit", True)
        return cls(model.to(device), tokenizer, encoder, options, caption_mean, unit)

    def _shift(self, caption_mean: Tensor | None) -> Tensor | None:
        """From the middle of what the encoder hears to the middle of the captions, (dim,)."""
        audio_mean = getattr(self.encoder, "audio_mean", None)
        if audio_mean is None or caption_mean is None:
            return None
        return caption_mean - torch.from_numpy(audio_mean)

    def caption(
        self, clips: Sequence[Clip], examples: Sequence[Sequence[Example]] | None = None
    ) -> list[Caption]:
        return decode(self, clips, self.decoding, examples=examples)

    def open(
        self, clips: Sequence[Clip], examples: Sequence[Sequence[Example]] | None = None
    ) -> Tensor:
        """The prefix of each clip, (clips, prefix, width)."""
        heard = torch.from_numpy(perceive(self.encoder, clips, self.unit))
        if self.shift is not None:
            heard = torch.nn.functional.normalize(heard + self.shift, dim=1)
        if examples is not None:
            heard = torch.stack(
                [self._with(row, shown) for row, shown in zip(heard, examples, strict=True)]
            )
        return self.model.prefix(heard.to(next(self.model.mapper.parameters()).device))

    def _with(self, heard: Tensor, examples: Sequence[Example]) -> Tensor:
        """What is heard, (dim,), mixed with the captions of its examples."""
        if not examples:
            return heard
        said = torch.from_numpy(self.encoder.embed_text([one.caption for one in examples]))
        scores = torch.tensor([one.score for one in examples], dtype=heard.dtype)
        told = (self.options.sharpness * scores).softmax(0) @ said
        told = torch.nn.functional.normalize(told, dim=0)
        share = self.options.examples
        length = 1.0 if self.unit else heard.norm()
        mixed = (1 - share) * heard + share * length * told
        return length * torch.nn.functional.normalize(mixed, dim=0)

    def step(self, state: Tensor, tokens: Tensor | None, cache: Any) -> Step:
        """The next token's logits after the prefix, or after one more token.

        Without `tokens`, a `cache` holds all of the prefix but its last vector, which is read
        again over it.
        """
        if tokens is not None:
            read = {"input_ids": tokens}
        else:
            read = {"inputs_embeds": state if cache is None else state[:, -1:]}
        # Of a whole prefix only the last position's scores are wanted.
        out = self.model.language_model(
            **read, past_key_values=cache, use_cache=True, logits_to_keep=1
        )
        return Step(out.logits[:, -1], out.past_key_values)


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by our names, and the configuration that came with them."""
    if path.suffix not in {".pth", ".pt"}:
        return load_weights(path)
    tensors = load(path)
    layout = clipcap if clipcap.fits(tensors) else clapcap
    return layout.from_tensors(tensors, path)


def _refuse_overflow(shape: NacArchitecture, options: NacOptions) -> None:
    room = shape.positions - shape.prefix
    if options.max_tokens > room:
        raise BadOption(
            f"max_tokens={options.max_tokens} does not fit: the language model reads "
            f"{shape.positions} positions, and the prefix takes {shape.prefix}.",
            f"Give at most max_tokens={room}.",
        )

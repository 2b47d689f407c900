"""`nac` at work: the audio encoder takes the text encoder's place (paper 001, section 2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from aacbench.decoding import Decoding, decode
from aacbench.errors import BadData
from aacbench.training import load_weights
from aacbench.types import Caption, Clip, Encoder, Step
from aacbench_nac.model import NacModel, architecture
from aacbench_nac.options import NacOptions
from aacbench_nac.words import CaptionTokenizer


class Nac:
    """A `GuidableCaptioner`: what is heard becomes a prefix, and words follow it."""

    def __init__(
        self,
        model: NacModel,
        tokenizer: CaptionTokenizer,
        encoder: Encoder,
        options: NacOptions,
        caption_mean: Tensor | None = None,
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.shift = self._shift(caption_mean) if options.centre else None
        self.decoding = Decoding(
            beams=options.beams,
            max_tokens=min(options.max_tokens, model.shape.positions - model.shape.prefix - 1),
            min_tokens=options.min_tokens,
            length_penalty=options.length_penalty,
            keep=options.keep,
        )

    @classmethod
    def load(cls, path: Path, encoder: Encoder, options: NacOptions, device: str) -> Nac:
        """From a safetensors file written by `aacbench train nac`."""
        tensors, config = load_weights(path)
        if config.get("model") != "nac":
            raise BadData(f"{path} does not hold weights of nac.", "Train some: aacbench train nac")
        shape = architecture(config)
        if encoder.dim != shape.dim:
            raise BadData(
                f"{path} was trained on embeddings of {shape.dim}, '{options.encoder}' gives "
                f"{encoder.dim}.",
                "Use an encoder of the training space, or train anew with this one.",
            )
        tokenizer = CaptionTokenizer.unpacked(config["tokenizer"])
        model = NacModel(shape, tokenizer.size)
        caption_mean = tensors.pop("caption_mean", None)
        model.load_own_state(tensors)
        return cls(model.to(device), tokenizer, encoder, options, caption_mean)

    def _shift(self, caption_mean: Tensor | None) -> Tensor | None:
        """From the middle of what the encoder hears to the middle of the captions, (dim,)."""
        audio_mean = getattr(self.encoder, "audio_mean", None)
        if audio_mean is None or caption_mean is None:
            return None
        return caption_mean - torch.from_numpy(audio_mean)

    def caption(self, clips: Sequence[Clip]) -> list[Caption]:
        return decode(self, clips, self.decoding)

    def open(self, clips: Sequence[Clip]) -> Tensor:
        """The prefix of each clip, (clips, prefix, width)."""
        heard = torch.from_numpy(self.encoder.embed_audio(clips))
        if self.shift is not None:
            heard = torch.nn.functional.normalize(heard + self.shift, dim=1)
        return self.model.prefix(heard.to(self.model.mapper.constant.device))

    def step(self, state: Tensor, tokens: Tensor | None, cache: object) -> Step:
        """The next token's logits after the prefix, or after one more token."""
        language_model = self.model.language_model
        if tokens is None:
            out = language_model(inputs_embeds=state, use_cache=True)
        else:
            out = language_model(input_ids=tokens, past_key_values=cache, use_cache=True)
        return Step(out.logits[:, -1], out.past_key_values)

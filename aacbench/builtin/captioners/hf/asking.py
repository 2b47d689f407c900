"""What a model is given for a clip: its sound at the model's rate, within its own prompt."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aacbench.audio import waveform
from aacbench.builtin.captioners.hf.loading import Loaded
from aacbench.errors import BadOption, PluginFault
from aacbench.types import Clip

SOUND = "{audio}"
SHORTEST = 0.1  # seconds; some ears make nothing at all of less, so silence follows it


@dataclass
class Question:
    """The prompt of a model, and how a clip is put into it.

    `text` is all that the model reads, with its sign for the sound in place. Where it is None the
    model takes no text beside the sound.
    """

    loaded: Loaded
    prompt: str
    system: str | None = None

    def __post_init__(self) -> None:
        self.text = None if self.loaded.hears_alone else self._text()
        takes = inspect.signature(self.loaded.listener.__call__).parameters
        self._rate = {"sampling_rate": self.loaded.rate} if "sampling_rate" in takes else {}

    def inputs(self, clip: Clip) -> dict[str, Any]:
        """The model's arguments for one clip, on its device and in its precision."""
        samples = waveform(clip, self.loaded.rate)
        lacking = round(SHORTEST * self.loaded.rate) - len(samples)
        if lacking > 0:
            samples = np.pad(samples, (0, lacking))
        if self.text is None:
            made = self.loaded.listener(samples, return_tensors="pt", **self._rate)
        else:
            made = self._beside_text(samples)
        model = self.loaded.model
        return {name: _placed(value, model.device, model.dtype) for name, value in made.items()}

    def _beside_text(self, samples: Any) -> Any:
        processor = self.loaded.processor
        try:
            return processor(text=[self.text], audio=[samples], return_tensors="pt", **self._rate)
        except (TypeError, ValueError) as reason:
            raise PluginFault(
                f"{self.loaded.name}: {type(processor).__name__} does not take a text and a sound "
                f"as others do: {reason}",
                "This kind of model is not supported; docs/hf.md names those that are.",
            ) from reason

    def _text(self) -> str:
        if SOUND in self.prompt:
            return self.prompt.replace(SOUND, self._placeholder())
        if getattr(self.loaded.processor, "chat_template", None) is None:
            raise BadOption(
                f"{self.loaded.name} has no chat template, so nobody knows how it is asked.",
                f"Write out all that it reads: prompt='{SOUND}Describe the sound:'.",
            )
        sign = self._sign()
        for content in (self._parts(), f"{sign or ''}{self.prompt}"):
            text = self._templated(content)
            if sign is None or sign in text:
                return text
        raise BadOption(
            f"{self.loaded.name}: its chat template leaves no place for a sound ({sign}).",
            f"Write out all that it reads: prompt='{SOUND}Describe the sound:'.",
        )

    def _parts(self) -> list[dict[str, str]]:
        parts = {"audio": {"type": "audio"}, "text": {"type": "text", "text": self.prompt}}
        return [parts[name] for name in self.loaded.family.order]

    def _templated(self, content: Any) -> str:
        turns = [{"role": "user", "content": content}]
        if self.system:
            turns.insert(0, {"role": "system", "content": self.system})
        text: str = self.loaded.processor.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=False
        )
        return text

    def _sign(self) -> str | None:
        """The token that stands for a sound."""
        return getattr(self.loaded.processor, "audio_token", None)

    def _placeholder(self) -> str:
        found = self.loaded.family.placeholder or self._sign()
        if found is None:
            raise BadOption(
                f"{self.loaded.name} does not say what stands for a sound in its prompt.",
                f"Leave {SOUND} out of the prompt.",
            )
        return found


def _placed(value: Any, device: Any, dtype: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return value.to(device, dtype) if torch.is_floating_point(value) else value.to(device)

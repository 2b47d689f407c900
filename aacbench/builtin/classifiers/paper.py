"""`audibility:paper`: a transformer with a head for two kinds, from a folder in the hub's layout.

Shaulov et al. fine-tune distilbert-base-uncased and gave out no weights, so the folder is one
that `aacbench train classifier --preset paper` wrote, or anybody's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from aacbench.errors import BadData, BadOption

if TYPE_CHECKING:
    import numpy.typing as npt

HEAD = "ForSequenceClassification"
CHUNK = 64
LONGEST = 128  # tokens that are read
NAMELESS = re.compile(r"LABEL_\d+")


class TransformerClassifier:
    """`Classifier` over a transformer; one column an output, in the model's order."""

    def __init__(
        self, model: Any, tokenizer: Any, labels: tuple[str, ...], device: str = "cpu"
    ) -> None:
        self.labels = labels
        self.held_out: dict[str, Any] | None = None
        self._model = model.eval().requires_grad_(False).to(device)
        self._tokenizer = tokenizer
        self._device = device

    @torch.inference_mode()
    def probabilities(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """(texts, labels), rows sum to 1."""
        found = np.zeros((len(texts), len(self.labels)), np.float32)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), CHUNK):
            chosen = order[start : start + CHUNK]
            batch = tokens(self._tokenizer, [texts[place] for place in chosen], LONGEST)
            logits = self._model(**{name: t.to(self._device) for name, t in batch.items()}).logits
            found[chosen] = logits.double().softmax(1).float().cpu().numpy()
        return found


def tokens(tokenizer: Any, texts: Sequence[str], longest: int) -> dict[str, Any]:
    """Numbers and mask, (texts, tokens), cut to `longest` tokens and to what the model takes."""
    longest = min(longest, tokenizer.model_max_length)
    batch = tokenizer(
        list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt"
    )
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


def load_folder(
    folder: Path, labels: tuple[str, ...] | None, device: str = "cpu"
) -> TransformerClassifier:
    """The classifier in a folder with config.json, weights and tokenizer.

    Raises BadData where there is no head for classes, and BadOption where nobody names its outputs.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        headed = any(name.endswith(HEAD) for name in config.architectures or ())
        if not headed:
            raise BadData(
                f"{folder} holds a model without a head for classes.",
                f"Fine-tune it: aacbench train classifier --preset paper --base '{folder}'",
            )
        model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise BadData(
            f"{folder} cannot be read as a transformer: {str(error).splitlines()[0]}",
            "It needs config.json, model.safetensors and the tokenizer's files.",
        ) from error
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise BadData(f"{folder}: '{name}' holds NaN or infinity.", "Fetch or train it anew.")
    return TransformerClassifier(model, tokenizer, _named(folder, config, labels), device)


def _named(folder: Path, config: Any, labels: tuple[str, ...] | None) -> tuple[str, ...]:
    known = tuple(config.id2label[number] for number in range(config.num_labels))
    if labels is None and any(NAMELESS.fullmatch(name) for name in known):
        raise BadOption(
            f"{folder} does not say what its {len(known)} outputs mean.",
            "Name them in their order: labels=[audible, inaudible], or the other way round.",
        )
    if labels is not None and len(labels) != len(known):
        raise BadOption(f"{folder} has {len(known)} outputs, not {len(labels)}.", "Name each.")
    return labels or known

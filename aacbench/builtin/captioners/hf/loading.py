"""A folder -> a model of transformers that hears and speaks, with its processor, or why it is none.

No code but transformers' own is run (`trust_remote_code` stays off), and no pickle is opened.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.models.auto import modeling_auto

from aacbench.builtin.captioners.hf.families import Family, family
from aacbench.builtin.captioners.hf.finding import weight_files
from aacbench.errors import AacbenchError, BadData, BadOption, MissingRequirement
from aacbench.language_models.loading import no_progress_bar

MAPPINGS = ("SPEECH_SEQ_2_SEQ", "MULTIMODAL_LM", "SEQ_TO_SEQ_CAUSAL_LM")
WIDTHS = {"float32": 4, "bfloat16": 2, "float16": 2}  # bytes


@dataclass(frozen=True)
class Loaded:
    """A model in evaluation mode, frozen, on its device; `rate` is what its ears want, in hertz.

    `name` is what messages call it, `architecture` the class that its config.json names.
    """

    model: Any
    processor: Any
    family: Family
    rate: int
    name: str
    architecture: str | None

    @property
    def listener(self) -> Any:
        """What turns samples into features."""
        return _part(self.processor, ("feature_extractor", "audio_processor"))

    @property
    def tokenizer(self) -> Any:
        """What turns text into tokens."""
        return self.processor.tokenizer

    @property
    def prompt(self) -> str:
        """What this model is asked by default."""
        return self.family.asked(self.architecture)

    @property
    def hears_alone(self) -> bool:
        """Whether no text goes in beside the sound: its decoder is apart from what hears."""
        return bool(self.model.config.is_encoder_decoder)


def load(
    folder: Path, name: str, device: str, precision: str = "auto", attention: str = "auto"
) -> Loaded:
    """The model in `folder`, called `name` in messages.

    Raises `BadData` for what is no model that hears and speaks, or lacks tensors, and `BadOption`
    where the device cannot hold it.
    """
    config = _config(folder, name)
    kind = family(config.model_type)
    made = _class_of(kind, config.model_type, name)
    processor = _processor(folder, name)
    _refuse_too_large(folder, name, device, precision)
    rate = _rate(processor, name)
    model = _model(made, folder, name, precision, attention)
    written = (config.architectures or [None])[0]
    try:
        model = model.to(device)
    except torch.OutOfMemoryError as reason:
        raise BadOption(f"{name} does not fit on {device}.", "Give precision=bfloat16.") from reason
    return Loaded(model.eval().requires_grad_(False), processor, kind, rate, name, written)


def _config(folder: Path, name: str) -> Any:
    try:
        return transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as reason:
        if "trust_remote_code" in str(reason):
            raise BadData(
                f"{name} asks for Python code of its own to be run, which aacbench never does.",
                "Write a captioner around it: aacbench show --contract captioners",
            ) from reason
        raise BadData(
            f"{name}: transformers {transformers.__version__} cannot read its config.json: "
            f"{_first_line(reason)}",
            "A newer transformers may: pip install -U transformers",
        ) from reason


def _class_of(kind: Family, model_type: str, name: str) -> Any:
    """transformers' class for it: the table's, else that of the first mapping that has one."""
    named = kind.class_name
    for mapping in MAPPINGS:
        known: Mapping[str, str] = getattr(modeling_auto, f"MODEL_FOR_{mapping}_MAPPING_NAMES", {})
        named = named or known.get(model_type)
    if named is None:
        raise BadData(
            f"{name} is of the kind '{model_type}', for which transformers "
            f"{transformers.__version__} has no class that hears and writes text.",
            "Choose an audio-language or audio-captioning model: docs/hf.md names some.",
        )
    try:
        return getattr(transformers, named)
    except (AttributeError, ImportError) as reason:
        raise MissingRequirement(
            f"{name} needs {named}, which transformers {transformers.__version__} does not offer "
            f"here: {_first_line(reason)}",
            "Type: pip install -U transformers",
        ) from reason


def _processor(folder: Path, name: str) -> Any:
    try:
        found = transformers.AutoProcessor.from_pretrained(folder, local_files_only=True)
    except ImportError as reason:
        raise MissingRequirement(
            f"{name}: its processor needs a package that is not here: {_first_line(reason)}",
            "Install the package that this names.",
        ) from reason
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as reason:
        raise BadData(
            f"{name} has no processor that can be read: {_first_line(reason)}",
            "Put preprocessor_config.json and the tokenizer's files of its release beside it.",
        ) from reason
    listener = _part(found, ("feature_extractor", "audio_processor"))
    if listener is None or _part(found, ("tokenizer",)) is None:
        lacks = "tokenizer" if listener is not None else "feature extractor for sound"
        raise BadData(
            f"{name} hears nothing or says nothing: its processor ({type(found).__name__}) has no "
            f"{lacks}.",
            "Put preprocessor_config.json and the tokenizer's files of its release beside it, or "
            "choose a model that takes sound.",
        )
    return found


def _part(processor: Any, names: tuple[str, ...]) -> Any:
    return next((part for name in names if (part := getattr(processor, name, None))), None)


def _rate(processor: Any, name: str) -> int:
    listener = _part(processor, ("feature_extractor", "audio_processor"))
    rate = getattr(listener, "sampling_rate", None)
    if rate is None:  # Granite's keeps it among the arguments of its spectrogram
        rate = getattr(listener, "melspec_kwargs", {}).get("sample_rate")
    if rate is None:
        raise BadData(
            f"{name}: its {type(listener).__name__} does not say at what rate it hears.",
            "Put sampling_rate into its preprocessor_config.json.",
        )
    return int(rate)


def _refuse_too_large(folder: Path, name: str, device: str, precision: str) -> None:
    """Raise `BadOption` before a model is read that the device cannot hold."""
    need = tensor_bytes(weight_files(folder), precision)
    room = _memory(device)
    if need > room:
        raise BadOption(
            f"{name} needs {need / 1e9:.1f} GB for its weights alone; {device} has "
            f"{room / 1e9:.1f} GB.",
            "Give precision=bfloat16, another --device, or choose a smaller model.",
        )


def tensor_bytes(files: list[Path], precision: str) -> int:
    """What the tensors of some safetensors files take in memory."""
    from safetensors import safe_open

    total = 0
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            names = tensors.keys()
            for key in names:
                view = tensors.get_slice(key)
                width = WIDTHS.get(precision) or (4 if view.get_dtype() == "F32" else 2)
                count = 1
                for length in view.get_shape():
                    count *= length
                total += count * width
    return total


def _memory(device: str) -> int:
    """Bytes: what is free on a GPU, all that a computer has for its processor."""
    if torch.device(device).type == "cuda":
        free: int = torch.cuda.mem_get_info(torch.device(device))[0]
        return free
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _model(made: Any, folder: Path, name: str, precision: str, attention: str) -> Any:
    more = {} if attention == "auto" else {"attn_implementation": attention}
    try:
        with no_progress_bar():
            model, report = made.from_pretrained(
                folder,
                dtype="auto" if precision == "auto" else getattr(torch, precision),
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                **more,
            )
    except ImportError as reason:
        raise MissingRequirement(
            f"{name} needs a package that is not here: {_first_line(reason)}",
            "Install the package that this names.",
        ) from reason
    except AacbenchError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError) as reason:
        raise BadData(
            f"{name} cannot be read as {made.__name__}: {_first_line(reason)}",
            "Fetch it anew, or choose another model.",
        ) from reason
    wrong = sorted(map(str, (*report["missing_keys"], *report["mismatched_keys"])))
    if wrong:
        raise BadData(
            f"{name} lacks {len(wrong)} tensors of {made.__name__}, such as {wrong[0]}: what is "
            "missing would be random.",
            "Fetch it anew, or choose a model of the kind that its config.json says.",
        )
    return model


def _first_line(reason: Exception) -> str:
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0][:300]

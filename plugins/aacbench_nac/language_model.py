"""GPT-2 under the mapping network: made small from nothing, or read from a folder and known again.

A mapping network that was trained over a frozen language model is worth nothing over another, so
its file records which one it was, by the bytes of its tensors and of its words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel
from transformers.utils import logging

from aacbench.assets import assets_folders
from aacbench.errors import BadData, BadOption, MissingAsset
from aacbench_nac.options import NacArchitecture, NacOptions
from aacbench_nac.words import CaptionTokenizer, Gpt2Tokenizer, Words

SETTINGS = (
    "vocab_size",
    "n_positions",
    "n_embd",
    "n_layer",
    "n_head",
    "n_inner",
    "activation_function",
    "layer_norm_epsilon",
    "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx",
    "reorder_and_upcast_attn",
)
"""What of a `GPT2Config` decides what the same tensors compute."""


def small(shape: NacArchitecture, vocabulary: int, dropout: float) -> GPT2LMHeadModel:
    """A language model with nothing learnt yet."""
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary,
            n_positions=shape.positions,
            n_embd=shape.width,
            n_layer=shape.layers,
            n_head=shape.heads,
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


def find_folder(named: Path) -> Path:
    """A folder by its path, or else by its name among the assets (``gpt2``)."""
    looked = [named.expanduser(), *(folder / named for folder in assets_folders())]
    for folder in looked:
        if folder.is_dir():
            return folder
    raise MissingAsset(
        f"There is no language model '{named}': looked for {', '.join(map(str, looked))}.",
        "aacbench data fetch gpt2, or give a GPT-2 folder: language_model=FOLDER",
    )


def read_folder(folder: Path, dropout: float = 0.0) -> GPT2LMHeadModel:
    """GPT-2 as transformers stores it, in float32; another architecture is refused by name."""
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    except (OSError, ValueError, KeyError) as reason:
        raise BadData(
            f"{folder} holds no language model: its config.json cannot be read ({reason}).",
            "Give a folder with GPT-2's config.json and model.safetensors.",
        ) from reason
    if kind != "gpt2":
        raise BadData(f"{folder} holds a model of type '{kind}'.", "Give a GPT-2 folder.")
    dropouts = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), dropout)
    try:
        with _no_progress_bar():
            model, report = GPT2LMHeadModel.from_pretrained(
                folder,
                dtype=torch.float32,
                local_files_only=True,
                output_loading_info=True,
                **dropouts,
            )
    except OSError as reason:
        raise BadData(
            f"{folder} holds no weights of a language model.",
            "Put GPT-2's model.safetensors there.",
        ) from reason
    if report["missing_keys"] or report["mismatched_keys"]:
        wrong = sorted(map(str, (*report["missing_keys"], *report["mismatched_keys"])))
        raise BadData(f"{folder} lacks tensors of GPT-2: {', '.join(wrong)}.", "Fetch it anew.")
    return model


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def settings_of(model: GPT2LMHeadModel) -> dict[str, Any]:
    """Enough of its configuration to build it again."""
    return {name: getattr(model.config, name) for name in SETTINGS}


def identity(model: GPT2LMHeadModel) -> str:
    """The sha256 of its settings and of its tensors as float32; the files' format plays no part."""
    digest = hashlib.sha256(json.dumps(settings_of(model), sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        if name != "lm_head.weight":  # the same tensor as the embedding
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().data)
    return digest.hexdigest()


def record(
    model: GPT2LMHeadModel, words: Gpt2Tokenizer, end: str, borrowed: bool
) -> dict[str, Any]:
    """What a weights file says of the language model below it; `borrowed`: it is not inside."""
    return {
        "settings": settings_of(model),
        "weights": identity(model) if borrowed else None,
        "tokenizer": words.identity,
        "end": end,
    }


def recall(
    config: Mapping[str, Any], options: NacOptions, path: Path
) -> tuple[Words, GPT2LMHeadModel | None]:
    """The words of a weights file, and its language model unless that is a small one of its own.

    Where the file at `path` holds the tensors, the model is returned empty, to be filled.
    """
    below = config.get("language_model")
    if below is None:
        return CaptionTokenizer.unpacked(config["tokenizer"]), None
    if options.language_model is None:
        what = "the language model and its words" if below["weights"] else "the words"
        raise BadOption(
            f"{path} does not hold {what} that it was trained with.",
            f'Name their GPT-2 folder: "nac:paper(weights={path}, language_model=FOLDER)"',
        )
    folder = find_folder(options.language_model)
    words = Gpt2Tokenizer.read(folder, options.end or below["end"])
    _same("tokenizer", below["tokenizer"], words.identity, folder, path)
    if below["weights"] is None:
        model = GPT2LMHeadModel(GPT2Config(**below["settings"]))
    else:
        model = read_folder(folder)
        _same("language model", below["weights"], identity(model), folder, path)
    fitting(words, model, folder)
    return words, model


def fitting(words: Gpt2Tokenizer, model: GPT2LMHeadModel, folder: Path) -> None:
    """Refuse words that the model has no row for."""
    rows = model.config.vocab_size
    if words.size > rows or words.end >= rows:
        raise BadData(
            f"The tokenizer in {folder} has {words.size} words, its language model {rows}.",
            "Put the tokenizer and the language model of one release there.",
        )


def _same(what: str, wanted: str | None, found: str, folder: Path, path: Path) -> None:
    if wanted is not None and found != wanted:
        raise BadData(
            f"{folder} holds another {what} than {path} was trained with: its sha256 is "
            f"{found[:16]}, not {wanted[:16]}.",
            "Give the folder it was trained with: language_model=FOLDER",
        )

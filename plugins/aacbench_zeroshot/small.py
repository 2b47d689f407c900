"""A small language model of captions: its words, its file, and how it is read again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel

from aacbench.errors import BadData, BadOption
from aacbench.language_models import LanguageModel
from aacbench.training import load_weights

END = "<end>"
HEAD = "lm_head.weight"  # tied to the embedding


class SmallWords:
    """Byte-pair pieces of lower-cased captions; a caption comes back with a capital."""

    def __init__(self, tokenizer: Tokenizer, end: str = END) -> None:
        self._tokenizer = tokenizer
        self.size: int = tokenizer.get_vocab_size()
        tokens = self.encode(end)
        if not tokens:
            raise BadOption(f"end: '{end}' has no token.", f"For example end={END}.")
        self.end: int = tokens[0]

    @classmethod
    def learn(cls, captions: Iterable[str], vocabulary: int) -> SmallWords:
        """At most `vocabulary` pieces, learnt from `captions`."""
        tokenizer = Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=[END], show_progress=False
        )
        tokenizer.train_from_iterator(captions, trainer)
        return cls(tokenizer)

    @classmethod
    def read(cls, written: str) -> SmallWords:
        """The inverse of `written`."""
        return cls(Tokenizer.from_str(written))

    def written(self) -> str:
        """All of it as JSON."""
        return str(self._tokenizer.to_str())

    @property
    def identity(self) -> str:
        """The sha256 of the pieces."""
        return hashlib.sha256(self.written().encode()).hexdigest()

    def with_end(self, text: str) -> SmallWords:
        """The same words; the first token of `text` ends a caption."""
        return SmallWords(self._tokenizer, text)

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(" ".join(text.split())).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        text = " ".join(self._tokenizer.decode(list(tokens), skip_special_tokens=True).split())
        return text[:1].upper() + text[1:]


def make_small(sizes: Mapping[str, int], dropout: float = 0.0) -> GPT2LMHeadModel:
    """A GPT-2 of these sizes with nothing learnt yet."""
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=sizes["vocabulary"],
            n_positions=sizes["positions"],
            n_embd=sizes["width"],
            n_layer=sizes["layers"],
            n_head=sizes["heads"],
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


def read_small(path: Path, device: str = "cpu", dtype: str = "float32") -> LanguageModel:
    """From a safetensors file that `aacbench train zeroshot` wrote."""
    tensors, config = load_weights(path)
    if config.get("model") != "zeroshot":
        raise BadData(
            f"{path} does not hold a language model of zeroshot.",
            "Give a folder as transformers writes it, or train one: aacbench train zeroshot",
        )
    model = make_small(config["sizes"])
    tensors[HEAD] = tensors["transformer.wte.weight"]
    model.load_state_dict(tensors)
    model.tie_weights()
    model = model.to(device, getattr(torch, dtype)).eval().requires_grad_(False)
    words: Any = SmallWords.read(config["words"])
    return LanguageModel(path.stem, path.parent, model, words)

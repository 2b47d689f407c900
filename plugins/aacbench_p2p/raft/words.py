"""What captions are spelt with: pieces learnt from them, or a language model's own."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from aacbench.errors import BadData

END = "<end>"


class Words(Protocol):
    """A `Tokenizer` of aacbench; `start` is the token that a text begins with."""

    start: int
    end: int
    size: int

    def encode(self, text: str) -> list[int]: ...

    def decode(self, tokens: Sequence[int]) -> str: ...


class LearntWords:
    """Byte-pair pieces learnt from captions: lower case within, a capital at a caption's start.

    One token begins a text and ends it.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.end: int = tokenizer.token_to_id(END)
        self.start = self.end
        self.size: int = tokenizer.get_vocab_size(with_added_tokens=True)

    @classmethod
    def learn(cls, captions: Iterable[str], vocabulary: int) -> LearntWords:
        """At most `vocabulary` pieces."""
        tokenizer = Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=[END], show_progress=False
        )
        tokenizer.train_from_iterator(captions, trainer)
        return cls(tokenizer)

    def packed(self) -> str:
        """All of it as a short string, small enough for the header of a weights file."""
        told = json.dumps(json.loads(self._tokenizer.to_str()), sort_keys=True)
        return base64.b85encode(zlib.compress(told.encode(), 9)).decode("ascii")

    @classmethod
    def unpacked(cls, text: str) -> LearntWords:
        """The inverse of `packed`."""
        return cls(Tokenizer.from_str(zlib.decompress(base64.b85decode(text)).decode()))

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(" ".join(text.split())).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        text = " ".join(self._tokenizer.decode(list(tokens)).split())
        return text[:1].upper() + text[1:]


class ModelWords:
    """The words of a language model in a folder, by transformers.

    Public code adds a piece for padding; nothing here is padded by a piece, so none is needed.
    """

    def __init__(self, tokenizer: Any, folder: Path) -> None:
        end = tokenizer.eos_token_id
        if end is None:
            raise BadData(
                f"The tokenizer in {folder} names no token that ends a text.",
                "Put eos_token into its tokenizer_config.json.",
            )
        self._tokenizer = tokenizer
        self.end: int = end
        self.start: int = end if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        self.size: int = len(tokenizer)
        vocabulary = json.dumps(sorted(tokenizer.get_vocab().items()))
        self.identity = hashlib.sha256(vocabulary.encode()).hexdigest()

    @classmethod
    def read(cls, folder: Path) -> ModelWords:
        """From a folder as transformers writes it."""
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as reason:
            raise BadData(
                f"The tokenizer in {folder} cannot be read: {reason}.",
                "Put the tokenizer files of the language model there.",
            ) from reason
        return cls(tokenizer, folder)

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def decode(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True)).strip()

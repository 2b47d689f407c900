"""A language model's own words, as aacbench's `Tokenizer`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aacbench.decoding.spelling import Spelling, tidied
from aacbench.errors import BadData, BadOption


class ModelWords:
    """The tokenizer of a folder, by transformers.

    `end` is the token that ends a caption: the first token of a text that may be chosen (``"."``,
    ``"<|im_end|>"``), else the model's own end of text. `identity` is the sha256 of the vocabulary.
    """

    def __init__(self, tokenizer: Any, end: str | None = None) -> None:
        self._tokenizer = tokenizer
        self.end: int = tokenizer.eos_token_id if end is None else self._first(end)
        self.size: int = len(tokenizer)
        if _byte_level(tokenizer):  # what guides ask for, at a tenth of the time
            self.continuations = Spelling(self._raw).continuations

    @classmethod
    def read(cls, folder: Path, end: str | None = None) -> ModelWords:
        """From a folder as transformers writes it; `BadData` where it holds no words."""
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as reason:
            raise BadData(
                f"The tokenizer in {folder} cannot be read: {reason}.",
                "Put the tokenizer files of the language model there.",
            ) from reason
        if end is None and tokenizer.eos_token_id is None:
            raise BadData(
                f"The tokenizer in {folder} names no token that ends a text.",
                "Put eos_token into its tokenizer_config.json.",
            )
        return cls(tokenizer, end)

    @property
    def identity(self) -> str:
        vocabulary = json.dumps(sorted(self._tokenizer.get_vocab().items()))
        return hashlib.sha256(vocabulary.encode()).hexdigest()

    @property
    def start(self) -> int | None:
        """The token that the model expects before a text, where it expects one."""
        first: int | None = self._tokenizer.bos_token_id
        return first

    def with_end(self, text: str) -> ModelWords:
        """The same words; the first token of `text` ends a caption."""
        return ModelWords(self._tokenizer, text)

    def _first(self, text: str) -> int:
        tokens = self.encode(text)
        if not tokens:
            raise BadOption("end: an empty text has no token.", "For example: end=.")
        return tokens[0]

    def encode(self, text: str) -> list[int]:
        """Token numbers of a text as it stands; nothing is put before or after it."""
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def decode(self, tokens: Sequence[int]) -> str:
        """A caption: special tokens left out, blanks made single, the first letter a capital."""
        return tidied(self._raw(list(tokens)))

    def _raw(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))


def _byte_level(tokenizer: Any) -> bool:
    """Whether its text is that of its pieces, one after the other."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or getattr(tokenizer, "clean_up_tokenization_spaces", False):
        return False
    decoder = json.loads(backend.to_str())["decoder"]
    return decoder is not None and decoder["type"] == "ByteLevel"

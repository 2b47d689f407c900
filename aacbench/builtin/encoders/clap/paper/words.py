"""Text to token numbers for the text towers: the byte-pair pieces of GPT-2 and of RoBERTa.

Both cut text into the same pieces and number them otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from aacbench.errors import BadData, MissingAsset

FILES = ("vocab.json", "merges.txt")
ROBERTA_LENGTH = 77


class Pieces:
    """Byte-pair pieces, from ``tokenizer.json`` or from ``vocab.json`` with ``merges.txt``."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._tokenizer = _read(files)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._where = files[0]

    def encode(self, text: str) -> list[int]:
        """The pieces' numbers, without any mark of start or end."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def number(self, piece: str) -> int:
        """The number of one piece."""
        number: int | None = self._tokenizer.token_to_id(piece)
        if number is None:
            raise BadData(
                f"{self._where} has no piece {piece!r}", "Take the tokenizer that the model names."
            )
        return number


def tokenizer_files(path: Path) -> tuple[Path, ...]:
    """The files of a tokenizer that `path` names: a ``tokenizer.json``, or the folder of one."""
    if path.is_file():
        return (path,)
    if (path / "tokenizer.json").is_file():
        return (path / "tokenizer.json",)
    files = tuple(path / name for name in FILES)
    if all(file.is_file() for file in files):
        return files
    raise MissingAsset(
        f"{path} holds neither tokenizer.json nor {' and '.join(FILES)}",
        "Name a tokenizer's folder: clap:paper@file(path=..., tokenizer=FOLDER).",
    )


class GptWords:
    """Text for MS-CLAP: each ends with a space and the end of text, as the model was trained."""

    END = "<|endoftext|>"

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._end = pieces.number(self.END)

    def encode(self, text: str) -> list[int]:
        """The token numbers of a text, which is not cut."""
        return [*self._pieces.encode(f"{text} "), self._end]


class RobertaWords:
    """Text for LAION-CLAP, cut to 77 tokens with the marks of start and end."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._start, self._end = pieces.number("<s>"), pieces.number("</s>")

    def encode(self, text: str) -> list[int]:
        """The token numbers of a text."""
        return [self._start, *self._pieces.encode(text)[: ROBERTA_LENGTH - 2], self._end]


def _read(files: Sequence[Path]) -> Tokenizer:
    try:
        if len(files) == 1:
            return Tokenizer.from_file(str(files[0]))
        vocab, merges = (str(file) for file in files)
        tokenizer = Tokenizer(models.BPE.from_file(vocab, merges))
    except Exception as reason:  # the library raises nothing narrower
        raise BadData(
            f"{files[0]} cannot be read as a tokenizer: {reason}", "Fetch it again."
        ) from reason
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer

"""What captions are spelt with: pieces learnt from them, or GPT-2's own."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from aacbench.decoding.spelling import Spelling, tidied
from aacbench.errors import BadData, BadOption, MissingAsset

END = "<end>"
END_OF_TEXT = "<|endoftext|>"


class Words(Protocol):
    """A `Tokenizer` of aacbench: `end` is the token that ends a caption, `size` the vocabulary."""

    end: int
    size: int

    def encode(self, text: str) -> list[int]: ...

    def decode(self, tokens: Sequence[int]) -> str: ...


class CaptionTokenizer:
    """Lower-cases on the way in; on the way out a caption starts with a capital."""

    def __init__(self, alphabet: Sequence[str], merges: Sequence[tuple[str, str]]) -> None:
        # Pieces are numbered as the trainer numbers them: the end, letters, then merges in order.
        pieces = dict.fromkeys([END, *alphabet, *("".join(pair) for pair in merges)])
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        self._alphabet = list(alphabet)
        self._merges = [tuple(pair) for pair in merges]
        self._tokenizer = _prepared(models.BPE(vocabulary, self._merges))
        self._tokenizer.add_special_tokens([END])
        self._spelling = Spelling(self._tokenizer.decode)
        self.end: int = vocabulary[END]
        self.size: int = len(vocabulary)

    def packed(self) -> str:
        """All of it as a short string, small enough for the header of a weights file."""
        content = json.dumps([self._alphabet, self._merges], ensure_ascii=False)
        return base64.b85encode(zlib.compress(content.encode(), 9)).decode("ascii")

    @classmethod
    def unpacked(cls, text: str) -> CaptionTokenizer:
        """The inverse of `packed`."""
        alphabet, merges = json.loads(zlib.decompress(base64.b85decode(text)))
        return cls(alphabet, [tuple(pair) for pair in merges])

    @classmethod
    def learn(cls, captions: Iterable[str], vocabulary: int) -> CaptionTokenizer:
        """Byte-pair encoding with at most `vocabulary` pieces, learnt from `captions`."""
        tokenizer = _prepared(models.BPE())
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=[END], show_progress=False
        )
        tokenizer.train_from_iterator(captions, trainer)
        model = json.loads(tokenizer.to_str())["model"]
        merges = [tuple(pair) for pair in model["merges"]]
        made = {END, *("".join(pair) for pair in merges)}
        numbered = sorted(model["vocab"], key=model["vocab"].__getitem__)
        return cls([piece for piece in numbered if piece not in made], merges)

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(" ".join(text.split())).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        return tidied(self._tokenizer.decode(list(tokens)))

    def continuations(self, prefix: Sequence[int], tokens: Sequence[int]) -> list[str]:
        """What `decode` gives of each ``[*prefix, token]``."""
        return self._spelling.continuations(prefix, tokens)


class Gpt2Tokenizer:
    """GPT-2's byte-pair pieces, case and all.

    `end` is the text whose first token ends a caption. The paper does not say which; we read it
    as the language model's own end of text. Public clapcap asks for ``" <|endoftext|>"``, whose
    first token is the lone space before it.
    """

    def __init__(
        self, vocabulary: Mapping[str, int], merges: Sequence[tuple[str, str]], end: str
    ) -> None:
        pairs = [tuple(pair) for pair in merges]
        self._tokenizer = Tokenizer(models.BPE(dict(vocabulary), pairs))
        self._tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._tokenizer.decoder = decoders.ByteLevel()
        self._tokenizer.add_special_tokens([END_OF_TEXT])
        self._spelling = Spelling(self._tokenizer.decode)
        first = self._tokenizer.encode(end).ids
        if not first:
            raise BadOption("end: an empty text has no token.", f"For example '{END_OF_TEXT}'.")
        self.end: int = first[0]
        self.size: int = self._tokenizer.get_vocab_size(with_added_tokens=True)
        content = json.dumps([sorted(vocabulary.items()), pairs], ensure_ascii=False)
        self.identity: str = hashlib.sha256(content.encode()).hexdigest()

    @classmethod
    def read(cls, folder: Path, end: str = END_OF_TEXT) -> Gpt2Tokenizer:
        """From a folder's vocab.json and merges.txt, or else its tokenizer.json."""
        try:
            return cls(*_pieces(folder), end)
        except (OSError, ValueError, KeyError, TypeError) as reason:
            raise BadData(
                f"The tokenizer in {folder} cannot be read: {reason}.",
                "It must be GPT-2's kind: byte-level pieces in vocab.json and merges.txt.",
            ) from reason

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(" ".join(text.split())).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        return tidied(self._tokenizer.decode(list(tokens)))

    def continuations(self, prefix: Sequence[int], tokens: Sequence[int]) -> list[str]:
        """What `decode` gives of each ``[*prefix, token]``."""
        return self._spelling.continuations(prefix, tokens)


def _pieces(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    if vocabulary.is_file() and merges.is_file():
        lines = merges.read_text(encoding="utf-8").split("\n")
        pairs = [line for line in lines if line and not line.startswith("#version")]
        return json.loads(vocabulary.read_text(encoding="utf-8")), [_pair(line) for line in pairs]
    whole = folder / "tokenizer.json"
    if not whole.is_file():
        raise MissingAsset(
            f"{folder} has no tokenizer: neither vocab.json with merges.txt nor tokenizer.json.",
            "Put the files of the language model's own tokenizer there: aacbench data fetch gpt2",
        )
    model = json.loads(whole.read_text(encoding="utf-8"))["model"]
    return model["vocab"], [_pair(pair) for pair in model["merges"]]


def _pair(merge: str | Sequence[str]) -> tuple[str, str]:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right


def _prepared(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer

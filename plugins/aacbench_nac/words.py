"""The small captioner's tokenizer: byte-pair pieces of lower-case captions."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

END = "<end>"


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
        text = " ".join(self._tokenizer.decode(list(tokens)).split())
        return text[:1].upper() + text[1:]


def _prepared(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer

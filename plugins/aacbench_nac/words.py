"""The small captioner's tokenizer: byte-pair pieces of lower-case captions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

END = "<end>"


class CaptionTokenizer:
    """Lower-cases on the way in; on the way out a caption starts with a capital."""

    def __init__(self, serialised: str) -> None:
        self.serialised = serialised
        self._tokenizer = Tokenizer.from_str(serialised)
        self.end: int = self._tokenizer.token_to_id(END)
        self.size: int = self._tokenizer.get_vocab_size()

    @classmethod
    def learn(cls, captions: Iterable[str], vocabulary: int) -> CaptionTokenizer:
        """Byte-pair encoding with at most `vocabulary` pieces, learnt from `captions`."""
        tokenizer = Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary, special_tokens=[END], show_progress=False
        )
        tokenizer.train_from_iterator(captions, trainer)
        return cls(tokenizer.to_str())

    def encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(" ".join(text.split())).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        text = " ".join(self._tokenizer.decode(list(tokens)).split())
        return text[:1].upper() + text[1:]

"""GPT-2's words, read from the files of a language model's folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import ByteLevelBPETokenizer

from aacbench.errors import BadData, BadOption, MissingAsset
from aacbench_nac import clapcap
from aacbench_nac.words import END_OF_TEXT, Gpt2Tokenizer


def test_words_are_the_same_from_either_kind_of_file(
    gpt2: Path, captions: list[str], tmp_path: Path
):
    words = Gpt2Tokenizer.read(gpt2)
    learnt = ByteLevelBPETokenizer(str(gpt2 / "vocab.json"), str(gpt2 / "merges.txt"))
    learnt.save(str(tmp_path / "tokenizer.json"))
    other = Gpt2Tokenizer.read(tmp_path)
    assert other.identity == words.identity
    for caption in [*captions[:30], "Ein naïver Café-Besucher hört 3 Hunde!"]:
        tokens = words.encode(caption)
        assert tokens == learnt.encode(caption).ids == other.encode(caption)
        assert words.end not in tokens
        assert words.decode([*tokens, words.end]) == caption[:1].upper() + caption[1:]


def test_the_first_token_of_the_end_ends_a_caption(gpt2: Path):
    vocabulary = json.loads((gpt2 / "vocab.json").read_text(encoding="utf-8"))
    assert Gpt2Tokenizer.read(gpt2).end == vocabulary[END_OF_TEXT]
    assert Gpt2Tokenizer.read(gpt2, clapcap.STOP).end == vocabulary["Ġ"], "the space before it"
    assert Gpt2Tokenizer.read(gpt2, ".").end == vocabulary["."]
    with pytest.raises(BadOption, match="empty text"):
        Gpt2Tokenizer.read(gpt2, "")


def test_a_folder_without_words_is_refused_by_name(gpt2: Path, tmp_path: Path):
    with pytest.raises(MissingAsset, match="has no tokenizer"):
        Gpt2Tokenizer.read(tmp_path)
    (tmp_path / "vocab.json").write_text("[1, 2")
    (tmp_path / "merges.txt").write_text("a b\n")
    with pytest.raises(BadData, match="cannot be read"):
        Gpt2Tokenizer.read(tmp_path)

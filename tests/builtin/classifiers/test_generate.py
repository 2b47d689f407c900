"""Sentences from a language model: a real GPT-2 of random weights writes, nobody pretends to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from aacbench.builtin.classifiers import generate
from aacbench.builtin.classifiers.generate import asked, sentences_in, write_sentences
from aacbench.builtin.classifiers.options import ClassifierTrainOptions
from aacbench.builtin.classifiers.train import train
from aacbench.errors import BadData, MissingAsset
from aacbench.workshop import Workshop

NOUNS = ["rain", "dog", "bell", "wind", "train", "coat", "wall", "paint"]
WORDS = [*NOUNS, "hums", "barks", "rings", "falls", "red", "grey", "loud", "old"]


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a GPT-2 whose words are `WORDS` and the end of a line."""
    folder = tmp_path_factory.mktemp("gpt2")
    vocabulary = {word: number for number, word in enumerate(["[UNK]", "[END]", "\n", *WORDS])}
    plain = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    plain.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="[UNK]", eos_token="[END]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(vocabulary), n_positions=160, n_embd=32, n_layer=1, n_head=2,
        bos_token_id=1, eos_token_id=1,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def options(writer: Path, **more: object) -> ClassifierTrainOptions:
    given = {"generate": "default", "language_model": str(writer), "count": 40, "preset": "judge"}
    return ClassifierTrainOptions(**{**given, "steps": 2, **more})


def test_lists_are_read_whatever_a_model_puts_before_its_lines() -> None:
    reply = (
        "Sure! Here are some sentences:\n1. Rain falls.\n2) A dog barks\n- Bells  ring\n"
        '* "A door slams."\n\n(3) Wind howls.\n• Trains pass.\nb) Keys jingle.\n12\nYes\n'
        + "word "
        * 60
    )
    assert sentences_in(reply) == [
        "Rain falls.",
        "A dog barks",
        "Bells ring",
        "A door slams.",
        "Wind howls.",
        "Trains pass.",
        "Keys jingle.",
    ]


def test_sentence_that_begins_with_an_article_keeps_it() -> None:
    assert sentences_in("A dog barks.\nI hear rain.") == ["A dog barks.", "I hear rain."]


def test_prompt_of_ones_own_is_told_the_kind_even_without_a_place_for_it() -> None:
    assert asked("Write {count} of {kind}, {sic}.", "bells", 3) == "Write 3 of bells, {sic}."
    assert "bells" in asked("Write some.", "bells", 3)
    assert "{" not in asked("default", "bells", 3)


def test_both_files_are_written_distinct_and_the_same_again(writer: Path, tmp_path: Path) -> None:
    found = [write_sentences(options(writer), Workshop(), tmp_path / name) for name in "ab"]
    texts = [[path.read_text("utf-8") for path in files] for files in found]
    assert texts[0] == texts[1]
    assert texts[0][0] != texts[0][1]
    for text in texts[0]:
        lines = text.strip().split("\n")
        assert len(lines) == len(set(lines)) == 40
        assert all(2 <= len(line.split()) <= 40 for line in lines)


def test_killed_in_the_middle_it_goes_on_with_what_it_has(
    writer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write_sentences(options(writer), Workshop(), tmp_path / "whole")
    cut = write_sentences(options(writer), Workshop(), tmp_path / "cut")
    replies = cut[1].with_suffix(".jsonl")
    kept = replies.read_bytes()
    first = kept.index(b"\n") + 1
    assert len(kept) > first  # more than one reply
    replies.write_bytes(kept[: first + 20])  # the second was being written
    cut[1].unlink()
    asked_for: list[int] = []
    real = generate.language_model

    def counting(*given):
        ask = real(*given)

        def counted(prompt: str, seed: int) -> str:
            asked_for.append(seed)
            return ask(prompt, seed)

        return counted

    monkeypatch.setattr(generate, "language_model", counting)
    again = write_sentences(options(writer), Workshop(), tmp_path / "cut")
    assert again[1].read_bytes() == whole[1].read_bytes()
    assert len(asked_for) == kept.count(b"\n") - 1  # the first reply was not asked for again


def test_other_settings_do_not_go_on_from_it(writer: Path, tmp_path: Path) -> None:
    write_sentences(options(writer), Workshop(), tmp_path)
    with pytest.raises(BadData, match="generated otherwise") as caught:
        write_sentences(options(writer, temperature=0.5), Workshop(), tmp_path)
    assert "rm -r" in caught.value.hint


def test_classifier_is_trained_on_what_was_written(
    writer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = train(options(writer), Workshop(), tmp_path / "out")
    card = Path(found["weights"]).with_suffix(".md").read_text("utf-8")
    assert "positives.txt" in card
    record = json.loads((tmp_path / "out" / "generated" / "settings.json").read_text("utf-8"))
    assert record["language_model"] == str(writer)


def test_folder_that_holds_no_language_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingAsset, match="no language model"):
        write_sentences(options(tmp_path), Workshop(), tmp_path / "out")

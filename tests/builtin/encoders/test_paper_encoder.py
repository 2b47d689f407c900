"""The assembled encoder: unit rows, the same in any company; text read as the authors read it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from torch.nn import functional
from transformers import GPT2Tokenizer, RobertaTokenizer

from aacbench.builtin.encoders.clap.paper.encoder import PaperEncoder, assemble
from aacbench.builtin.encoders.clap.paper.front import Features
from aacbench.builtin.encoders.clap.paper.words import (
    GptWords,
    Pieces,
    RobertaWords,
    tokenizer_files,
)
from aacbench.errors import BadData, MissingAsset
from aacbench.testing import check_encoder

TEXTS = ["a dog barks", "rain", "a dog barks", "water! running, loudly!", "a car passes by"]
CURIOUS = (*TEXTS, "Ünïcode — and  spaces\n", "", " leading", "isn't it?  two  ")


@pytest.fixture(scope="module", params=["ms2023", "laion-unfused", "laion-fused"])
def encoder(
    request, small_model, laion_file, microsoft_file, roberta_folder, gpt_folder
) -> PaperEncoder:
    microsoft = request.param == "ms2023"
    path = microsoft_file if microsoft else laion_file(request.param)
    words = tokenizer_files(gpt_folder if microsoft else roberta_folder)
    return assemble(path, small_model(request.param), words)


def test_sound_has_the_same_bits_alone_and_in_company(encoder, real_clips):
    together = encoder.embed_audio(real_clips)
    alone = np.concatenate([encoder.embed_audio([clip]) for clip in real_clips])
    backwards = encoder.embed_audio(real_clips[::-1])[::-1]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)
    assert not np.allclose(together[0], together[1])


def test_rows_are_unit_vectors_of_finite_numbers(encoder, real_clips):
    for rows, count in (
        (encoder.embed_audio(real_clips), 2),
        (encoder.embed_text(TEXTS), len(TEXTS)),
    ):
        assert rows.shape == (count, encoder.dim) == (count, 24)
        assert rows.dtype == np.float32
        assert np.isfinite(rows).all()
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert encoder.embed_audio([]).shape == encoder.embed_text([]).shape == (0, 24)


def test_a_text_has_one_vector_whatever_is_read_with_it(encoder):
    together = encoder.embed_text(TEXTS)
    alone = np.concatenate([encoder.embed_text([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-5
    assert np.array_equal(together[0], together[2])
    assert np.abs(together[0] - together[1]).max() > 1e-3


def test_the_encoder_keeps_the_contract(encoder):
    check_encoder(encoder)


@pytest.mark.parametrize("name", ["ms2023", "laion-unfused"])
def test_nothing_stays_behind_on_the_processor(name, microsoft_towers, laion_towers):
    # The device "meta" computes shapes alone, and refuses to mix with the processor's tensors.
    there = torch.device("meta")
    towers = copy.deepcopy(microsoft_towers if name == "ms2023" else laion_towers(name)).to(there)
    heard = towers.hear(Features(torch.zeros(1, 1, 1001, 64, device=there), longer=True))
    assert (heard.device, heard.shape) == (there, (24,))
    if name == "ms2023":  # the other's mask is looked into, which shapes alone cannot answer
        read = towers.read(torch.ones(3, 9, dtype=torch.long, device=there))
        assert (read.device, read.shape) == (there, (3, 24))


# --- GPT-2's side, as the published code does it: one padded batch ------------------------------


def padded_reading(towers, pieces: Pieces, texts: list[str]) -> torch.Tensor:
    """Texts filled up with number 0 to 77 and read at the last number that is not 0."""
    end = pieces.number("<|endoftext|>")
    ids = torch.zeros(len(texts), 77, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, text in enumerate(texts):
        numbers = [*pieces.encode(f"{text} "), end]
        ids[row, : len(numbers)] = torch.tensor(numbers)
        mask[row, : len(numbers)] = 1
    states = towers.text_model(input_ids=ids, attention_mask=mask).last_hidden_state
    places = (ids != 0).sum(-1) - 1
    pooled = states[torch.arange(len(texts)), places]
    return functional.normalize(towers.text_projection(pooled), dim=-1)


@pytest.mark.parametrize("slips", [True, False])
def test_text_is_read_where_the_published_code_reads_it(
    slips, small_model, microsoft_file, microsoft_towers, gpt_folder
):
    files = tokenizer_files(gpt_folder)
    encoder = assemble(microsoft_file, small_model("ms2023"), files, slips=slips)
    expected = padded_reading(microsoft_towers, Pieces(files), TEXTS).numpy()
    difference = np.abs(encoder.embed_text(TEXTS) - expected).max(1)
    plain = ["!" not in text for text in TEXTS]
    assert (difference[plain] < 1e-5).all()
    assert (difference[np.logical_not(plain)] < 1e-5).all() == slips


def test_a_text_for_gpt_ends_with_a_space_and_the_end(gpt_folder):
    pieces = Pieces(tokenizer_files(gpt_folder))
    numbers = GptWords(pieces).encode("rain")
    assert numbers[-1] == pieces.number("<|endoftext|>")
    assert numbers[-2] == pieces.number("\u0120")


def test_a_text_for_roberta_is_marked_and_cut_to_77(roberta_folder):
    words = RobertaWords(Pieces(tokenizer_files(roberta_folder)))
    numbers = words.encode("a dog barks")
    assert (numbers[0], numbers[-1]) == (0, 2)
    long = words.encode("a dog barks and " * 60)
    assert len(long) == 77
    assert (long[0], long[-1]) == (0, 2)


@pytest.mark.parametrize("text", [*CURIOUS, "a dog barks and " * 60])
def test_text_is_cut_as_the_published_codes_tokenizers_cut_it(text, gpt_folder, roberta_folder):
    gpt = GptWords(Pieces(tokenizer_files(gpt_folder))).encode(text)
    assert gpt == GPT2Tokenizer.from_pretrained(gpt_folder)(f"{text} <|endoftext|>").input_ids
    roberta = RobertaWords(Pieces(tokenizer_files(roberta_folder))).encode(text)
    theirs = RobertaTokenizer.from_pretrained(roberta_folder)
    assert roberta == theirs(text, truncation=True, max_length=77).input_ids


def test_pieces_are_the_same_from_one_file_and_from_two(gpt_folder, tmp_path):
    vocab, merges = tokenizer_files(gpt_folder)
    whole = tmp_path / "tokenizer.json"
    tokenizer = ByteLevelBPETokenizer(str(vocab), str(merges))
    tokenizer.enable_padding(length=20)
    tokenizer.enable_truncation(3)
    tokenizer.save(str(whole))
    two, one = Pieces((vocab, merges)), Pieces(tokenizer_files(tmp_path))
    for text in CURIOUS:
        assert one.encode(text) == two.encode(text)


def test_a_tokenizer_that_is_missing_broken_or_another_is_named(tmp_path, gpt_folder):
    with pytest.raises(
        MissingAsset, match=r"neither tokenizer\.json nor vocab\.json and merges\.txt"
    ):
        tokenizer_files(tmp_path)
    broken = tmp_path / "tokenizer.json"
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(BadData, match=r"tokenizer\.json cannot be read"):
        Pieces(tokenizer_files(tmp_path))
    with pytest.raises(BadData, match="has no piece '<s>'"):
        RobertaWords(Pieces(tokenizer_files(gpt_folder)))

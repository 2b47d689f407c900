"""`nac:paper`: the architecture of Deshmukh et al. over GPT-2, with random weights and few layers.

Sizes are small except where they are the point; names of tensors and files are the real ones.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gpt2_folder import POSITIONS, WIDTH, expression, make_gpt2
from transformers import GPT2Config, GPT2LMHeadModel

import aacbench
from aacbench import catalog
from aacbench.errors import BadData, BadOption, MissingAsset
from aacbench.training import load_weights
from aacbench.types import Clip, GuidableCaptioner
from aacbench.workshop import Workshop
from aacbench_nac import clapcap
from aacbench_nac.captioner import Nac
from aacbench_nac.language_model import identity, read_folder, read_words
from aacbench_nac.model import Mapper, NacModel
from aacbench_nac.options import NacArchitecture, NacOptions, NacTrainOptions
from aacbench_nac.published import gpt2_names, transformer_names
from aacbench_nac.train import Batches, gather, settings, train
from aacbench_nac.words import END_OF_TEXT, Gpt2Tokenizer

PAPER = NacArchitecture(
    dim=1024, prefix=40, width=768, heads=8, mapper_layers=8, mapper_ratio=2, mapper_bias=False
)


pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def workshop(alone: None) -> Workshop:
    return Workshop()


def options(gpt2: Path, **more: Any) -> NacTrainOptions:
    small = {
        "preset": "paper",
        "captions": "soundbox-events",
        "encoder": "clap:mini",
        "language_model": gpt2,
        "limit": 20,
        "steps": 4,
        "batch_size": 8,
        "mapper_layers": 2,
    }
    return NacTrainOptions(**{**small, **more})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, workshop: Workshop, gpt2: Path) -> Path:
    out = tmp_path_factory.mktemp("trained")
    train(options(gpt2), workshop, out)
    return out / "nac.safetensors"


# --- sizes and hyper-parameters -------------------------------------------------------------------


def test_the_mapping_network_has_as_many_weights_as_clapcaps():
    with torch.device("meta"):
        mapper = Mapper(PAPER, PAPER.width, 0.0)
    layer = 3 * 768**2 + (768 + 1) * 768 + 4 * 768 + (768 + 1) * 1536 + (1536 + 1) * 768
    expected = (1024 + 1) * 40 * 768 + 40 * 768 + 8 * layer
    assert sum(p.numel() for p in mapper.parameters()) == expected == 69_316_608


def test_at_full_size_every_tensor_of_clapcaps_layout_has_its_place():
    with torch.device("meta"):
        model = NacModel(PAPER, 50257, language_model=GPT2LMHeadModel(GPT2Config()))
    taken = {*transformer_names(clapcap.LAYOUT, 8).values(), *gpt2_names(12).values()}
    taken |= {f"mapper.transformer.layers.{i}.self_attn.in_proj_weight" for i in range(8)}
    assert taken == set(model.own_state())


def test_one_word_gives_the_papers_hyper_parameters():
    paper = NacTrainOptions(preset="paper")
    assert (paper.prefix, paper.heads, paper.mapper_layers, paper.mapper_ratio) == (40, 8, 8, 2)
    assert (paper.noise, paper.batch_size, paper.epochs) == (0.015, 128, 30)
    assert not paper.train_language_model
    assert not paper.mapper_bias
    fit = settings(paper, 24_420)
    assert fit.steps == math.ceil(30 * 24_420 / 128)
    assert (fit.learning_rate, fit.warmup, fit.schedule) == (1e-4, 2000, "linear")
    assert fit.weight_decay == 0, "with decay, AdamW is not the paper's Adam"
    assert fit.rate_at(1999) == 1.0
    assert fit.rate_at(fit.steps - 1) < 0.001


def test_what_is_typed_counts_for_more_than_the_preset():
    assert NacTrainOptions(preset="paper", prefix=10).prefix == 10
    assert settings(NacTrainOptions(preset="paper", steps=7), 24_420).steps == 7
    assert NacTrainOptions().prefix == NacTrainOptions(preset="mini").prefix == 8
    with pytest.raises(BadOption, match="preset: 'papr' is none of those there are: mini, paper"):
        catalog.validate(NacTrainOptions, {"preset": "papr"}, "aacbench train nac")


def test_sources_say_which_captions_they_are_to_learn():
    choice = catalog.choose("captioners", "nac:paper@clotho(encoder=clap:mini)")
    learnt = catalog.trained_on(choice)
    assert {"clotho/development", "clotho/validation"} <= set(learnt.captions or ())
    twin = catalog.choose("captioners", "nac:paper@clapcap(encoder=clap:mini)")
    assert catalog.trained_on(twin).captions is None
    assert catalog.trained_on(twin).audio is None


# --- training over a frozen language model --------------------------------------------------------


def test_weights_trained_over_gpt2_hold_the_mapping_network_alone(trained: Path, gpt2: Path):
    tensors, config = load_weights(trained)
    assert all(name.startswith("mapper.") for name in tensors.keys() - {"caption_mean"})
    assert config["language_model"]["weights"] == identity(read_folder(gpt2))
    assert config["architecture"]["width"] == WIDTH
    assert config["architecture"]["positions"] == POSITIONS
    assert str(gpt2) not in json.dumps(config), "a path of this machine went into the weights"


def test_weights_trained_over_gpt2_caption_real_sounds(
    trained: Path, gpt2: Path, workshop: Workshop, clips: list[Clip]
):
    nac = workshop.build("captioners", expression(trained, gpt2, keep=2))
    assert isinstance(nac, GuidableCaptioner)
    together = nac.caption(clips)
    apart = [nac.caption([clip])[0] for clip in clips]
    assert [c.tokens for c in together] == [c.tokens for c in apart]
    for caption in together:
        assert 1 <= len(caption.tokens) <= 12
        assert nac.tokenizer.end not in caption.tokens
        assert caption.text == nac.tokenizer.decode(caption.tokens)
        assert len(caption.alternatives) == 1


def test_training_moves_the_mapping_network_and_nothing_else(
    workshop: Workshop, gpt2: Path, tmp_path: Path, captions: list[str]
):
    before = identity(read_folder(gpt2))
    figures = train(options(gpt2, steps=30, learning_rate=3e-3, warmup=0), workshop, tmp_path)
    assert identity(read_folder(gpt2)) == before
    with torch.device("meta"):
        mapper = Mapper(NacArchitecture(**figures_of(tmp_path)), WIDTH, 0.0)
    assert figures["learning"] == sum(p.numel() for p in mapper.parameters())
    start = train(options(gpt2, steps=1), workshop, tmp_path / "start")["losses"][0]
    nac = Nac.load(
        tmp_path / "nac.safetensors",
        workshop.build("encoders", "clap:mini"),
        NacOptions(language_model=gpt2),
        "cpu",
    )
    lesson = gather(options(gpt2), workshop, nac.encoder)
    batches = Batches(lesson, lesson.embeddings, nac.tokenizer, options(gpt2, batch_size=50), 0.0)
    with torch.no_grad():
        assert float(nac.model.loss(*batches.draw(0))) < start - 0.3, "it did not learn"


def figures_of(out: Path) -> dict[str, Any]:
    return load_weights(out / "nac.safetensors")[1]["architecture"]


def test_a_language_model_that_learns_too_is_stored_with_its_mapper(
    workshop: Workshop, gpt2: Path, tmp_path: Path, clips: list[Clip]
):
    train(options(gpt2, train_language_model=True), workshop, tmp_path)
    weights = tmp_path / "nac.safetensors"
    tensors, config = load_weights(weights)
    assert "language_model.transformer.h.1.mlp.c_fc.weight" in tensors
    assert config["language_model"]["weights"] is None
    nac = workshop.build("captioners", expression(weights, gpt2))
    stored = tensors["language_model.transformer.wpe.weight"]
    assert torch.equal(nac.model.language_model.transformer.wpe.weight, stored)
    assert nac.caption(clips[:1])[0].text


def test_an_epoch_reads_each_caption_once(workshop: Workshop, gpt2: Path):
    chosen = options(gpt2, epochs=2, batch_size=7, limit=3)
    lesson = gather(chosen, workshop, workshop.build("encoders", "clap:mini"))
    batches = Batches(lesson, lesson.embeddings, Gpt2Tokenizer.read(gpt2), chosen, 0.0)
    drawn = [int(row) for step in range(30) for row in batches._next(step)]
    count = len(lesson.captions)
    epochs = [drawn[start : start + count] for start in (0, count, 2 * count)]
    assert [set(Counter(epoch).values()) for epoch in epochs] == [{1}] * 3
    assert epochs[0] != epochs[1], "every epoch has the same order"
    assert list(batches._next(4)) == drawn[28:35], "a batch depends on more than its step"


# --- refusals -------------------------------------------------------------------------------------


def test_another_language_model_is_refused_by_name(
    trained: Path, workshop: Workshop, captions: list[str], tmp_path: Path
):
    other = make_gpt2(tmp_path, captions, seed=1)
    with pytest.raises(BadData, match="another language model") as caught:
        workshop.build("captioners", expression(trained, other))
    assert str(other) in caught.value.message


def test_another_tokenizer_is_refused_by_name(
    trained: Path, gpt2: Path, workshop: Workshop, captions: list[str], tmp_path: Path
):
    other = make_gpt2(tmp_path, captions[::2], words=380)
    for name in ("config.json", "model.safetensors"):
        (other / name).write_bytes((gpt2 / name).read_bytes())
    with pytest.raises(BadData, match="another tokenizer"):
        workshop.build("captioners", expression(trained, other))


def test_a_language_model_that_is_not_there_is_asked_for(trained: Path, workshop: Workshop):
    with pytest.raises(MissingAsset, match="no language model 'gpt2'") as caught:
        workshop.build("captioners", expression(trained, None))
    assert "aacbench data fetch gpt2" in caught.value.hint
    with pytest.raises(BadOption, match="does not hold the language model") as refused:
        workshop.build("captioners", f"nac(weights={trained}, encoder=clap:mini)")
    assert "language_model=" in refused.value.hint


def test_a_language_model_is_found_by_its_name_among_the_assets(
    trained: Path, gpt2: Path, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AACBENCH_ASSETS", str(gpt2.parent))
    nac = workshop.build("captioners", expression(trained, Path(gpt2.name)))
    assert nac.tokenizer.identity == Gpt2Tokenizer.read(gpt2).identity


def test_a_folder_that_holds_no_language_model_is_refused(gpt2: Path, tmp_path: Path):
    with pytest.raises(BadData, match=r"config\.json cannot be read"):
        read_words(tmp_path, END_OF_TEXT)
    with pytest.raises(BadData, match="no causal language model"):
        read_folder(tmp_path)
    (tmp_path / "config.json").write_bytes((gpt2 / "config.json").read_bytes())
    with pytest.raises(BadData, match="no causal language model"):
        read_folder(tmp_path)


def test_gpt2_with_a_tensor_missing_is_refused(gpt2: Path, tmp_path: Path):
    from safetensors.torch import load_file, save_file

    tensors = load_file(gpt2 / "model.safetensors")
    gone = next(name for name in tensors if name.endswith("h.1.ln_1.bias"))
    del tensors[gone]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_bytes((gpt2 / "config.json").read_bytes())
    with pytest.raises(BadData, match=r"h\.1\.ln_1\.bias"):
        read_folder(tmp_path)


def test_words_without_a_row_in_the_language_model_are_refused(
    gpt2: Path, captions: list[str], workshop: Workshop, tmp_path: Path
):
    more = make_gpt2(tmp_path, captions, words=420)
    for name in ("config.json", "model.safetensors"):
        (more / name).write_bytes((gpt2 / name).read_bytes())
    with pytest.raises(BadData, match="420 words"):
        train(options(more), workshop, tmp_path / "out")


def test_training_asks_for_its_language_model_before_it_reads_a_caption(
    gpt2: Path, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*given: Any) -> Any:
        raise AssertionError("a caption was read")

    encoder = workshop.build("encoders", "clap:mini")
    monkeypatch.setattr(type(encoder), "embed_text", refuse)
    with pytest.raises(MissingAsset, match="no language model 'gpt2'"):
        train(options(Path("gpt2"), limit=19), workshop, tmp_path)
    with pytest.raises(AssertionError, match="a caption was read"):
        train(options(gpt2, limit=19), workshop, tmp_path)


@pytest.mark.parametrize("source", ["clotho-audiocaps", "clotho", "audiocaps"])
def test_a_preset_without_weights_says_how_to_train_them(source: str, workshop: Workshop):
    with pytest.raises(MissingAsset, match=f"nac:paper@{source}") as caught:
        workshop.build("captioners", f"nac:paper@{source}(encoder=clap:mini)")
    assert "aacbench train nac --preset paper" in caught.value.hint
    wanted = "clotho+clotho@validation" if "clotho" in source else "audiocaps"
    assert f"--captions {wanted}" in caught.value.hint


def test_clapcap_that_is_not_here_says_which_file_and_how_to_get_it(workshop: Workshop):
    with pytest.raises(MissingAsset, match=r"clapcap_weights_2023\.pth") as caught:
        workshop.build("captioners", "nac:paper@clapcap(encoder=clap:mini)")
    assert "aacbench data fetch nac-clapcap" in caught.value.hint


def test_captions_longer_than_the_context_are_refused_at_loading(
    trained: Path, gpt2: Path, workshop: Workshop, clips: list[Clip]
):
    room = POSITIONS - 40
    with pytest.raises(BadOption, match=f"max_tokens={room + 1} does not fit") as caught:
        workshop.build("captioners", expression(trained, gpt2, max_tokens=room + 1))
    assert f"max_tokens={room}" in caught.value.hint
    longest = expression(trained, gpt2, max_tokens=room, min_tokens=room, beams=2)
    (caption,) = workshop.build("captioners", longest).caption(clips[:1])
    assert len(caption.tokens) == room


# --- stepping -------------------------------------------------------------------------------------


def test_the_last_position_of_the_prefix_can_be_read_again(
    trained: Path, gpt2: Path, workshop: Workshop, clips: list[Clip]
):
    nac = workshop.build("captioners", expression(trained, gpt2))
    with torch.no_grad():
        state = nac.open(clips[:2])
        assert state.shape == (2, 40, WIDTH)
        whole = nac.step(state, None, None)
        before = nac.step(state[:, :-1], None, None).cache
        again = nac.step(state, None, before)
    assert before.get_seq_length() == whole.cache.get_seq_length() == 40
    torch.testing.assert_close(again.scores, whole.scores, rtol=1e-4, atol=1e-5)


def test_steps_give_the_scores_of_one_pass_without_a_cache(
    trained: Path, gpt2: Path, workshop: Workshop, clips: list[Clip]
):
    nac = workshop.build("captioners", expression(trained, gpt2))
    tokens = torch.tensor([nac.tokenizer.encode("a dog barks")])
    with torch.no_grad():
        state = nac.open(clips[:1])
        words = nac.model.language_model.transformer.wte(tokens)
        logits = nac.model.language_model(inputs_embeds=torch.cat([state, words], 1)).logits
        step = nac.step(state, None, None)
        for place in range(tokens.shape[1] + 1):
            torch.testing.assert_close(step.scores[0], logits[0, 39 + place], rtol=1e-4, atol=1e-4)
            if place < tokens.shape[1]:
                step = nac.step(state, tokens[:, place : place + 1], step.cache)


def test_public_names_still_give_a_captioner(trained: Path, gpt2: Path, clips: list[Clip]):
    captioner = aacbench.load_captioner(expression(trained, gpt2, beams=1))
    assert np.isfinite(captioner.caption(clips[:1])[0].score)

"""`nac` over any causal language model: frozen, known again, under a narrow mapping network."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from llama_folder import WIDTH, make_llama

import aacbench
from aacbench import catalog, language_models
from aacbench.errors import BadData, BadOption
from aacbench.language_models import read_model
from aacbench.training import load_weights
from aacbench.types import Clip, GuidableCaptioner
from aacbench.workshop import Workshop
from aacbench_nac.model import Mapper, NacModel
from aacbench_nac.options import NacArchitecture, NacTrainOptions
from aacbench_nac.train import Batches, gather, train
from aacbench_nac.words import CaptionTokenizer

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def workshop(alone: None) -> Workshop:
    return Workshop()


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> Path:
    return make_llama(tmp_path_factory.mktemp("llama"), captions)


def options(llama: Path, **more: Any) -> NacTrainOptions:
    tiny = {
        "preset": "small",
        "captions": "soundbox-events",
        "encoder": "clap:mini",
        "language_model": llama,
        "limit": 20,
        "steps": 6,
        "batch_size": 8,
        "bucket": 3,
        "mapper_width": 32,
    }
    return NacTrainOptions(**{**tiny, **more})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, workshop: Workshop, llama: Path) -> Path:
    out = tmp_path_factory.mktemp("trained")
    train(options(llama), workshop, out)
    return out / "nac.safetensors"


def expression(weights: Path, language_model: Path, **more: Any) -> str:
    inside = {"weights": weights, "encoder": "clap:mini", "max_tokens": 12, **more}
    told = ", ".join(f"{key}={value}" for key, value in inside.items())
    return f"nac:small(language_model={language_model}, {told})"


def test_weights_hold_the_mapping_network_and_know_their_language_model(trained: Path, llama: Path):
    tensors, config = load_weights(trained)
    assert all(name.startswith("mapper.") for name in tensors.keys() - {"caption_mean"})
    assert tensors["mapper.widen.1.weight"].shape == (WIDTH, 32)
    assert config["language_model"]["weights"] == language_models.identity(read_model(llama))
    assert config["architecture"]["width"] == WIDTH
    assert str(llama) not in json.dumps(config), "a path of this machine went into the weights"


def test_real_sounds_are_captioned_alike_alone_and_together(
    trained: Path, llama: Path, workshop: Workshop, clips: list[Clip]
):
    nac = workshop.build("captioners", expression(trained, llama, keep=2))
    assert isinstance(nac, GuidableCaptioner)
    together = nac.caption(clips)
    assert [c.tokens for c in together] == [nac.caption([clip])[0].tokens for clip in clips]
    for caption in together:
        assert nac.tokenizer.end not in caption.tokens
        assert caption.text == nac.tokenizer.decode(caption.tokens)


def test_a_guide_steers_it(trained: Path, llama: Path, workshop: Workshop, clips: list[Clip]):
    guided = expression(trained, llama) + "+guide(step_size=30)"
    plain = workshop.build("captioners", expression(trained, llama, beams=1)).caption(clips)
    steered = workshop.build("captioners", guided).caption(clips)
    assert [c.tokens for c in plain] != [c.tokens for c in steered]
    assert all(c.steered for c in steered)


def test_no_weight_of_a_captioner_takes_a_gradient(trained: Path, llama: Path, workshop: Workshop):
    for name in (expression(trained, llama), "nac:mini@events", "raft:mini@events"):
        model = workshop.build("captioners", name).model
        assert not any(weight.requires_grad for weight in model.parameters()), name


def test_the_language_model_stays_as_it_is_while_the_loss_falls(
    workshop: Workshop, llama: Path, tmp_path: Path
):
    before = language_models.identity(read_model(llama))
    short = train(options(llama, steps=6), workshop, tmp_path / "short")
    longer = train(
        options(llama, steps=60, warmup=0, learning_rate=3e-3), workshop, tmp_path / "long"
    )
    assert longer["losses"][-1] < short["losses"][-1]
    assert language_models.identity(read_model(llama)) == before


def test_another_language_model_than_that_of_the_weights_is_refused(
    trained: Path, captions: list[str], workshop: Workshop, tmp_path: Path
):
    other = make_llama(tmp_path, captions, seed=1)
    with pytest.raises(BadData, match="another language model than"):
        workshop.build("captioners", expression(trained, other))


def test_only_gpt2_may_be_trained_along(llama: Path, workshop: Workshop, tmp_path: Path):
    with pytest.raises(BadOption, match="other language models stay as they are"):
        train(options(llama, train_language_model=True), workshop, tmp_path)


def test_heads_that_do_not_divide_the_mapping_network_are_refused(
    llama: Path, workshop: Workshop, tmp_path: Path
):
    with pytest.raises(BadOption, match="heads=5 does not divide the mapping network's width, 32"):
        train(options(llama, heads=5), workshop, tmp_path)


def test_a_prefix_starts_as_large_as_words_are():
    torch.manual_seed(0)
    words = torch.nn.Embedding(500, 96)
    torch.nn.init.normal_(words.weight, std=0.14)
    mapper = Mapper(NacArchitecture(mapper_width=64, heads=4), 96, 0.0)
    mapper.start_like(words)
    sounds = torch.nn.functional.normalize(torch.randn(8, 384), dim=1)
    with torch.no_grad():
        size = mapper(sounds).pow(2).mean().sqrt().item()
    assert size == pytest.approx(0.14, rel=0.2)


def test_without_a_width_of_its_own_the_mapping_network_is_the_papers():
    names = NacModel(NacArchitecture(), 50).own_state()
    assert not any("widen" in name for name in names)


def batches(workshop: Workshop, captions: list[str], **more: Any) -> Batches:
    settings = NacTrainOptions(captions="soundbox-events", limit=20, batch_size=5, **more)
    lesson = gather(settings, workshop, workshop.build("encoders", "clap:mini"))
    words = CaptionTokenizer.learn(captions, 300)
    return Batches(lesson, lesson.embeddings, words, settings, 0.0)


def test_batches_of_one_length_still_show_every_caption_once_an_epoch(
    workshop: Workshop, captions: list[str]
):
    drawn = batches(workshop, captions, bucket=4)
    steps = [drawn._alike(step) for step in range(20)]  # 100 captions in batches of 5
    assert Counter(np.concatenate(steps).tolist()) == Counter(range(100))
    spread = [np.ptp([len(drawn.tokens[i]) for i in step]) for step in steps]
    mixed = batches(workshop, captions, epochs=1)
    apart = [np.ptp([len(mixed.tokens[i]) for i in mixed._next(step)]) for step in range(20)]
    assert np.mean(spread) < np.mean(apart) / 2
    assert [list(drawn._alike(step)) for step in (3, 7)] == [list(steps[3]), list(steps[7])]


def test_a_judge_that_shares_the_ears_or_the_language_model_is_known(workshop: Workshop):
    choice = catalog.choose("captioners", "nac:small@clotho")
    assert {"SmolLM2-135M"} <= catalog.built_on(choice)
    learnt = catalog.trained_on(choice)
    assert learnt.captions == ("clotho/development",)
    assert "FineWeb-Edu" in (learnt.language_model or ())


def test_the_public_door_opens_it_too(trained: Path, llama: Path, clips: list[Clip]):
    captioner = aacbench.load_captioner(expression(trained, llama))
    assert captioner.caption(clips[:1])[0].text


def test_a_guide_without_a_preset_takes_the_one_that_suits_the_captioners():
    def preset(expression: str) -> str | None:
        return catalog.choose("captioners", expression).guides[0].preset

    assert preset("nac:mini@events+guide") == "mini"
    assert preset("nac:small+guide") == "small"
    assert preset("nac:small+guide(steps=1)") == "small"
    assert preset("nac:small+guide:mini") == "mini", "what is typed counts"
    assert preset("nac:paper@clotho+guide") == "mini"

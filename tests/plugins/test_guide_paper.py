"""`nac:paper+guide:paper` put together from random weights in the layouts of the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from gpt2_folder import expression
from transformers import BertTokenizerFast, DistilBertConfig, DistilBertForSequenceClassification

from aacbench import catalog
from aacbench.errors import AacbenchError
from aacbench.types import Clip
from aacbench.workshop import Workshop
from aacbench_nac.options import NacTrainOptions
from aacbench_nac.train import train

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def distilbert(tmp_path_factory: pytest.TempPathFactory, captions: list[str]) -> Path:
    """A fine-tuned DistilBERT's folder: two small random layers and a head of two labels."""
    folder = tmp_path_factory.mktemp("distilbert")
    words = sorted({word for caption in captions for word in caption.lower().split()})
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join([*SPECIAL, *words]), encoding="utf-8")
    torch.manual_seed(3)
    config = DistilBertConfig(
        vocab_size=len(words) + len(SPECIAL),
        dim=32,
        n_layers=2,
        n_heads=2,
        hidden_dim=64,
        initializer_range=0.5,
        id2label={0: "audible", 1: "inaudible"},
        label2id={"audible": 0, "inaudible": 1},
    )
    DistilBertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(str(vocabulary)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, gpt2: Path) -> Path:
    """A mapping network over the random GPT-2, a few steps into its training."""
    out = tmp_path_factory.mktemp("nac")
    settings = {"captions": "soundbox-events", "encoder": "clap:mini", "language_model": gpt2}
    small = {"limit": 20, "steps": 4, "batch_size": 8, "mapper_layers": 2}
    train(NacTrainOptions(preset="paper", **settings, **small), Workshop(), out)
    return out / "nac.safetensors"


def test_the_papers_values_are_the_presets():
    options = catalog.choose("guides", "guide:paper").options
    assert (options.classifier_weight, options.fluency_weight) == (0.6, 0.2)
    assert (options.candidates, options.beams, options.lookahead) == (512, 1, 0)
    assert (options.loss, options.steps, options.step_size) == ("target", 5, 0.3)
    assert (options.norm_exponent, options.fusion, options.rescore) == (0.9, 0.99, True)


def test_the_assembled_system_captions_real_sounds(
    weights: Path, gpt2: Path, distilbert: Path, clips: list[Clip]
):
    plain = expression(weights, gpt2, beams=1)
    judge = f"audibility:paper(weights={distilbert})"
    guide = f'guide:paper(classifier="{judge}", candidates=64, steps=2)'
    workshop = Workshop()
    guided = workshop.build("captioners", f"{plain}+{guide}").caption(clips)
    alone = workshop.build("captioners", plain).caption(clips)
    assert all(1 <= len(caption.tokens) <= 12 for caption in guided)
    assert [c.tokens for c in guided] != [c.tokens for c in alone]


def test_without_its_classifier_it_says_how_to_get_one():
    with pytest.raises(AacbenchError) as caught:
        Workshop().build("guides", "guide:paper")
    assert "aacbench train classifier" in caught.value.hint

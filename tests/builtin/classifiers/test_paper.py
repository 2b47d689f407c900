"""The paper's architecture on real transformers code with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForSequenceClassification,
)

from aacbench.builtin.classifiers.options import ClassifierTrainOptions
from aacbench.builtin.classifiers.paper import load_folder
from aacbench.builtin.classifiers.sentences import words_of
from aacbench.builtin.classifiers.train import train
from aacbench.builtin.classifiers.train_paper import StepwiseSettings
from aacbench.errors import BadData, BadOption, MissingAsset
from aacbench.testing import check_classifier
from aacbench.workshop import Workshop

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture
def base(few: tuple[Path, Path], tmp_path: Path) -> Path:
    """A DistilBERT of two small layers, laid out like the hub's, without a head for classes."""
    folder = tmp_path / "distilbert"
    folder.mkdir()
    words = {word for path in few for word in words_of(path.read_text("utf-8"))}
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join([*SPECIAL, *sorted(words)]), encoding="utf-8")
    torch.manual_seed(0)
    config = DistilBertConfig(
        vocab_size=len(words) + len(SPECIAL), dim=32, n_layers=2, n_heads=2, hidden_dim=64
    )
    DistilBertForMaskedLM(config).save_pretrained(folder)
    BertTokenizerFast(str(vocabulary), model_max_length=64).save_pretrained(folder)
    return folder


def options(base: Path, few: tuple[Path, Path], **more: object) -> ClassifierTrainOptions:
    given = {"preset": "paper", "base": base, "positives": few[0], "negatives": few[1]}
    return ClassifierTrainOptions(**{**given, "batch_size": 16, **more})


def test_fine_tuned_folder_learns_and_loads_through_its_expression(
    base: Path, few: tuple[Path, Path], tmp_path: Path
) -> None:
    found = train(
        options(base, few, epochs=30, learning_rate=3e-3), Workshop(), tmp_path / "trained"
    )
    built = Workshop().build("classifiers", f"audibility:paper(weights={found['weights']})")
    check_classifier(built)
    assert built.labels == ("audible", "inaudible")
    learnt = [path.read_text("utf-8").split("\n")[:40] for path in few]
    means = [built.probabilities(lines)[:, 0].mean() for lines in learnt]
    assert means[0] > means[1] + 0.2


def test_same_command_gives_the_same_bytes(
    base: Path, few: tuple[Path, Path], tmp_path: Path
) -> None:
    twice = [
        train(options(base, few, steps=3), Workshop(), tmp_path / name)["sha256"] for name in "ab"
    ]
    assert twice[0] == twice[1]


def test_rate_falls_to_a_tenth_after_every_ten_of_forty_epochs() -> None:
    settings = StepwiseSettings(steps=4000, learning_rate=3e-4, stage=1000)
    rates = [settings.learning_rate * settings.rate_at(step) for step in (0, 999, 1000, 3999)]
    assert np.allclose(rates, [3e-4, 3e-4, 3e-5, 3e-7])


def test_outputs_without_names_must_be_named_in_their_order(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "nameless"
    model = DistilBertForSequenceClassification.from_pretrained(base, num_labels=2)
    with torch.no_grad():
        model.classifier.bias.copy_(torch.tensor([0.0, 9.0]))  # the second output says yes
    model.save_pretrained(folder)
    BertTokenizerFast.from_pretrained(base).save_pretrained(folder)
    with pytest.raises(BadOption, match="does not say what"):
        load_folder(folder, None)
    expression = f"classifier(weights={folder}, labels=[inaudible, audible])"
    built = Workshop().build("classifiers", expression)
    assert built.probabilities(["rain falls"])[0, built.labels.index("audible")] > 0.9


def test_model_without_a_head_is_refused_and_not_given_a_random_one(base: Path) -> None:
    with pytest.raises(BadData, match="without a head") as caught:
        load_folder(base, None)
    assert "--preset paper" in caught.value.hint


def test_nan_in_a_folder_is_refused_by_name(base: Path, tmp_path: Path) -> None:
    model = DistilBertForSequenceClassification.from_pretrained(base, id2label={0: "a", 1: "b"})
    with torch.no_grad():
        model.classifier.bias[0] = torch.nan
    model.save_pretrained(tmp_path / "nan")
    BertTokenizerFast.from_pretrained(base).save_pretrained(tmp_path / "nan")
    with pytest.raises(BadData, match=r"classifier\.bias"):
        load_folder(tmp_path / "nan", None)


def test_base_that_is_no_transformer_is_told(few: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(MissingAsset, match="holds no transformer"):
        train(options(tmp_path / "nothing", few), Workshop(), tmp_path / "out")


def test_folder_that_is_no_transformer_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="cannot be read"):
        load_folder(tmp_path, None)

"""Training a classifier from the command line down to its bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from aacbench.builtin.classifiers.loading import load_classifier
from aacbench.builtin.classifiers.options import ClassifierTrainOptions
from aacbench.builtin.classifiers.train import prepare, train
from aacbench.catalog import validate
from aacbench.cli.train import _read
from aacbench.errors import BadData, BadOption
from aacbench.workshop import Workshop

MAIN = [sys.executable, "-c", "from aacbench.cli import main; main()"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def judge_options(files: tuple[Path, Path], **more: object) -> ClassifierTrainOptions:
    given = {"positives": files[0], "negatives": files[1], "preset": "judge", "steps": 4}
    return ClassifierTrainOptions(**{**given, **more})


def test_judge_is_trained_twice_to_the_same_bytes(few: tuple[Path, Path], tmp_path: Path) -> None:
    options = judge_options(few)
    first, again = (train(options, Workshop(), tmp_path / name) for name in ("one", "two"))
    assert first["sha256"] == again["sha256"]
    assert (
        train(judge_options(few, seed=1), Workshop(), tmp_path / "three")["sha256"]
        != (first["sha256"])
    )


@pytest.mark.slow
def test_mini_is_trained_twice_to_the_same_bytes(few: tuple[Path, Path], tmp_path: Path) -> None:
    options = judge_options(few, preset="mini")
    found = [train(options, Workshop(), tmp_path / name) for name in ("one", "two")]
    assert found[0]["sha256"] == found[1]["sha256"]
    loaded = Workshop().build("classifiers", f"classifier(weights={found[0]['weights']})")
    assert loaded.probabilities(["rain"]).shape == (1, 2)


def test_files_need_no_option_names_on_the_command_line(
    few: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    made = ["--preset", "judge", "--steps", "3", "--labels", "heard, unheard"]
    done = subprocess.run(
        [*MAIN, "train", "classifier", *map(str, few), "--out", str(out), *made, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["options"]["positives"] == str(few[0])
    weights = out / "classifier-judge.safetensors"
    assert record["figures"]["sha256"] in weights.with_suffix(".md").read_text("utf-8")
    assert load_classifier(weights).labels == ("heard", "unheard")
    assert not (out / "checkpoint.pt").exists()


def test_positional_words_and_named_options_mix_in_any_order() -> None:
    names = ("positives", "negatives")
    given = _read(["yes.txt", "--seed", "3", "1.txt", "half=first"], names)
    assert given == {"positives": "yes.txt", "seed": 3, "negatives": "1.txt", "half": "first"}


def test_path_with_an_equals_sign_is_a_path() -> None:
    assert _read(["./a=b.txt"], ("positives",)) == {"positives": "./a=b.txt"}


def test_third_file_is_one_too_many() -> None:
    with pytest.raises(BadOption, match="one word too many") as caught:
        _read(["a.txt", "b.txt", "c.txt"], ("positives", "negatives"))
    assert "POSITIVES NEGATIVES" in caught.value.hint


def test_part_without_positional_options_still_wants_names() -> None:
    with pytest.raises(BadOption, match="has no value"):
        _read(["a.txt"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"positives": "a.txt"}, "two files"),
        ({"labels": ["same", "same"]}, "differ"),
        ({"graft": 0.9}, "more than 1"),
        ({"generate": "default"}, "go together"),
        ({"preset": "paper"}, "--base"),
        ({"half": "third"}, "half"),
    ],
)
def test_options_that_cannot_be_are_refused(given: dict[str, object], told: str) -> None:
    with pytest.raises(BadOption, match=told):
        validate(ClassifierTrainOptions, given, "aacbench train classifier")


def test_positive_column_goes_by_name_when_labels_are_turned(
    few: tuple[Path, Path], tmp_path: Path
) -> None:
    found = train(judge_options(few, steps=60), Workshop(), tmp_path)
    path = Path(found["weights"])
    plain, turned = load_classifier(path), load_classifier(path, ("silent", "audible"))
    assert plain.labels.index("audible") == 0
    assert turned.labels.index("audible") == 1
    with pytest.raises(BadOption, match="2 outputs, not 1"):
        load_classifier(path, ("audible",))


def test_shuffled_labels_are_learnt_from_and_never_measured_by(few: tuple[Path, Path]) -> None:
    plain, control = (
        prepare(judge_options(few, shuffle_labels=shuffle), Workshop(), few[0].parent)
        for shuffle in (False, True)
    )
    assert plain.learning.texts == control.learning.texts
    assert (plain.learning.positive != control.learning.positive).mean() > 0.2
    assert plain.learning.positive.sum() == control.learning.positive.sum()
    assert (plain.held_out.positive == control.held_out.positive).all()


def test_halves_learn_from_different_sentences(few: tuple[Path, Path]) -> None:
    first, second = (
        prepare(judge_options(few, half=half), Workshop(), few[0].parent)
        for half in ("first", "second")
    )
    assert not set(first.learning.texts) & set(second.learning.texts)
    assert first.held_out.texts == second.held_out.texts


def test_too_few_sentences_for_a_half_is_told(tmp_path: Path) -> None:
    paths = tmp_path / "yes.txt", tmp_path / "no.txt"
    paths[0].write_text("Rain falls.")
    paths[1].write_text("A red coat.")
    with pytest.raises(BadData, match="holds not both kinds") as caught:
        prepare(judge_options(paths, half="first"), Workshop(), tmp_path)
    assert "--half all" in caught.value.hint


def _rewritten(source: Path, target: Path, **changed: torch.Tensor) -> Path:
    with safe_open(source, "pt") as opened:
        metadata = opened.metadata()
    save_file({**load_file(source), **changed}, target, metadata)
    return target


def test_weights_with_nan_are_refused_by_name(tmp_path: Path) -> None:
    from importlib.resources import files

    source = Path(str(files("aacbench.builtin.classifiers"))) / "weights"
    for name, tensor in (("mini", "network.runs"), ("judge", "table")):
        shipped = source / f"audibility-{name}.safetensors"
        broken = load_file(shipped)[tensor].clone()
        broken[0, 0] = torch.nan
        path = _rewritten(shipped, tmp_path / f"{name}.safetensors", **{tensor: broken})
        with pytest.raises(BadData, match="NaN") as caught:
            load_classifier(path)
        assert tensor in caught.value.message


def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.safetensors"
    text.write_text("no tensors here")
    with pytest.raises(BadData, match="not a safetensors file"):
        load_classifier(text)
    other = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, other)
    with pytest.raises(BadData, match="no classifier"):
        load_classifier(other)


def test_classifier_without_weights_says_how_to_make_some() -> None:
    for expression in ("classifier", "audibility:paper"):
        with pytest.raises(BadOption, match="names no weights") as caught:
            Workshop().build("classifiers", expression)
        assert "aacbench train classifier" in caught.value.hint


def test_own_weights_stand_in_for_those_that_ship(few: tuple[Path, Path], tmp_path: Path) -> None:
    found = train(judge_options(few), Workshop(), tmp_path)
    own = Workshop().build("classifiers", f"audibility:mini(weights={found['weights']})")
    shipped = Workshop().build("classifiers", "audibility:mini")
    texts = ["rain falls", "a red coat"]
    assert np.abs(own.probabilities(texts) - shipped.probabilities(texts)).max() > 1e-3

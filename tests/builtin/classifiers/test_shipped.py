"""The weights that ship: what their cards say is so, and they never fail whoever guides by them."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from aacbench import catalog
from aacbench.builtin.classifiers import measure
from aacbench.builtin.classifiers.groups import deal, near_duplicates
from aacbench.builtin.classifiers.sentences import read_sentences, words_of
from aacbench.testing import check_classifier
from aacbench.workshop import Workshop

WEIGHTS = Path(str(files("aacbench.builtin.classifiers"))) / "weights"
ODD = ["", " ", "\x00\ud800", "日本語", "....", "x" * 50_000, "red " * 5000, "Ça sonne déjà", "🔔"]
PRESETS = ("mini", "judge")


@pytest.fixture(scope="module", params=PRESETS)
def classifier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield Workshop().build("classifiers", f"audibility:{request.param}")


def test_keeps_the_contract(classifier) -> None:
    check_classifier(classifier)
    assert "audible" in classifier.labels


def test_odd_text_gets_probabilities_and_never_nan(classifier) -> None:
    found = classifier.probabilities(ODD)
    assert np.isfinite(found).all()
    assert np.allclose(found.sum(1), 1, atol=1e-6)
    assert classifier.probabilities([]).shape == (0, 2)


def test_text_is_scored_alike_in_any_company(aacbench_shared: Path) -> None:
    lines = (aacbench_shared / "data" / "audibility" / "audible.txt").read_text("utf-8")
    texts = [line for line in lines.split("\n") if line][:700]
    mini = Workshop().build("classifiers", "audibility:mini")
    together = mini.probabilities(texts)
    among_long = mini.probabilities([*texts[:40], "a dog barks and " * 60])[:40]
    alone = np.concatenate([mini.probabilities([text]) for text in texts[:40]])
    fresh = Workshop().build("classifiers", "audibility:mini").probabilities(texts[::-1])[::-1]
    assert np.abs(together[:40] - alone).max() <= 1e-6
    assert np.abs(together[:40] - among_long).max() <= 1e-6
    assert np.abs(together - fresh).max() <= 1e-6


def test_more_words_than_are_remembered_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aacbench.builtin.classifiers.mini.REMEMBERED", 50)
    mini = Workshop().build("classifiers", "audibility:mini")
    texts = [f"a {letter * size} rings" for letter in "abcdefgh" for size in range(1, 12)]
    together = np.concatenate([mini.probabilities([text]) for text in [*texts, *texts]])
    assert np.abs(together[: len(texts)] - together[len(texts) :]).max() <= 1e-6


def test_case_and_full_stop_are_not_read() -> None:
    mini = Workshop().build("classifiers", "audibility:mini")
    found = mini.probabilities(["A dog barks.", "a dog barks", "A DOG BARKS"])
    assert np.ptp(found, 0).max() <= 1e-6


def test_something_unseen_lowers_a_caption_wherever_it_stands() -> None:
    mini = Workshop().build("classifiers", "audibility:mini")
    plain, *spoilt = mini.probabilities(
        [
            "Rain falls while thunder rolls loudly",
            "Rain falls while thunder rolls loudly and a yellow sofa stands by the wall",
            "A yellow sofa stands by the wall while rain falls and thunder rolls loudly",
        ]
    )[:, mini.labels.index("audible")]
    assert all(value < plain - 0.2 for value in spoilt)


def test_mini_is_as_good_on_held_out_groups_as_its_header_says(
    audibility: tuple[Path, Path],
) -> None:
    sentences = read_sentences(*audibility)
    dealt = deal(sentences.texts, near_duplicates(sentences.texts))
    held_out = sentences.at(dealt["held_out"])
    mini = Workshop().build("classifiers", "audibility:mini")
    found = measure.probability(mini, "audible", held_out.texts)
    told = measure.told_apart(found, held_out.positive)
    assert told["n"] == mini.held_out["n"]
    assert told["accuracy"] == pytest.approx(mini.held_out["accuracy"], abs=1e-3)
    assert told["accuracy"] >= 0.93


def test_judge_knows_held_out_sentences_too(
    audibility: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sentences = read_sentences(*audibility)
    dealt = deal(sentences.texts, near_duplicates(sentences.texts))
    some = sentences.at(dealt["held_out"] & (np.arange(len(sentences)) % 97 == 0))
    judge = Workshop().build("classifiers", "audibility:judge")
    found = measure.probability(judge, "audible", some.texts)
    assert ((found >= 0.5) == some.positive).mean() >= 0.85
    assert judge.held_out["accuracy"] >= 0.9


def test_judge_shares_no_model_and_no_half_with_the_guide() -> None:
    mini, judge = (catalog.choose("classifiers", f"audibility:{name}") for name in PRESETS)
    assert not catalog.models(mini) & catalog.models(judge)
    halves = [catalog.trained_on(choice).classifier for choice in (mini, judge)]
    assert None not in halves
    assert not set(halves[0]) & set(halves[1])


def test_cards_name_the_bytes_that_ship() -> None:
    shipped = sorted(WEIGHTS.glob("*.safetensors"))
    assert [path.stem for path in shipped] == ["audibility-judge", "audibility-mini"]
    assert sum(path.stat().st_size for path in shipped) <= 3_000_000
    for path in shipped:
        card = path.with_suffix(".md").read_text("utf-8")
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card


def test_cards_hold_no_sentence_of_the_lists(audibility: tuple[Path, Path]) -> None:
    sentences = {" ".join(words_of(text)) for text in read_sentences(*audibility).texts}
    for path in WEIGHTS.glob("*.md"):
        text = " ".join(words_of(path.read_text("utf-8")))
        told = re.escape
        found = [one for one in sentences if len(one) > 15 and re.search(rf"\b{told(one)}\b", text)]
        assert not found

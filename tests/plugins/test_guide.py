"""`guide`: the plain algorithm as the oracle, and what goes wrong in people's hands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plain_guide import compare

import aacbench
from aacbench import catalog
from aacbench.decoding import Decoding, decode
from aacbench.errors import AacbenchError, BadOption, PluginFault
from aacbench.types import Classifier
from aacbench.workshop import Workshop
from aacbench_guide.guide import ClassifierGuide
from aacbench_guide.options import GuideOptions

LONGEST = 24
REAL = ("clotho_validation", "clotho_evaluation", "audiocaps_test")
GREEDY = Decoding(beams=1, max_tokens=LONGEST)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield Workshop()


@pytest.fixture(scope="module")
def nac(workshop: Workshop) -> Any:
    return workshop.build("captioners", "nac:mini@events")


@pytest.fixture(scope="module")
def audible(workshop: Workshop) -> Classifier:
    return workshop.build("classifiers", "audibility:mini")


def validation_clips(workshop: Workshop, count: int) -> list[aacbench.Clip]:
    dataset = workshop.build("datasets", "soundbox-events(cache=false)")
    return list(dataset.clips("validation")[:count])


def shipped(**changes: Any) -> GuideOptions:
    """The options of the preset that ships, with `changes`."""
    choice = catalog.choose("guides", "guide:mini")
    return GuideOptions(**{**choice.options.model_dump(), **changes})


# --- the plain algorithm as the oracle ------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("number", [24, pytest.param(200, marks=pytest.mark.exhaustive)])
def test_clips_are_guided_as_the_plain_algorithm_does_in_batches_of_1_7_and_32(
    workshop: Workshop, nac: Any, audible: Classifier, number: int
):
    several = validation_clips(workshop, number)
    found = compare(nac, audible, shipped(), several, (1, 7, 32), LONGEST)
    assert found.most <= max(1, number // 100), found.ties
    assert len(set(found.expected.values())) > number // 2


@pytest.mark.slow
@pytest.mark.parametrize("number", [3, pytest.param(32, marks=pytest.mark.exhaustive)])
def test_so_are_they_with_512_candidates_classified_anew_at_every_step_as_published(
    workshop: Workshop, nac: Any, audible: Classifier, number: int
):
    several = validation_clips(workshop, number)
    found = compare(nac, audible, GuideOptions(), several, (1, 7, 32), 8)
    assert found.most <= max(1, number // 32), found.ties


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_real_language_model_is_guided_so_on_real_clips(
    workshop: Workshop, audible: Classifier, aacbench_shared: Path
):
    try:
        small = workshop.build("captioners", "nac:small@clotho")
    except AacbenchError as error:
        pytest.skip(str(error))
    folders = (aacbench_shared / "data" / "audio" / name for name in REAL)
    several = [aacbench.Clip(p.stem, p) for f in folders for p in sorted(f.glob("*.wav"))]
    assert len(several) == 27
    options = GuideOptions(candidates=32, steps=2, step_size=1.0)
    found = compare(small, audible, options, several, (1, 7, 32), 12)
    assert found.most <= 1, found.ties


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "target", "candidates": 64, "norm_exponent": 0.9, "step_size": 0.3},
        {"loss": "posterior", "temperature": 1.0},
        {"loss": "posterior", "candidates": 1},
        {"fluency_weight": 1.0, "fusion": 0.9},
    ],
    ids=str,
)
def test_every_form_of_the_loss_is_the_plain_algorithms(
    workshop: Workshop, nac: Any, audible: Classifier, changes: dict[str, Any]
):
    several = validation_clips(workshop, 8)
    found = compare(nac, audible, shipped(**changes), several, (1, 7), LONGEST)
    assert found.most <= 1, found.ties


# --- what a guide is for --------------------------------------------------------------------------


class Letters:
    """A classifier that is easily checked: the more often a letter occurs, the likelier "many"."""

    labels = ("few", "many")

    def __init__(self, letter: str = "o") -> None:
        self.letter = letter
        self.read: list[str] = []

    def probabilities(self, texts: Sequence[str]) -> Any:
        self.read.extend(texts)
        many = np.array([min(1.0, text.count(self.letter) / 8) for text in texts], np.float32)
        return np.stack([1 - many, many], 1)


def steered(nac: Any, several: Sequence[aacbench.Clip], *guides: ClassifierGuide) -> list[str]:
    return [caption.text for caption in decode(nac, several, GREEDY, guides)]


def letters(texts: list[str]) -> float:
    """How much of the texts is the letter that `Letters` looks for."""
    return sum(text.count("o") for text in texts) / sum(map(len, texts))


def test_any_classifier_drives_and_its_label_is_found_by_name(workshop: Workshop, nac: Any):
    several = validation_clips(workshop, 12)
    strong = {"step_size": 10.0, "classifier_weight": 1.0}
    more = ClassifierGuide(Letters(), shipped(label="many", **strong))
    fewer = ClassifierGuide(Letters(), shipped(label="few", **strong))

    plain = letters(steered(nac, several))
    assert letters(steered(nac, several, fewer)) < plain < letters(steered(nac, several, more))


def test_two_classifiers_that_want_opposite_things_meet_between(workshop: Workshop, nac: Any):
    several = validation_clips(workshop, 12)
    strong = {"step_size": 10.0, "classifier_weight": 1.0}
    few, many = (
        ClassifierGuide(Letters(), shipped(label=label, **strong)) for label in ("few", "many")
    )
    both = letters(steered(nac, several, few, many))
    assert letters(steered(nac, several, few)) < both < letters(steered(nac, several, many))


def test_with_weight_0_the_captions_are_the_captioners_own(workshop: Workshop, nac: Any):
    several = validation_clips(workshop, 12)
    idle = ClassifierGuide(Letters(), shipped(label="many", classifier_weight=0.0))
    assert steered(nac, several, idle) == steered(nac, several)


def test_one_candidate_leaves_nothing_to_choose(workshop: Workshop, nac: Any):
    several = validation_clips(workshop, 12)
    only = ClassifierGuide(Letters(), shipped(label="many", candidates=1, loss="expectation"))
    assert steered(nac, several, only) == steered(nac, several)


def test_more_candidates_than_words_are_all_the_words(workshop: Workshop, nac: Any):
    (clip,) = validation_clips(workshop, 1)
    classifier = Letters()
    guide = ClassifierGuide(classifier, shipped(label="many", candidates=100_000, steps=1))
    assert steered(nac, [clip], guide)[0]
    assert len(classifier.read) >= nac.tokenizer.size - 2


def test_candidates_that_make_no_text_are_not_shown_to_the_classifier(nac: Any, workshop: Workshop):
    """The end as first token, or a lone space, leaves nothing to read."""
    (clip,) = validation_clips(workshop, 1)
    classifier = Letters()
    guide = ClassifierGuide(classifier, shipped(label="many", candidates=100_000, steps=1))
    steered(nac, [clip], guide)
    assert classifier.read
    assert all(text.strip() for text in classifier.read)


def test_a_classifier_without_the_label_is_refused_by_name():
    with pytest.raises(BadOption, match="has no label 'audible'"):
        ClassifierGuide(Letters(), shipped())


@pytest.mark.parametrize("value", [np.nan, 1.5, -0.1])
def test_a_classifier_that_gives_no_probability_is_refused_with_the_text(
    workshop: Workshop, nac: Any, value: float
):
    class Ill(Letters):
        def probabilities(self, texts: Sequence[str]) -> Any:
            return np.full((len(texts), 2), value, np.float32)

    guide = ClassifierGuide(Ill(), shipped(label="many", classifier="mine"))
    with pytest.raises(PluginFault, match=r"'mine' gave .* as the probability that '.+'"):
        steered(nac, validation_clips(workshop, 1), guide)


def test_a_classifier_that_gives_another_number_of_rows_is_refused(workshop: Workshop, nac: Any):
    class Short(Letters):
        def probabilities(self, texts: Sequence[str]) -> Any:
            return super().probabilities(texts)[:-1]

    guide = ClassifierGuide(Short(), shipped(label="many"))
    with pytest.raises(PluginFault, match="were due"):
        steered(nac, validation_clips(workshop, 1), guide)


# --- as people type it ----------------------------------------------------------------------------


def test_the_plugin_keeps_its_contract():
    from aacbench.testing import check_guide

    check_guide(ClassifierGuide(Letters(), shipped(label="many")))


def test_a_captioner_without_the_protocol_is_refused_by_name(workshop: Workshop):
    with pytest.raises(BadOption, match="'frequent' cannot be guided by 'guide'"):
        workshop.build("captioners", "frequent@soundbox-events+guide")


def test_an_expression_joins_captioner_and_guides(workshop: Workshop):
    joined = workshop.build("captioners", "nac:mini@events+guide+guide(label=inaudible)")
    (clip,) = validation_clips(workshop, 1)
    assert joined.caption([clip])[0].text
    assert [guide.verdicts.column for guide in joined.guides] == [0, 1]


def test_what_guided_a_caption_is_among_its_models(workshop: Workshop):
    models = catalog.models(catalog.choose("captioners", "nac:mini@events+guide"))
    assert "classifiers:builtin/audibility:mini" in models
    assert "guides:guide/guide:mini" in models


def test_a_killed_run_goes_on_and_prints_what_an_unbroken_one_does(tmp_path: Path):
    settings = {"target": "soundbox-events@validation(cache=false)", "batch_size": 4}
    whole = aacbench.run("nac:mini@events+guide", limit=8, out=tmp_path / "whole", **settings)
    first = aacbench.run("nac:mini@events+guide", limit=4, out=tmp_path / "parts", **settings)
    second = aacbench.run("nac:mini@events+guide", limit=8, out=tmp_path / "parts", **settings)
    assert first == second

    def texts(folder: Path) -> dict[str, str]:
        from aacbench.store import RunFolder

        records = RunFolder(folder).records()
        return {name: r.caption.text for name, r in records.items() if r.caption is not None}

    assert texts(second) == texts(whole)
    assert len(texts(whole)) == 8

"""Audibility: whose word counts, what is left out, and how far the judge can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from aacbench import catalog, testing
from aacbench.builtin import metrics
from aacbench.builtin.datasets.soundbox.dataset import Soundbox
from aacbench.builtin.datasets.soundbox.lexicon import inaudible_mentions
from aacbench.builtin.metrics.audibility import Audibility, TrueAudibility, judges_error
from aacbench.errors import BadOption, MissingAsset
from aacbench.specs import Choice, Factory, MetricSpec
from aacbench.stats import mcnemar_exact
from aacbench.types import Annotation, Caption, Event, Item, Span
from aacbench.workshop import Workshop

REGISTERED: dict[str, tuple[MetricSpec, Factory]] = {}
metrics.register(lambda spec, factory: REGISTERED.update({spec.name: (spec, factory)}))


class Keywords:
    """Colours cannot be heard, a purring cat just so, and all else can."""

    labels = ("unheard", "audible")
    held_out: dict[str, float] | None = None

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        audible = [0.1 if "red" in text else 0.5 if "cat" in text else 0.9 for text in texts]
        return np.array([[1 - p, p] for p in audible], np.float32).reshape(-1, 2)


class Shop:
    """A harness whose only classifier is `Keywords`."""

    device, seed, report = "cpu", 0, None

    def build(self, kind: str, expression: str) -> object:
        assert kind == "classifiers"
        return Keywords()

    def weights(self, choice: Choice) -> dict[str, object]:
        raise AssertionError(choice)


def item(caption: str | None, *references: str) -> Item:
    captions = () if caption is None else (Caption(caption),)
    return Item(str(caption), captions, Annotation(references, (Event("dog", 0.0, 1.0),)))


def judged() -> Audibility:
    return Audibility("aud:mini", Keywords(), "audible")


ITEMS = [
    item("a dog barks", "a red dog barks", "a dog barks", "  "),
    item("a red car", "a red car", "a red cart"),
    item("a cat purrs"),
    item("", "rain"),
    item("\ud800\x00", "rain"),
    item(None, "rain"),
]


def test_a_caption_counts_where_the_judge_gives_the_label_half_or_more() -> None:
    values = judged().score(ITEMS, {}).per_clip["aud:mini"]
    np.testing.assert_array_equal(values, [1, 0, 1, 0, 0, np.nan])


def test_a_reference_is_judged_as_a_caption_and_a_clip_is_the_mean_over_its_own() -> None:
    metric = judged()
    scores = metric.score_references(ITEMS)
    np.testing.assert_array_equal(scores.per_clip["aud:mini"], [0.5, 0, np.nan, 1, 1, 1])
    figure = metric.corpus(scores.statistics, np.ones((1, len(ITEMS))))["aud:mini"]
    np.testing.assert_allclose(figure, [3.5 / 5])
    nobody = metric.score_references([item("a dog")])
    assert np.isnan(nobody.per_clip["aud:mini"]).all()


def test_a_resample_gives_what_scoring_it_directly_gives() -> None:
    metric = judged()
    statistics = metric.score(ITEMS, {}).statistics
    drawn = [0, 0, 1, 5, 2, 2]
    weights = np.bincount(drawn, minlength=len(ITEMS))[None].astype(float)
    directly = metric.score([ITEMS[row] for row in drawn], {}).statistics
    assert metric.corpus(statistics, weights) == metric.corpus(directly, np.ones((1, 6)))
    np.testing.assert_allclose(metric.corpus(statistics, weights)["aud:mini"], [4 / 5])


def test_many_captions_are_judged_in_order_and_progress_is_told() -> None:
    metric, told = judged(), []
    metric.report = lambda done, of: told.append((done, of))
    items = [item(f"a {'red car' if number % 3 else 'dog'} {number}") for number in range(150)]
    expected = [float(number % 3 == 0) for number in range(150)]
    assert metric.score(items, {}).per_clip["aud:mini"].tolist() == expected
    assert told == [(64, 150), (128, 150), (150, 150)]


def test_a_label_that_the_judge_does_not_have_is_named() -> None:
    with pytest.raises(BadOption, match="no label 'loud'") as caught:
        Audibility("aud:mini", Keywords(), "loud")
    assert "audible" in caught.value.hint


@pytest.mark.parametrize(
    ("options", "figure"),
    [
        ({}, "aud:mini"),
        ({"classifier": "audibility:paper"}, "aud"),
        ({"classifier": "audibility:paper(weights=/a/folder)"}, "aud"),
        ({"classifier": "audibility:mini"}, "aud:custom"),
        ({"classifier": "audibility:judge(weights=mine)"}, "aud:custom"),
        ({"positive_label": "unheard"}, "aud:custom"),
    ],
)
def test_the_field_s_name_is_kept_for_the_field_s_judge(
    options: dict[str, str], figure: str
) -> None:
    spec, factory = REGISTERED["aud"]
    assert spec.options is not None
    metric = factory(Choice("metrics", spec, "aud", spec.options(**options)), Shop())
    assert set(metric.score(ITEMS, {}).per_clip) == {figure}
    assert figure in {known.id for known in spec.figures}


def test_the_judge_s_own_error_is_said_beside_the_figure() -> None:
    held_out = {"n": 400, "error": 0.05, "false_audible": 0.08, "false_inaudible": 0.02}
    assert judges_error(held_out) == (
        "the judge errs on 5.0 % [3.3, 7.6] of 400 held-out sentences, "
        "2.0 % of the audible and 8.0 % of the others"
    )
    assert judges_error({"n": 400, "error": 0.05}).endswith("held-out sentences")
    assert judged().notes() == {"aud:mini": "the judge's own error is not known"}


def test_where_the_truth_is_known_the_judge_s_error_on_this_target_is_said() -> None:
    marked = (Span(1, 2, 5), Span(2, 2, 5))
    truth = Annotation(("a dog", "a red dog", "a big dog", "a red ant"), inaudible=marked)
    metric = judged()
    metric.score_references([Item("a", (Caption("a dog"),), truth)])
    assert metric.notes()["aud:mini"].endswith(
        "it calls 50.0 % audible where all can be heard, 50.0 % where something cannot"
    )
    metric = judged()
    metric.score_references(ITEMS)
    assert "references" not in metric.notes()["aud:mini"], "nothing is marked in these"


def test_two_captioners_are_told_apart_by_an_exact_test_on_the_clips() -> None:
    said = ["a dog"] * 8 + ["a red car"] * 2
    other = ["a red dog"] * 7 + ["a dog"] * 2 + ["a red car"]
    first, second = (
        judged().score([item(text) for text in texts], {}).per_clip["aud:mini"]
        for texts in (said, other)
    )
    only_first = int(((first == 1) & (second == 0)).sum())
    only_second = int(((first == 0) & (second == 1)).sum())
    assert (only_first, only_second) == (7, 1)
    assert mcnemar_exact(only_first, only_second) == pytest.approx(2 * 9 / 2**8)


def test_true_audibility_agrees_with_the_stretches_that_the_generator_marked() -> None:
    marked_any = 0
    for domain in ("events", "scenes"):
        annotations = Soundbox(domain).annotations("test")
        for name in list(annotations)[:60]:
            truth = annotations[name]
            items = [Item(name, (Caption(text),), truth) for text in truth.references]
            found = TrueAudibility(inaudible_mentions).score(items, {}).per_clip["aud_true"]
            marked = {span.reference for span in truth.inaudible}
            assert found.tolist() == [float(n not in marked) for n in range(len(items))]
            marked_any += len(marked)
    assert marked_any > 20, "the sample holds references with inaudible stretches"


def test_true_audibility_asks_for_the_truth() -> None:
    bare = Item("a", (Caption("a red dog"),), Annotation(("a dog",)))
    metric = TrueAudibility(inaudible_mentions)
    assert np.isnan(metric.score([bare], {}).per_clip["aud_true"]).all()
    assert np.isnan(metric.score_references([bare]).per_clip["aud_true"]).all()
    assert REGISTERED["aud_true"][0].needs == ("events",)


def test_both_keep_the_contract() -> None:
    testing.check_metric(judged(), REGISTERED["aud"][0])
    testing.check_metric(TrueAudibility(inaudible_mentions), REGISTERED["aud_true"][0])
    for name in ("aud", "aud_true"):
        testing.check_spec(REGISTERED[name][0], "metrics")


def test_the_judge_that_ships_judges_real_captions_and_owns_up_to_its_error() -> None:
    try:
        catalog.weights(catalog.choose("classifiers", "audibility:judge"))
    except MissingAsset:
        pytest.skip("the weights of audibility:judge do not ship yet")
    said = ["a dog barks loudly while rain falls", "birds chirp and a car drives by"]
    seen = ["a tall woman in a red dress is smiling", "the sky is blue over a green meadow"]
    metric = Workshop().build("metrics", "aud")
    values = metric.score([item(text) for text in [*said, *seen]], {}).per_clip["aud:mini"]
    assert values.tolist() == [1, 1, 0, 0]
    assert "held-out sentences" in metric.notes()["aud:mini"]

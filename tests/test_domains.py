"""In-domain, out-of-domain or unknown: what was learnt from against what is judged on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from aacbench import catalog
from aacbench.config import RunSettings, annotations_of, domain, plan
from aacbench.domains import judge
from aacbench.specs import DatasetSpec, TrainedOn
from aacbench.types import Annotation
from aacbench.workshop import Workshop

TARGET = DatasetSpec(
    name="clotho",
    summary="",
    splits=("development", "evaluation"),
    default_split="evaluation",
    derived_from=("freesound",),
)
HELD = {
    "a": Annotation(("rain",), source_id="freesound:1"),
    "b": Annotation(("wind",), source_id="freesound:2"),
    "c": Annotation(("hail",)),
}
ELSEWHERE: Mapping[str, Mapping[str, Annotation]] = {
    "wavcaps/train": {"x": Annotation(("rain",), source_id="freesound:2")},
    "audiocaps/train": {"y": Annotation(("rain",), source_id="youtube:2:0"), "z": Annotation(())},
}


def verdict(**parts: tuple[str, ...] | None):
    return judge(TrainedOn(**parts), TARGET, "evaluation", HELD, ELSEWHERE.get)


def test_another_split_of_the_target_is_in_domain():
    found = verdict(captions=("clotho/development",))
    assert (found.caption, found.strict) == ("in", "in")
    assert "clotho/development" in found.reason


def test_the_collection_that_the_target_was_taken_from_is_in_domain():
    assert verdict(captions=("freesound",)).caption == "in"


def test_shared_recordings_make_it_in_domain_and_are_counted():
    found = verdict(captions=("wavcaps/train",))
    assert found.caption == "in"
    assert "1 recordings" in found.reason


def test_recordings_without_a_source_are_not_taken_for_shared():
    assert verdict(captions=("audiocaps/train",)).caption == "out"


def test_an_encoder_that_heard_the_target_counts_in_the_strict_verdict_alone():
    found = verdict(captions=("audiocaps/train",), encoder=("freesound",))
    assert (found.caption, found.strict) == ("out", "in")
    assert found.reason.startswith("encoder")


def test_what_nobody_knows_is_unknown_unless_another_part_is_in_domain():
    assert verdict(captions=None).caption == "unknown"
    assert verdict(captions=None, knowledge_base=("clotho/development",)).caption == "in"
    found = verdict(encoder=None)
    assert (found.caption, found.strict) == ("out", "unknown")


def test_a_captioner_that_learnt_from_nothing_is_out_of_domain_everywhere():
    found = verdict()
    assert (found.caption, found.strict) == ("out", "out")
    assert "clotho" in found.reason


@pytest.mark.parametrize(
    ("captioner", "target", "caption"),
    [
        ("frequent@soundbox-events", "soundbox-events", "in"),
        ("frequent@soundbox-events", "soundbox-scenes", "out"),
        ("random@soundbox-scenes", "soundbox-scenes@validation", "in"),
    ],
)
def test_baselines_are_judged_by_the_data_set_after_the_at(captioner, target, caption):
    assert domain(plan(RunSettings(captioner=captioner, target=target))).caption == caption


def test_the_annotations_of_names_that_are_no_data_sets_are_not_at_hand():
    workshop = Workshop()
    for name in ("audioset", "all-MiniLM-L6-v2 training text", "no such/thing"):
        assert annotations_of(workshop, *name.partition("/")[::2]) is None
    assert annotations_of(workshop, "soundbox-events", "train")


def test_real_clotho_and_real_audiocaps_share_no_recording(aacbench_shared, tmp_path, monkeypatch):
    for name in ("clotho", "audiocaps"):
        (tmp_path / name).mkdir()
        for table in (aacbench_shared / "data/captions" / name).glob("*.csv"):
            (tmp_path / name / table.name).symlink_to(table)
    monkeypatch.setenv("AACBENCH_DATA", str(tmp_path))
    workshop = Workshop()
    clotho = catalog.find("datasets", "clotho").spec
    assert isinstance(clotho, DatasetSpec)
    held = annotations_of(workshop, "clotho", "evaluation")
    assert held is not None
    for name, expected in (("audiocaps/train", "out"), ("clotho/development", "in")):
        learnt = TrainedOn(captions=(name,))
        found = judge(
            learnt,
            clotho,
            "evaluation",
            held,
            lambda which: annotations_of(workshop, *which.partition("/")[::2]),
        )
        assert found.caption == expected

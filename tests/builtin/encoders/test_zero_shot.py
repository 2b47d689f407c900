"""The zero-shot benchmark: that it finds the real clips, and counts as it says."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from aacbench.types import Clip

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "zero_shot.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    import sys

    found = spec_from_file_location("zero_shot", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    sys.modules["zero_shot"] = module
    found.loader.exec_module(module)
    return module


class Letters:
    """An encoder for counting by hand: a text or a clip's id points where its letters do."""

    dim = 26

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.array(
            [[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
        )
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def embed_audio(self, clips: Sequence[Clip]) -> np.ndarray:
        return self.embed_text([clip.id for clip in clips])


def clip(name: str) -> Clip:
    return Clip(name, Path("nowhere.wav"))


def test_classes_are_counted_in_all_and_one_by_one(script):
    clips = [
        script.Labelled(clip("dddooo"), ("dog",)),
        script.Labelled(clip("rrraaa"), ("rain",)),
        script.Labelled(clip("ggggdo"), ("rain",)),
    ]
    figures = script.classify(Letters(), clips)
    assert figures["accuracy"]["value"] == pytest.approx(2 / 3)
    assert figures["accuracy"]["low"] < 2 / 3 < figures["accuracy"]["high"]
    assert figures["by_class"] == {"dog": 1.0, "rain": 0.5}


def test_the_best_of_a_clips_own_captions_counts(script):
    clips = [
        script.Labelled(clip("aaab"), ("zzz", "aab")),
        script.Labelled(clip("qqq"), ("xxx", "qx")),
        script.Labelled(clip("mx"), ("kkk", "ttt")),
    ]
    figures = script.retrieve(Letters(), clips)
    assert figures["captions"] == 6
    assert figures["r1"]["value"] == pytest.approx(2 / 3)
    assert figures["r5"]["value"] == pytest.approx(1.0)


def test_every_esc10_clip_is_found_under_its_class(script, aacbench_shared):
    clips = script.esc10(aacbench_shared / "data")
    assert len(clips) == 300
    classes = [one.truth[0] for one in clips]
    assert sorted({classes.count(name) for name in classes}) == [30]
    assert "fire crackling" in classes


def test_every_real_clip_is_found_with_its_five_captions(script, aacbench_shared):
    clips = script.captioned(aacbench_shared / "data")
    assert len(clips) == 27
    assert {len(one.truth) for one in clips} == {5}

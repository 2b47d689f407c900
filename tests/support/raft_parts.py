"""Fixtures for tests of `raft`: real sounds and captions, and a model trained for some steps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from aacbench.types import Clip, Example
from aacbench.workshop import Workshop
from aacbench_p2p.raft.captioner import Raft
from aacbench_p2p.raft.lesson import Lesson, gather
from aacbench_p2p.raft.options import RaftTrainOptions
from aacbench_p2p.raft.train import train
from aacbench_p2p.raft.words import LearntWords

SMALL: dict[str, Any] = {
    "captions": "soundbox-events",
    "limit": 30,
    "align_steps": 12,
    "align_batch": 8,
    "tune_steps": 6,
    "tune_batch": 8,
    "tune_rate": 1e-2,
    "warmup": 0,
    "width": 32,
    "heads": 2,
    "layers": 1,
    "inner": 48,
    "hidden": 24,
    "vocabulary": 300,
    "shots": 3,
    "fewest_shots": 1,
    "tune_language_model": False,
    "checkpoint_every": 4,
}


def options(**more: Any) -> RaftTrainOptions:
    return RaftTrainOptions(**{**SMALL, **more})


@pytest.fixture(scope="module", autouse=True)
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """With a cache of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("AACBENCH_DATA", raising=False)
        yield Workshop()


@pytest.fixture(scope="module")
def encoder(workshop: Workshop) -> Any:
    return workshop.build("encoders", "clap:mini")


@pytest.fixture(scope="module")
def lesson(workshop: Workshop, encoder: Any) -> Lesson:
    return gather(options(), workshop, encoder, "soundbox-events", True, True)


@pytest.fixture(scope="module")
def words(lesson: Lesson) -> LearntWords:
    return LearntWords.learn(lesson.captions, 300)


@pytest.fixture(scope="module")
def trained(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("raft")
    figures = train(options(), workshop, out)
    assert figures["learning"]["tuning-alone"] < figures["learning"]["aligning"]
    return out / "raft.safetensors"


@pytest.fixture(scope="module")
def raft(trained: Path, workshop: Workshop) -> Raft:
    return workshop.build("captioners", f'raft(weights="{trained}", beams=2, max_tokens=12)')


@pytest.fixture(scope="module")
def mini(workshop: Workshop) -> Raft:
    return workshop.build("captioners", "raft:mini@events(beams=3)")


@pytest.fixture(scope="module")
def clips(workshop: Workshop) -> list[Clip]:
    return list(workshop.build("datasets", "soundbox-events").clips("validation")[:24])


@pytest.fixture(scope="module")
def pairs(workshop: Workshop, encoder: Any) -> list[Example]:
    """The first captions of sixty training clips, with their embeddings."""
    dataset = workshop.build("datasets", "soundbox-events")
    clips = dataset.clips("train")[:60]
    annotations = dataset.annotations("train")
    captions = [annotations[clip.id].references[0] for clip in clips]
    heard, said = encoder.embed_audio(clips), encoder.embed_text(captions)
    return [
        Example(clip.id, "soundbox-events/train", caption, 1.0, a, t, clip.source_id)
        for clip, caption, a, t in zip(clips, captions, heard, said, strict=True)
    ]


def some(pairs: Sequence[Example], counts: Sequence[int]) -> list[list[Example]]:
    """So many examples for each clip, all different."""
    going = itertools.cycle(pairs)
    return [[next(going) for _ in range(count)] for count in counts]

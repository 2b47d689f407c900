"""The guide beside the plain algorithm of its paper, and beside the same captioner unguided.

Shaulov et al.'s settings: 5 steps, all layers, 512 candidates classified anew at every step; one
beam; the classifier is `audibility:mini` for both sides. The plain algorithm is the one that tests
hold the guide against (`tests/support/plain_guide.py`). It takes seconds a token, so it is timed at
a few places of one caption, evenly spread, and its time a clip is that rate times the tokens of a
clip. Processor time of one thread: compare the ratios, never the seconds of two machines.

    pytest benchmarks/test_guided_speed.py -s
    AACBENCH_GUIDED_TOKENS=8 pytest benchmarks/test_guided_speed.py -s -k small
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import pytest
import torch
from plain_guide import Plain, Remembered

from aacbench.decoding import Decoding, GuidedCaptioner, decode
from aacbench.errors import AacbenchError
from aacbench.types import Caption, Classifier, Clip
from aacbench.workshop import Workshop
from aacbench_guide.guide import ClassifierGuide
from aacbench_guide.options import GuideOptions

TOKENS = int(os.environ.get("AACBENCH_GUIDED_TOKENS", "20"))
PLACES = 3
ROUNDS = 3
SETTINGS = Decoding(beams=1, max_tokens=TOKENS)
CAPTIONERS = {
    "nac:mini": os.environ.get("AACBENCH_NAC_MINI", "nac:mini@events"),
    "nac:small": os.environ.get("AACBENCH_NAC_SMALL", "nac:small@clotho"),
}
TIMES_AS_FAST = {1: 4, 32: 20}
TIMES_UNGUIDED = 15


@dataclass(frozen=True)
class Subject:
    """A captioner, its classifier, and clips whose sound was heard beforehand."""

    name: str
    captioner: Any
    classifier: Classifier
    clips: Sequence[Clip]
    heard: Remembered
    hearing: float  # seconds a clip


@pytest.fixture(scope="module", params=CAPTIONERS)
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield made(request.param)
    torch.set_num_threads(threads)


def made(name: str) -> Subject:
    """The captioner of this name, ready to be timed; skips where its weights are not at hand."""
    workshop = Workshop()
    try:
        captioner = workshop.build("captioners", CAPTIONERS[name])
        classifier = workshop.build("classifiers", "audibility:mini")
    except AacbenchError as error:
        pytest.skip(str(error))
    dataset = workshop.build("datasets", "soundbox-events(cache=false)")
    clips = list(dataset.clips("validation")[:32])
    captioner.open(clips[:1])
    hearing, heard = timed(lambda: Remembered(captioner, clips))
    return Subject(name, captioner, classifier, clips, heard, hearing / len(clips))


@pytest.fixture(scope="module")
def ratios() -> Iterator[list[str]]:
    """What was found; printed at the end."""
    found: list[str] = []
    yield found
    print("\n" + "\n".join(found))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of this process's processor time, and what came of it."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def chosen(captions: Sequence[Caption]) -> int:
    """How many tokens were chosen, ends included."""
    return sum(min(len(caption.tokens) + 1, TOKENS) for caption in captions)


def guided(subject: Subject, clips: Sequence[Clip], **changes: Any) -> list[Caption]:
    """By a guide that remembers nothing yet."""
    guide = ClassifierGuide(subject.classifier, GuideOptions(**changes))
    return decode(subject.heard, clips, SETTINGS, [guide])


def plain_rate(subject: Subject, caption: Caption, clip: Clip) -> float:
    """Seconds a token of the plain algorithm, at some places of a caption."""
    model = subject.captioner.model.language_model
    options = GuideOptions()
    plain = Plain(model, subject.captioner.tokenizer, subject.classifier, options)
    prefix = subject.heard.open([clip])
    length = len(caption.tokens)
    spent = 0.0
    for place in range(PLACES):
        said = list(caption.tokens[: length * (2 * place + 1) // (2 * PLACES)])
        spent += timed(lambda said=said: plain.next(prefix, said))[0]
    return spent / PLACES


@pytest.mark.parametrize("batch", [1, 32])
def test_the_guide_is_faster_than_the_plain_algorithm(
    benchmark: Any, subject: Subject, batch: int, ratios: list[str]
) -> None:
    clips = subject.clips[:batch]
    guided(subject, clips[:1])  # the classifier's words, and torch's first time
    found: list[tuple[float, list[Caption]]] = []
    benchmark.pedantic(
        lambda: found.append(timed(lambda: guided(subject, clips))),
        rounds=ROUNDS if batch == 1 else 1,
    )
    seconds = median(took for took, _ in found)
    captions = found[0][1]
    tokens = chosen(captions)
    plain = plain_rate(subject, captions[0], clips[0])
    times = plain * tokens / seconds
    benchmark.extra_info |= {"times_as_fast_as_plain": round(times, 1), "batch": batch}
    ratios.append(
        f"{subject.name}+guide, batch of {batch}: {times:.1f} times as fast as the plain "
        f"algorithm; {1e3 * seconds / tokens:.1f} ms a token and {seconds / batch:.2f} s a clip, "
        f"plain {1e3 * plain:.0f} ms and {plain * tokens / batch:.1f} s"
    )
    assert times >= TIMES_AS_FAST[batch], ratios[-1]


def test_what_guiding_costs_beside_the_captioner_alone(
    benchmark: Any, subject: Subject, ratios: list[str]
) -> None:
    """Whole captions, hearing included, in batches of 32; the words alone are printed too."""
    clips = subject.clips
    decode(subject.heard, clips[:2], SETTINGS)
    alone, captions = timed(lambda: decode(subject.heard, clips, SETTINGS))
    alone /= chosen(captions)
    times: dict[int, tuple[float, float]] = {}

    def measure(steps: int) -> None:
        took, found = timed(lambda: guided(subject, clips, steps=steps))
        words = chosen(found)
        heard = subject.hearing * len(clips)
        times[steps] = (heard + took) / (heard + alone * words), took / (alone * words)

    measure(1)
    measure(3)
    benchmark.pedantic(measure, (5,), rounds=1)
    benchmark.extra_info |= {
        f"times_unguided_at_{n}_steps": round(t, 2) for n, (t, _) in times.items()
    }
    for steps, (whole, words) in times.items():
        ratios.append(
            f"{subject.name}+guide(steps={steps}): {whole:.1f} times the captioner alone, "
            f"{words:.1f} times for the words without the hearing"
        )
    assert times[5][0] <= TIMES_UNGUIDED, ratios[-1]


def test_guided_captions_come_out_of_the_captioner_as_they_do_here(subject: Subject) -> None:
    """What is timed is what people get: the prefixes that were made beforehand change nothing."""
    guide = ClassifierGuide(subject.classifier, GuideOptions(steps=1))
    subject.captioner.decoding = SETTINGS
    whole = GuidedCaptioner(subject.captioner, [guide]).caption(subject.clips[:2])
    assert [c.tokens for c in whole] == [
        c.tokens for c in guided(subject, subject.clips[:2], steps=1)
    ]

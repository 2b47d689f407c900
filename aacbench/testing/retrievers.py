"""Checks of retrievers, of what goes around captioners, and of captioners that take examples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aacbench.overlap import recording
from aacbench.testing.rules import calling, expect, named, shown
from aacbench.testing.samples import sample_clips
from aacbench.types import Caption, Clip, Example, ExampleCaptioner, Retriever

K = 3
TOLERANCE = 1e-4
CAPTIONS = ("rain", "a dog barks", "wind", "a bell rings", "somebody speaks")
ALIKE = "Compare each clip with the base on its own, or in blocks of a fixed size."


def check_retriever(
    retriever: Retriever, clips: Sequence[Clip] | None = None, name: str | None = None
) -> None:
    """Check `encoder`, `needs_captions` and `retrieve`: at most k examples a clip, best first, none
    of its own recording, the same whatever else is asked for, and the first of more; and
    `similarities` where it is offered. Raises `PluginFault`."""
    part = named("retriever", retriever, name)
    sounds = list(sample_clips() if clips is None else clips)
    expect(
        isinstance(getattr(retriever, "encoder", None), str),
        part,
        f"encoder is {shown(getattr(retriever, 'encoder', None))}",
        "It is the expression of the encoder in whose space it looks, such as 'clap:mini'.",
    )
    needs = getattr(retriever, "needs_captions", None)
    expect(isinstance(needs, bool), part, f"needs_captions is {shown(needs)}", "Say True or False.")
    said = [CAPTIONS[at % len(CAPTIONS)] for at in range(len(sounds))] if needs else None
    together = _found(part, retriever, sounds, K, said)
    for clip, examples in zip(sounds, together, strict=True):
        _check_examples(part, clip, examples)
    for at, clip in enumerate(sounds):
        alone = _found(part, retriever, [clip], K, said and [said[at]])[0]
        expect(
            _alike(alone, together[at]),
            part,
            f"what is found for {clip.id} depends on what else is asked for",
            ALIKE,
        )
    more = _found(part, retriever, sounds, K + 2, said)
    expect(
        all(_alike(longer[:K], short) for longer, short in zip(more, together, strict=True)),
        part,
        f"the first {K} of {K + 2} are others than those for k={K}",
        "Rank by score alone, and break ties by the place in the base.",
    )
    _check_similarities(part, retriever, sounds)


def _found(
    part: str,
    retriever: Retriever,
    clips: Sequence[Clip],
    k: int,
    captions: Sequence[str] | None,
) -> list[list[Example]]:
    with calling(part, f"retrieve(clips, {k})", "Silence and 20 ms are sounds too."):
        found = [list(examples) for examples in retriever.retrieve(clips, k, captions)]
    expect(
        len(found) == len(clips),
        part,
        f"retrieve gave {len(found)} lists for {len(clips)} clips",
        "Give one a clip, in order; an empty one where nothing is found.",
    )
    return found


def _alike(some: Sequence[Example], others: Sequence[Example]) -> bool:
    """The same pairs in the same order; scores may differ by what rounding does in a batch."""
    pairs = [(one.clip_id, one.dataset, one.caption) for one in some]
    if pairs != [(one.clip_id, one.dataset, one.caption) for one in others]:
        return False
    gaps = [abs(one.score - other.score) for one, other in zip(some, others, strict=True)]
    return max(gaps, default=0.0) <= TOLERANCE


def _check_examples(part: str, clip: Clip, examples: Sequence[Any]) -> None:
    expect(
        all(isinstance(one, Example) for one in examples),
        part,
        f"retrieve gave {shown(examples)} for {clip.id}",
        "Give aacbench.Example objects.",
    )
    scores = [one.score for one in examples]
    expect(
        len(scores) <= K and np.isfinite(scores).all() and scores == sorted(scores, reverse=True),
        part,
        f"the scores for {clip.id} are {shown(scores)}",
        f"At most k={K}, finite, the best first.",
    )
    for one in examples:
        same = clip.source_id and one.source_id
        expect(
            not same or recording(str(clip.source_id)) != recording(str(one.source_id)),
            part,
            f"{clip.id} finds its own recording {one.source_id}",
            "Leave out pairs of the clip's recording: aacbench.overlap.recording compares them.",
        )
        for side, row in (("heard", one.heard), ("said", one.said)):
            expect(
                row.dtype == np.float32
                and row.ndim == 1
                and abs(float(np.linalg.norm(row)) - 1) < 1e-2,
                part,
                f"{side} of an example of {clip.id} is no float32 row of length 1",
                "Give the embeddings as the base holds them.",
            )


def _check_similarities(part: str, retriever: Any, clips: Sequence[Clip]) -> None:
    if not hasattr(retriever, "similarities"):
        return
    with calling(part, "similarities(clips, texts)", "Compare each clip with each text."):
        found = retriever.similarities(clips, CAPTIONS)
        alone = np.concatenate([retriever.similarities([clip], CAPTIONS) for clip in clips])
    expect(
        isinstance(found, np.ndarray)
        and found.shape == (len(clips), len(CAPTIONS))
        and np.isfinite(found).all(),
        part,
        f"similarities(clips, texts) gives {shown(getattr(found, 'shape', found))}",
        f"Finite float32, {(len(clips), len(CAPTIONS))} for these.",
    )
    expect(
        np.allclose(found, alone, atol=1e-5),
        part,
        "similarities of a clip depend on the other clips",
        ALIKE,
    )


class _Taker:
    """A captioner that says how many examples it was shown."""

    max_examples = 1000

    def caption(
        self, clips: Sequence[Clip], examples: Sequence[Sequence[Example]] | None = None
    ) -> list[Caption]:
        shown_each = [len(one) for one in examples] if examples is not None else [0] * len(clips)
        return [Caption(f"{number} examples") for number in shown_each]


def check_wrapper(wrapper: Any, name: str | None = None) -> None:
    """Check that ``around(captioner)`` gives a captioner that captions as one should. Raises
    `PluginFault`."""
    from aacbench.testing.captioners import check_captioner

    part = named("guide", wrapper, name)
    with calling(part, "around(captioner)", "It is given a captioner that takes examples."):
        wrapped = wrapper.around(_Taker())
    check_captioner(wrapped, name=f"{name or type(wrapper).__name__} around a captioner")


def check_examples(part: str, captioner: Any, clips: Sequence[Clip], plain: list[str]) -> None:
    """Check that no examples are as good as none asked for, where a captioner takes any."""
    if not isinstance(captioner, ExampleCaptioner):
        return
    expect(
        isinstance(captioner.max_examples, int) and captioner.max_examples >= 1,
        part,
        f"max_examples is {shown(captioner.max_examples)}",
        "It is the most examples that it can be shown: 1 or more.",
    )
    with calling(part, "caption(clips, examples)", "Examples may be fewer than were asked for."):
        without = [caption.text for caption in captioner.caption(clips, [[] for _ in clips])]
    expect(
        without == plain,
        part,
        "caption(clips, [[], ...]) says other things than caption(clips)",
        "Clips without examples are captioned as if none were asked for.",
    )


def sample_base(folder: Path, encoder: Any, expression: str) -> Path:
    """A knowledge base of the sample clips, for a retriever to be checked on."""
    from aacbench.knowledge.building import encoder_fingerprint
    from aacbench.knowledge.entries import Entry
    from aacbench.knowledge.writing import write

    clips = sample_clips()
    entries = [
        Entry(clip.id, "samples/all", CAPTIONS[at % len(CAPTIONS)], clip.source_id)
        for at, clip in enumerate(clips)
    ]
    heard = encoder.embed_audio(clips).astype(np.float16)
    said = encoder.embed_text([entry.caption for entry in entries]).astype(np.float16)
    fingerprint = encoder_fingerprint(expression)
    told = {"expression": expression, "fingerprint": fingerprint, "dim": encoder.dim}
    return write(folder / "samples", told, [(entries, heard, said)]).path

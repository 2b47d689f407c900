"""Whom to measure: a captioner, and beside a guided one the same captioner without its guides.

A guided search keeps fewer hypotheses than its captioner alone would, unless options say otherwise.
What the guide costs is its time over the captioner's at the same number of hypotheses; over the
captioner as it stands is told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aacbench import expressions
from aacbench.profiling.measuring import Sample, Subject
from aacbench.profiling.percentiles import paired_ratio
from aacbench.specs import Choice
from aacbench.types import Caption, Clip, GuidableCaptioner


def subject_of(choice: Choice, captioner: Any) -> Subject:
    """The captioner as it is used."""
    return Subject(choice.expression, captioner.caption)


def unguided(choice: Choice, captioner: Any) -> list[Subject]:
    """The captioner alone, as wide as the guided search and then, where that differs, as it
    stands; none for a captioner without guides."""
    if not choice.guides:
        return []
    from aacbench.decoding import decode

    alone = captioner.captioner
    own = alone.decoding
    settings = replace(own, beams=own.under(captioner.guides).width)

    def plain(clips: Sequence[Clip]) -> list[Caption]:
        return decode(alone, clips, settings)

    name = expressions.split_outside(choice.expression, "+")[0]
    found = [Subject(f"{name} at {_beams(settings.width)}", plain)]
    if own.width != settings.width:
        found.append(Subject(f"{name} at {_beams(own.width)}", alone.caption))
    return found


def _beams(width: int) -> str:
    return f"{width} beam" if width == 1 else f"{width} beams"


def cost(subjects: Sequence[Subject], taken: Sequence[Sequence[Sample]]) -> dict[str, Any] | None:
    """How many times as long the first subject takes as the second, and as the third."""
    if len(subjects) < 2:
        return None
    found = [
        {"against": subject.name, **_ratio(taken[0], theirs)}
        for subject, theirs in zip(subjects[1:], taken[1:], strict=True)
    ]
    return {**found[0], "as_it_stands": found[1] if len(found) > 1 else None}


def _ratio(ours: Sequence[Sample], theirs: Sequence[Sample]) -> dict[str, Any]:
    return vars(
        paired_ratio(
            [sample.seconds for sample in ours],
            [sample.seconds for sample in theirs],
            [sample.clip for sample in ours],
        )
    )


def to_first_token(captioner: Any) -> Subject | None:
    """The captioner stopped after one token; None where its words cannot be counted so."""
    alone = getattr(captioner, "captioner", captioner)
    if not isinstance(alone, GuidableCaptioner):
        return None
    from aacbench.decoding import Decoding, decode

    guides = getattr(captioner, "guides", ())
    if not isinstance(alone.decoding, Decoding):
        return None
    own = alone.decoding.under(guides)
    settings = replace(own, max_tokens=1, min_tokens=min(1, own.min_tokens), keep=1)
    return Subject("to the first token", lambda clips: decode(alone, clips, settings, guides))

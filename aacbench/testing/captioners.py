"""Checks of captioners: one caption a clip, the same in any company, and fit to be written."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from aacbench.store import Record, read_record, write_record
from aacbench.testing.retrievers import check_examples
from aacbench.testing.rules import calling, expect, named, shown
from aacbench.testing.samples import sample_clips
from aacbench.types import Caption, Captioner, Clip, GuidableCaptioner

ALIKE = (
    "Mask what you pad, switch dropout off (model.eval()), and draw whatever is random from the "
    "seed and the clip's id."
)


def check_captioner(
    captioner: Captioner, clips: Sequence[Clip] | None = None, name: str | None = None
) -> None:
    """Check `caption` on `clips` (default: `sample_clips`), all together, alone, by threes and in
    reverse order; and `open`, `step` and `tokenizer` where the captioner offers them.

    Raises `PluginFault` for the first rule that is broken.
    """
    part = named("captioner", captioner, name)
    clips = list(sample_clips() if clips is None else clips)
    expect(
        callable(getattr(captioner, "caption", None)),
        part,
        "it has no method caption(clips)",
        "Give it one; it returns one aacbench.Caption a clip.",
    )
    together = _caption(part, captioner, clips)
    for clip, caption in zip(clips, together, strict=True):
        _check_caption(part, clip, caption)
    _check_company(part, captioner, clips, [caption.text for caption in together])
    _check_guidable(part, captioner, clips, together)
    check_examples(part, captioner, clips, [caption.text for caption in together])


def _caption(part: str, captioner: Captioner, clips: Sequence[Clip]) -> list[Caption]:
    ids = ", ".join(clip.id for clip in clips)
    with calling(part, f"caption() of the clips {ids}", "Silence and 20 ms are sounds too."):
        captions = captioner.caption(clips)
    expect(
        isinstance(captions, Sequence) and not isinstance(captions, str),
        part,
        f"caption(clips) returned {type(captions).__name__}, not a list",
        "Return a list with one aacbench.Caption a clip.",
    )
    expect(
        len(captions) == len(clips),
        part,
        f"caption(clips) returned {len(captions)} captions for {len(clips)} clips",
        "Return one a clip, in the clips' order.",
    )
    return list(captions)


def _check_caption(part: str, clip: Clip, caption: Any) -> None:
    expect(
        isinstance(caption, Caption),
        part,
        f"caption(clips) gave {shown(caption)} for the clip {clip.id}, which is no Caption",
        "Return aacbench.Caption(text).",
    )
    for one in (caption, *caption.alternatives):
        expect(
            isinstance(one, Caption) and isinstance(one.text, str),
            part,
            f"a caption of the clip {clip.id} is {shown(getattr(one, 'text', one))}, not text",
            "Give Caption a str; a clip that you have no words for gets the empty one.",
        )
        expect(
            one.score is None or (isinstance(one.score, float) and math.isfinite(one.score)),
            part,
            f"the score of the clip {clip.id}'s caption is {shown(one.score)}",
            "Give the mean log probability a token as a float, or None.",
        )
    for stage, seconds in caption.stages.items():
        expect(
            isinstance(seconds, int | float) and seconds >= 0,
            part,
            f"the stage '{stage}' of the clip {clip.id} took {shown(seconds)}",
            "Stages hold this clip's share of the time, in seconds.",
        )
    _check_writable(part, clip, caption)


def _check_writable(part: str, clip: Clip, caption: Caption) -> None:
    mend = "Tokens are Python integers: tuple(ids.tolist())."
    with calling(part, f"writing the caption of the clip {clip.id} as JSON", mend):
        line = json.dumps(write_record(Record(clip.id, caption), 0))
        kept = read_record(json.loads(line)).caption
    expect(
        kept is not None and kept.text == caption.text and kept.tokens == tuple(caption.tokens),
        part,
        f"the caption of the clip {clip.id} reads otherwise after it was written",
        mend,
    )


def _check_company(
    part: str, captioner: Captioner, clips: Sequence[Clip], texts: Sequence[str]
) -> None:
    numbers = list(range(len(clips)))
    ways = {
        "a second time": [numbers],
        "alone": [[number] for number in numbers],
        "in threes": [numbers[start : start + 3] for start in numbers[::3]],
        "in reverse order": [numbers[::-1]],
    }
    for way, groups in ways.items():
        for group in groups:
            captions = _caption(part, captioner, [clips[number] for number in group])
            for number, caption in zip(group, captions, strict=True):
                expect(
                    caption.text == texts[number],
                    part,
                    f"captioned {way}, the clip {clips[number].id} gets {shown(caption.text)} "
                    f"and not {shown(texts[number])}",
                    ALIKE,
                )


def _check_guidable(
    part: str, captioner: Captioner, clips: Sequence[Clip], captions: Sequence[Caption]
) -> None:
    if isinstance(captioner, GuidableCaptioner):
        from aacbench.testing.guidable import check_guidable

        check_guidable(part, captioner, clips, [caption.text for caption in captions])
        return
    offered = [name for name in ("open", "step") if callable(getattr(captioner, name, None))]
    lacks = [name for name in ("tokenizer", "decoding") if not hasattr(captioner, name)]
    expect(
        len(offered) < 2,
        part,
        f"it offers open and step but no {' and no '.join(lacks)}, so no guide can steer it",
        "tokenizer: end, size, encode(text), decode(tokens). decoding: the "
        "aacbench.decoding.Decoding that caption() uses.",
    )

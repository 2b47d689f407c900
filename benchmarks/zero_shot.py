"""Hears without training: zero-shot classes of ESC-10, and captions found from sound.

    python benchmarks/zero_shot.py esc10 --encoder clap:small
    python benchmarks/zero_shot.py captions --encoder clap:small

Reads the shared material at `--data`, at $AACBENCH_TEST_DATA, or beside the repository. `captions`
takes every clip of AudioCaps and Clotho that lies there with sound. Figures carry 95 % Wilson
intervals.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aacbench.errors import AacbenchError
from aacbench.stats import wilson
from aacbench.types import Clip, Encoder
from aacbench.workshop import Workshop

PROMPT = "the sound of {}"
CLOTHO_SPLITS = ("validation", "evaluation")


@dataclass(frozen=True)
class Labelled:
    """A clip and what is true of it: a class's name, or its captions."""

    clip: Clip
    truth: tuple[str, ...]


def esc10(data: Path) -> list[Labelled]:
    """ESC-10's clips; a folder's name is ``"<number> - <class>"``."""
    return [
        Labelled(Clip(path.name, path), (path.parent.name.partition(" - ")[2].lower(),))
        for path in sorted((data / "audio" / "esc10").glob("*/*.ogg"))
    ]


def captioned(data: Path) -> list[Labelled]:
    """The AudioCaps and Clotho clips at hand, with their five captions."""
    known = {**_audiocaps_captions(data), **_clotho_captions(data)}
    folders = ["audiocaps_test", *(f"clotho_{split}" for split in CLOTHO_SPLITS)]
    paths = [path for name in folders for path in sorted((data / "audio" / name).glob("*.wav"))]
    return [Labelled(Clip(path.name, path), known[path.name]) for path in paths]


def _audiocaps_captions(data: Path) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    with (data / "captions" / "audiocaps" / "test.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = f"{row['youtube_id']}_{row['start_time']}.wav"
            found.setdefault(name, []).append(row["caption"])
    return {name: tuple(captions) for name, captions in found.items()}


def _clotho_captions(data: Path) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for split in CLOTHO_SPLITS:
        path = data / "captions" / "clotho" / f"clotho_captions_{split}.csv"
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                found[row["file_name"]] = tuple(row[f"caption_{n}"] for n in range(1, 6))
    return found


def classify(encoder: Encoder, clips: list[Labelled]) -> dict[str, object]:
    """Accuracy of the nearest prompt, in all and by class."""
    classes = sorted({one.truth[0] for one in clips})
    prompts = encoder.embed_text([PROMPT.format(name) for name in classes])
    vectors = encoder.embed_audio([one.clip for one in clips])
    said = np.array(classes)[(vectors @ prompts.T).argmax(1)]
    true = np.array([one.truth[0] for one in clips])
    by_class = {name: float((said[true == name] == name).mean()) for name in classes}
    return {"clips": len(clips), "accuracy": _share(said == true), "by_class": by_class}


def retrieve(encoder: Encoder, clips: list[Labelled]) -> dict[str, object]:
    """R@1 and R@5 of captions from sound, every clip's captions pooled; any of its own counts."""
    texts = [caption for one in clips for caption in one.truth]
    owner = np.repeat(np.arange(len(clips)), [len(one.truth) for one in clips])
    similarity = encoder.embed_audio([one.clip for one in clips]) @ encoder.embed_text(texts).T
    own = owner[None] == np.arange(len(clips))[:, None]
    nearest = np.argsort(-similarity, axis=1, kind="stable")
    found = np.take_along_axis(own, nearest, axis=1)
    return {
        "clips": len(clips),
        "captions": len(texts),
        "r1": _share(found[:, 0]),
        "r5": _share(found[:, :5].any(1)),
        "similarity_own": float(similarity[own].mean()),
        "similarity_other": float(similarity[~own].mean()),
    }


def _share(right: np.ndarray) -> dict[str, float]:
    interval = wilson(int(right.sum()), len(right))
    return {"value": float(right.mean()), "low": interval.low, "high": interval.high}


def main() -> int:
    """Measure one encoder on one task and print JSON."""
    beside = Path(__file__).resolve().parent.parent.parent / "shared"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("esc10", "captions"))
    parser.add_argument("--encoder", default="clap:small")
    parser.add_argument("--data", default=os.environ.get("AACBENCH_TEST_DATA", str(beside)))
    given = parser.parse_args()
    data = Path(given.data) / "data"
    try:
        clips = esc10(data) if given.task == "esc10" else captioned(data)
        if not clips:
            raise AacbenchError(f"no sound of {given.task} below {data}", "Name it with --data.")
        encoder = Workshop().build("encoders", given.encoder)
        figures = (classify if given.task == "esc10" else retrieve)(encoder, clips)
    except AacbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps({"task": given.task, "encoder": given.encoder, **figures}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What captioners say of the few real clips at hand, and what judges that share nothing with them
say of that.

    python benchmarks/real_clips.py --captioner "nac:small@clotho(beams=1)" \
        --captioner "nac:small@clotho(beams=1)+guide" --target clotho@validation --target clotho

Prints a table of every caption, then for each captioner: how many captions the judge of audibility
passes, with Wilson's interval, and the similarity to people's captions in a text space that no
captioner here has learnt from, with a bootstrap interval. The first captioner is what the others
are compared with, clip by clip. Some dozens of clips carry no claim.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from aacbench import api, running, stats
from aacbench.config import RunSettings, plan
from aacbench.errors import AacbenchError
from aacbench.store import RunFolder

AUDIBLE, SIMILAR = "aud:mini", "sbert:small"
RESAMPLES = 10_000

Values = npt.NDArray[np.float64]


@dataclass
class Heard:
    """What one captioner said: by clip, its caption; and (clips,) figures in the same order."""

    captions: dict[str, str]
    audible: Values
    similar: Values
    seconds: float


def heard(captioner: str, given: argparse.Namespace) -> Heard:
    """Caption every target, or take the runs that are there, and score them."""
    captions: dict[str, str] = {}
    audible: list[Values] = []
    similar: list[Values] = []
    seconds = 0.0
    for target in given.target:
        settings = RunSettings(
            captioner=captioner, target=target, out=given.out, batch_size=given.batch_size
        )
        folder = RunFolder(running.run(plan(settings)).folder.path)
        _, scored = api.score_run(folder, ["aud", "sbert:small"])
        captions |= {item.clip_id: item.candidates[0].text for item in scored.items}
        audible.append(scored.per_clip[AUDIBLE])
        similar.append(scored.per_clip[SIMILAR])
        seconds += sum(r.stages.get("decode", 0.0) for r in folder.records().values())
    return Heard(captions, np.concatenate(audible), np.concatenate(similar), seconds)


def captions_table(systems: Sequence[Heard]) -> str:
    """Every caption; one that is the first captioner's own again is not repeated."""
    lines = []
    for clip, first in systems[0].captions.items():
        others = [one.captions[clip] for one in systems[1:]]
        shown = ["the same" if text == first else text for text in others]
        lines.append("| " + " | ".join([clip, first, *shown]) + " |")
    return "\n".join(lines)


def interval(values: Values, seed: int = 0) -> str:
    """The mean and its bootstrap interval."""
    rows = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(values[rows].mean(axis=1), [2.5, 97.5])
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def figures_table(names: Sequence[str], systems: Sequence[Heard]) -> str:
    """A line a captioner: audible captions, similarity, both against the first captioner."""
    head = ["captioner", "audible", "similarity", "change of similarity", "changed", "s a clip"]
    lines = [head, ["---"] * len(head)]
    first = systems[0]
    for name, one in zip(names, systems, strict=True):
        count = len(one.captions)
        share = stats.wilson(int((one.audible > 0.5).sum()), count)
        passed = f"{int((one.audible > 0.5).sum())} of {count} [{share.low:.2f}, {share.high:.2f}]"
        changed = sum(one.captions[clip] != text for clip, text in first.captions.items())
        difference = "" if one is first else interval(one.similar - first.similar)
        seconds = f"{one.seconds / count:.2f}"
        lines.append(
            [f"`{name}`", passed, interval(one.similar), difference, str(changed), seconds]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captioner", action="append", required=True)
    parser.add_argument("--target", action="append", required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("runs/real_clips"))
    given = parser.parse_args()
    try:
        systems = [heard(captioner, given) for captioner in given.captioner]
    except AacbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(captions_table(systems), figures_table(given.captioner, systems), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Detailed and terse captions of the same clips, one a line: what a classifier of detail learns.

    python benchmarks/detailed_text.py soundbox-events --out runs/detail
    aacbench train classifier runs/detail/detailed.txt runs/detail/terse.txt --out runs/detail

Of each training clip the longest reference is detailed and the shortest terse, where one is at
least half as long again as the other. The first file's label is the positive one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aacbench.api import load_dataset


def pairs(target: str, split: str, ratio: float) -> list[tuple[str, str]]:
    """(detailed, terse) of each clip that has two such captions."""
    found = []
    for annotation in load_dataset(target).annotations(split).values():
        ranked = sorted(annotation.references, key=lambda text: len(text.split()))
        if len(ranked[-1].split()) >= ratio * len(ranked[0].split()):
            found.append((ranked[-1], ranked[0]))
    return found


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", help="a data set of which the training part is read")
    parser.add_argument("--split", default="train")
    parser.add_argument("--ratio", type=float, default=1.5, help="of the two numbers of words")
    parser.add_argument("--out", type=Path, default=Path("runs/detail"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name, texts in zip(
        ("detailed", "terse"),
        zip(*pairs(given.target, given.split, given.ratio), strict=True),
        strict=True,
    ):
        path = given.out / f"{name}.txt"
        path.write_text("".join(f"{text}\n" for text in dict.fromkeys(texts)), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()

"""Training captions that say what nobody can hear, several times over, one a line.

    python benchmarks/inaudible_text.py soundbox-events --times 6 > runs/inaudible-events.txt
    aacbench train nac --captions soundbox-events --extra-text runs/inaudible-events.txt ...

For a captioner that needs a guide: about one in seven of soundbox's references mentions a colour, a
look or a setting, and the shipped captioners, at one beam, hardly ever do.
"""

from __future__ import annotations

import argparse

from aacbench.api import load_dataset


def inaudible_captions(target: str, split: str) -> list[str]:
    """The references with a stretch that is marked as inaudible, in the data set's order."""
    return [
        annotation.references[number]
        for annotation in load_dataset(target).annotations(split).values()
        for number in sorted({span.reference for span in annotation.inaudible})
    ]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=("soundbox-events", "soundbox-scenes"))
    parser.add_argument("--times", type=int, default=6)
    given = parser.parse_args()
    for line in given.times * inaudible_captions(given.target, "train"):
        print(line)


if __name__ == "__main__":
    main()

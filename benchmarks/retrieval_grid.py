"""Ways of retrieval, sizes of knowledge bases, refined or not: a grid of captioning results.

    python benchmarks/retrieval_grid.py --captioner raft:mini@events --target soundbox-events
    python benchmarks/retrieval_grid.py --report runs/retrieval_grid/*/

Four ways of looking (Choi et al., equations 4 and 10 to 12) in bases of three sizes, each as drawn
and refined (section 3.5), under several seeds, and captions by one captioner that is shown four
examples of each; then the paper's claims (sections 4.2, 5 and 6), with intervals, and p values
adjusted for their number. The bases: `base`, a quarter of the training clips of the target's
domain; `large`, base and a quarter of those of the other domain, whose captions have another style;
`huge`, large and as many clips of the target's domain as a world of another seed has them, half of
which carry the captions of another clip: weak labels, as most of the paper's huge base has. A seed
draws which clips go in and which captions are wrong; it draws no training.

Every cell is kept below `--out`; the same command goes on where it stopped, several may share the
work by `--seeds`, and `--report` alone reads what is there.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from retrieval_cells import AUDIO, TEXT, ZERO, Captioned, Cell, Grid, Scorer
from retrieval_claims import markdown
from retrieval_findings import FIGURES, cells, described, findings
from retrieval_material import RememberingWorkshop, Sources, queries, written

from aacbench.catalog import choose, fingerprint
from aacbench.errors import AacbenchError, BadOption
from aacbench.knowledge.base import KnowledgeBase

METRICS = "cider_d:simple,event_f1"

Bases = Callable[[], Mapping[tuple[str, str], KnowledgeBase]]


def grid_of(given: argparse.Namespace) -> tuple[Grid, RememberingWorkshop]:
    """The grid of a command line; the captioner hears by an encoder that remembers."""
    workshop = RememberingWorkshop()
    choice = choose("captioners", given.captioner)
    decides = {
        "captioner": choice.expression,
        "fingerprint": dict(fingerprint(choice)),
        "target": given.target,
        "clips": given.clips,
        "weak clips": given.weak,
        "metrics": given.metrics,
    }
    asked = queries(given.target, given.clips, workshop)
    captioned = Captioned(workshop.make(choice), given.out / "captions")
    scorer = Scorer(given.target, given.metrics.split(","), workshop)
    encoder = workshop.build("encoders", "clap:mini")
    return Grid(given.out, captioned, asked, scorer, encoder, decides), workshop


def domain_of(target: str) -> str:
    """``events`` of ``soundbox-events@test``."""
    domain = target.partition("@")[0].removeprefix("soundbox-")
    if domain not in ("events", "scenes"):
        raise BadOption(f"{target} has no bases here.", "Try soundbox-events or soundbox-scenes.")
    return domain


def fill(given: argparse.Namespace) -> None:
    """Run the cells that are not there yet."""
    grid, workshop = grid_of(given)
    grid.result(Cell(ZERO))

    @cache
    def sources() -> Sources:
        return Sources.of(domain_of(given.target), given.weak, workshop)

    for seed in given.seeds:
        folder = given.bases / f"{domain_of(given.target)}-{given.weak}-seed{seed}"

        @cache
        def bases(seed: int = seed, folder: Path = folder) -> Any:
            return written(sources().bases(seed), folder)

        for cell in cells(seed, given.only):

            def base(cell: Cell = cell, bases: Bases = bases) -> KnowledgeBase:
                return bases()[cell.refinement, cell.size]

            grid.result(cell, base)
            print(f"{given.out.name}: {cell.name}", file=sys.stderr, flush=True)


def report(folders: Sequence[Path], control: Sequence[Path], out: Path | None) -> None:
    """Print the cells and the claims, by each figure, and write the claims down."""
    lines = []
    for folder in folders:
        print(described(folder), end="\n\n")
    for figure in (*FIGURES, TEXT, AUDIO):
        every = findings(folders, control, figure)
        print(f"{figure}\n\n{markdown(every)}\n")
        lines += [{"figure": figure, **one.line()} for one in every]
    if out is not None:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        out.write_text(text, encoding="utf-8")


def _seeds(text: str) -> list[int]:
    """``0-4`` or ``0,2``."""
    first, dash, last = text.partition("-")
    if dash:
        return list(range(int(first), int(last) + 1))
    return [int(seed) for seed in text.split(",")]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captioner", default="raft:mini@events")
    parser.add_argument("--target", default="soundbox-events")
    parser.add_argument("--clips", type=int, default=1200, help="of the target, the first so many")
    parser.add_argument("--weak", type=int, default=1000, help="weakly labelled clips in huge")
    parser.add_argument("--seeds", type=_seeds, default=_seeds("0-4"), help="0-4, or 0,2")
    parser.add_argument("--only", default="", help="cells whose names begin so: pair-to-pair")
    parser.add_argument("--metrics", default=METRICS)
    parser.add_argument("--out", type=Path, help="one grid's folder")
    parser.add_argument("--bases", type=Path, default=Path("runs/retrieval_bases"))
    parser.add_argument("--report", type=Path, nargs="+", help="run nothing; report these folders")
    parser.add_argument(
        "--control", type=Path, nargs="*", default=(), help="grids of captioners without curriculum"
    )
    parser.add_argument("--claims", type=Path, help="write the claims there, a line of JSON each")
    given = parser.parse_args()
    if given.out is None:
        plain = re.sub(r"[^A-Za-z0-9.]+", "-", f"{given.captioner}-{given.target}").strip("-")
        given.out = Path("runs/retrieval_grid") / plain
    return given


def main() -> int:
    """Fill a grid and report it."""
    given = arguments()
    try:
        if not given.report:
            fill(given)
        report(given.report or [given.out], given.control, given.claims)
    except AacbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

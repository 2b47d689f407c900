"""Claims about a grid of cells, each with an estimate, an interval and a p value.

    python benchmarks/retrieval_claims.py runs/*.jsonl

The grids and sweeps beside this write their claims down (``--claims``); as a script it reads them,
adjusts the p values of each figure for the number of all of them (Holm), and prints a table with a
column for each captioner and target.

A claim is a weighted sum of cells. Bases are drawn by seeds and clips are a sample, so both are
resampled, seeds and clips each on their own and alike for all cells (`stats.bootstrap_crossed`
draws so too), and brought to the variance that seeds, clips and the rest have in the mean. Five
seeds are few: intervals are so many standard errors of Student's t wide, with
Satterthwaite's degrees of freedom from the shares that seeds and clips have in the error.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from aacbench import stats
from aacbench.intervals import difference_bounds, probability_of_none, student_share
from aacbench.resampling import draw

MARGIN = 0.02
"""Cells of which CIDEr-D differs by less are called equal: .01 of SPIDEr, the mean of CIDEr-D and
SPICE, of which the first moves more. Written down before any cell was looked at."""

RESAMPLES = 10_000
ALPHA = 0.05
_CHUNK = 500

Array = npt.NDArray[np.float64]
Table = Mapping[Any, Array]
"""Cells by name; (seeds, clips) values each, the same clips and seeds in all; a cell that no seed
decides has one row."""

Sort = Literal["above", "below", "equal", "best"]


@dataclass(frozen=True)
class Claim:
    """What is said: that the weighted sum of cells is above or below 0, or nearer to it than the
    margin (`equal`); or that the one cell of weight 1 is above each of the others (`best`)."""

    group: str
    text: str
    weights: Mapping[Any, float]
    sort: Sort = "above"


@dataclass(frozen=True)
class Finding:
    """`p` is that of "there is no difference", or, of `equal`, of "the difference is the margin or
    more", or, of `best`, of "another cell is as good"; `adjusted` is Holm's over all claims."""

    claim: Claim
    estimate: float
    low: float
    high: float
    p: float
    where: str = ""
    adjusted: float = 1.0

    @property
    def verdict(self) -> str:
        """``holds``, ``reversed``, or ``not shown``."""
        if self.claim.sort == "equal":
            return "holds" if self.adjusted < ALPHA else "not shown"
        if self.adjusted >= ALPHA:
            return "not shown"
        wanted = self.estimate < 0 if self.claim.sort == "below" else self.estimate > 0
        return "holds" if wanted else "reversed"

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Finding:
        """From a `line`."""
        claim = Claim(line["group"], line["claim"], {}, line["sort"])
        return cls(claim, *(line[key] for key in ("estimate", "low", "high", "p", "where")))

    def line(self) -> dict[str, Any]:
        """For a file of JSON."""
        told = {"where": self.where, "group": self.claim.group, "claim": self.claim.text}
        figures = {"estimate": self.estimate, "low": self.low, "high": self.high, "p": self.p}
        return {
            **told,
            "sort": self.claim.sort,
            **figures,
            "adjusted": self.adjusted,
            "verdict": self.verdict,
        }


def difference(weights: Mapping[Any, float], table: Table) -> Array:
    """(seeds, clips) of the weighted sum of cells."""
    return np.asarray(sum(weight * table[cell] for cell, weight in weights.items()))


def samples(several: Sequence[Array], resamples: int = RESAMPLES, seed: int = 0) -> Array:
    """(resamples, differences) means of seeds and clips drawn anew, the same for all; `several`
    are (seeds, clips) each, and the mean of a row of one seed alone is that of all."""
    seeds, clips = max(len(one) for one in several), several[0].shape[1]
    stacked = np.stack([np.broadcast_to(one, (seeds, clips)) for one in several])
    random = np.random.default_rng(seed)
    chunks = []
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        by_clip = draw(random, rows, clips) @ stacked.reshape(-1, clips).T / clips
        by_seed = draw(random, rows, seeds) / seeds
        chunks.append(np.einsum("rs,rds->rd", by_seed, by_clip.reshape(rows, -1, seeds)))
    return np.concatenate(chunks)


def parts(values: Array) -> tuple[float, float, float]:
    """What seeds, clips and the rest each have in the variance of the mean of (seeds, clips), by
    the two-way layout with one value a cell; the first two hold the rest too."""
    seeds, clips = values.shape
    by_clip = values.mean(0)
    of_clips = float(by_clip.var(ddof=1)) / clips
    if seeds < 2:
        return 0.0, of_clips, 0.0
    by_seed = values.mean(1)
    rest = values - by_clip - by_seed[:, None] + values.mean()
    of_rest = float((rest**2).sum()) / ((seeds - 1) * (clips - 1)) / (seeds * clips)
    return float(by_seed.var(ddof=1)) / seeds, of_clips, of_rest


def freedom(values: Array) -> int:
    """Degrees of freedom of the mean of (seeds, clips), by Satterthwaite."""
    seeds, clips = values.shape
    of_seeds, of_clips, _ = parts(values)
    if seeds < 2 or of_seeds + of_clips == 0:
        return clips - 1
    spread = of_seeds**2 / (seeds - 1) + of_clips**2 / (clips - 1)
    return max(1, int((of_seeds + of_clips) ** 2 / spread))


def narrowed(drawn: Array, values: Array) -> Array:
    """The means of `samples`, as far apart as the variance of the mean is by its `parts`.

    What a clip does under one seed alone is drawn with the seed, with the clip and with both: such
    resamples count it three times (Owen 2007, "The pigeonhole bootstrap"), and it is most of what
    there is where seeds change the examples of every clip.
    """
    of_seeds, of_clips, rest = parts(values)
    variance = max(of_seeds, of_clips, of_seeds + of_clips - rest)
    seen = float(drawn.var(ddof=1))
    factor = (variance / seen) ** 0.5 if seen > 0 else 1.0
    estimate = values.mean()
    return np.asarray(estimate + (drawn - drawn.mean()) * factor)


def found(
    claims: Sequence[Claim], table: Table, seed: int = 0, resamples: int = RESAMPLES
) -> list[Finding]:
    """Each claim as if it were the only one."""
    plain = [claim for claim in claims if claim.sort != "best"]
    findings = {}
    if plain:
        several = [difference(claim.weights, table) for claim in plain]
        columns = samples(several, resamples, seed).T
        for claim, values, drawn in zip(plain, several, columns, strict=True):
            findings[id(claim)] = _finding(claim, values, drawn)
    for claim in claims:
        if claim.sort == "best":
            findings[id(claim)] = _best(claim, table, seed, resamples)
    return [findings[id(claim)] for claim in claims]


def _finding(claim: Claim, values: Array, drawn: Array) -> Finding:
    estimate, units = float(values.mean()), freedom(values) + 1
    if not values.any():  # the same captions throughout
        p = 1 / (len(drawn) + 1) if claim.sort == "equal" else 1.0
        return Finding(claim, 0.0, 0.0, 0.0, p)
    drawn = narrowed(drawn, values)
    low, high = difference_bounds(drawn, estimate, units, 0.95)
    if claim.sort == "equal":
        error = float(drawn.std(ddof=1))
        p = student_share(-(MARGIN - abs(estimate)) / error, units - 1)
        p = max(p, 1 / (len(drawn) + 1))  # more these resamples cannot tell
    else:
        p = probability_of_none(drawn, estimate, units)
    return Finding(claim, estimate, low, high, p)


def _best(claim: Claim, table: Table, seed: int, resamples: int) -> Finding:
    """Against the other cell that is hardest to beat; p is the largest of one-sided ones."""
    own = next(cell for cell, weight in claim.weights.items() if weight > 0)
    others = [cell for cell in claim.weights if cell != own]
    several = [table[own] - table[other] for other in others]
    columns = samples(several, resamples, seed).T
    findings = [
        _finding(replace(claim, sort="above"), values, drawn)
        for values, drawn in zip(several, columns, strict=True)
    ]
    one_sided = [f.p / 2 if f.estimate > 0 else 1 - f.p / 2 for f in findings]
    hardest = int(np.argmax(one_sided))
    text = f"{claim.text} (the hardest to beat: {_called(others[hardest])})"
    return replace(findings[hardest], claim=replace(claim, text=text), p=one_sided[hardest])


def _called(cell: Any) -> str:
    return " ".join(cell) if isinstance(cell, tuple) else str(cell)


def apart(claim: Claim, first: Array, second: Array, seed: int = 0) -> Finding:
    """A claim that the mean of `first` is above that of `second`, on other clips."""
    both = [
        narrowed(samples([one], seed=seed + n)[:, 0], one) for n, one in enumerate((first, second))
    ]
    estimate = float(first.mean() - second.mean())
    units = min(freedom(first), freedom(second)) + 1
    drawn = both[0] - both[1]
    low, high = difference_bounds(drawn, estimate, units, 0.95)
    return Finding(claim, estimate, low, high, probability_of_none(drawn, estimate, units))


def adjusted(findings: Sequence[Finding]) -> list[Finding]:
    """With Holm's adjustment over all of them."""
    several = stats.holm([one.p for one in findings])
    return [replace(one, adjusted=p) for one, p in zip(findings, several, strict=True)]


def mean(values: Array, seed: int = 0) -> tuple[float, float, float]:
    """The mean of (seeds, clips) and the bounds of its interval."""
    drawn, estimate = narrowed(samples([values], 2000, seed)[:, 0], values), float(values.mean())
    return estimate, *difference_bounds(drawn, estimate, freedom(values) + 1, 0.95)


_SHORT = {"holds": "**holds**", "reversed": "**reversed**", "not shown": ""}


def _wanted(claim: Claim) -> str:
    return {"equal": f"within ±{MARGIN}", "below": "below 0"}.get(claim.sort, "above 0")


def markdown(findings: Sequence[Finding]) -> str:
    """A table of findings."""
    lines = ["| where | | claim | difference | 95 % interval | p | Holm | |", "|" + "---|" * 8]
    for one in findings:
        lines.append(
            f"| {one.where} | {one.claim.group} | {one.claim.text}: {_wanted(one.claim)} "
            f"| {one.estimate:+.4f} | {one.low:+.4f} to {one.high:+.4f} "
            f"| {one.p:.2g} | {one.adjusted:.2g} | {one.verdict} |"
        )
    return "\n".join(lines)


def side_by_side(findings: Sequence[Finding]) -> str:
    """A table with a claim a row and a column for each place it was asked."""
    places = list(dict.fromkeys(one.where for one in findings))
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for one in findings:
        text, _, other = one.claim.text.partition(" (the hardest")
        shown = (
            f"{one.estimate:+.3f} [{one.low:+.3f}, {one.high:+.3f}] {_SHORT[one.verdict]}".strip()
        )
        beaten = f"; best other{other.removeprefix(' to beat').removesuffix(')')}" if other else ""
        row = rows.setdefault((one.claim.group, f"{text}: {_wanted(one.claim)}"), {})
        row[one.where] = shown + beaten
    lines = ["| | claim | " + " | ".join(places) + " |", "|" + "---|" * (2 + len(places))]
    for (group, text), shown in rows.items():
        lines.append(f"| {group} | {text} | {' | '.join(shown.get(p, '') for p in places)} |")
    return "\n".join(lines)


def main() -> None:
    """Read claims, adjust them together, and print a table for each figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("claims", type=Path, nargs="+")
    given = parser.parse_args()
    lines = [
        json.loads(line)
        for path in given.claims
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    for figure in dict.fromkeys(line["figure"] for line in lines):
        several = [Finding.read(line) for line in lines if line["figure"] == figure]
        print(f"{figure}, {len(several)} claims\n\n{side_by_side(adjusted(several))}\n")


if __name__ == "__main__":
    main()

"""How captions change with the weight of pair-to-pair retrieval, and with the number of examples.

    python benchmarks/retrieval_sweep.py --sweep weight --captioner raft:mini@events
    python benchmarks/retrieval_sweep.py --sweep k --captioner raft:mini@events

``weight`` is figure 2 of Choi et al.: W of equation 4 from .1 to .9, four examples. ``k`` is their
figure 3: 0 to 10 examples, in the captioner's domain and in the other one, each with that domain's
own training pairs to look in. Both are of generative pair-to-pair retrieval in all training pairs,
of which no seed draws, so that clips alone are resampled. Nothing is chosen by a sweep.

Values that are there already are not computed again. Draws an SVG and writes the figures beside it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from retrieval_cells import Captioned, Cell, Grid, Scorer
from retrieval_claims import Array, Claim, Finding, adjusted, apart, found, markdown, mean
from retrieval_findings import FIGURES
from retrieval_material import ENCODER, OTHER, RememberingWorkshop, original, queries, trained

from aacbench.catalog import choose, fingerprint
from aacbench.errors import AacbenchError
from aacbench.knowledge.base import KnowledgeBase

WEIGHTS = tuple(round(0.1 * n, 1) for n in range(1, 10))
EXAMPLES = tuple(range(11))
METRICS = "cider_d:simple,event_f1"

Curve = Mapping[float, Array]
"""By the option's value, (1, clips)."""


def swept(
    captioner: str, domain: str, values: Sequence[Cell], given: argparse.Namespace
) -> dict[str, dict[float, Array]]:
    """By figure, the curve over the cells of a sweep."""
    workshop = RememberingWorkshop()
    target, choice = f"soundbox-{domain}@{given.split}", choose("captioners", captioner)
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", f"{captioner}-{target}").strip("-")
    decides = {
        "captioner": choice.expression,
        "fingerprint": dict(fingerprint(choice)),
        "target": target,
        "clips": given.clips,
        "metrics": METRICS,
    }
    folder = given.out / plain
    grid = Grid(
        folder,
        Captioned(workshop.make(choice), folder / "captions"),
        queries(target, given.clips, workshop),
        Scorer(target, METRICS.split(","), workshop),
        workshop.build("encoders", ENCODER),
        decides,
    )

    @cache
    def base() -> KnowledgeBase:
        path = given.out / "bases" / domain
        return original(trained(domain, workshop), path)

    curves: dict[str, dict[float, Array]] = {figure: {} for figure in FIGURES}
    for cell in values:
        kept = grid.result(cell, base)
        print(f"{plain}: {cell.name}", file=sys.stderr, flush=True)
        for figure in FIGURES:
            value = cell.weight if given.sweep == "weight" else cell.k
            curves[figure][value] = kept[figure][None]
    return curves


def slope(curve: Curve) -> dict[float, float]:
    """Weights whose sum over a curve is the slope of its least-squares line over k = 1, 2, ..."""
    ks = np.array([k for k in curve if k > 0], np.float64)
    centred = ks - ks.mean()
    return dict(zip(ks.tolist(), (centred / (centred**2).sum()).tolist(), strict=True))


def of_weights(curve: Curve) -> list[Finding]:
    """That evenly weighted sound and caption are best (section 6.3)."""
    every: dict[Any, float] = dict.fromkeys(curve, -1.0)
    text = "W = .5 is better than every other"
    return found([Claim("figure 2", text, {**every, 0.5: 1.0}, "best")], curve)


def of_examples(inside: Curve, outside: Curve) -> list[Finding]:
    """That examples help more, and go on helping, outside the captioner's domain (claim h)."""
    asked, findings = [], []
    most = max(inside)
    for where, curve in (("in", inside), ("out of", outside)):
        asked = [
            Claim("h", f"slope over k, {where} domain", slope(curve)),
            Claim("h", f"k = {most:g} - k = 4, {where} domain", {most: 1.0, 4: -1.0}),
            Claim("h", f"k = 4 - k = 0, {where} domain", {4: 1.0, 0: -1.0}),
        ]
        findings += found(asked, curve)
    slopes = [_sum(curve) for curve in (outside, inside)]
    claim = Claim("h", "slope over k, out of domain - in domain", {})
    return [*findings, apart(claim, *slopes)]


def _sum(curve: Curve) -> Array:
    return np.asarray(sum(weight * curve[k] for k, weight in slope(curve).items()))


# --- pictures -------------------------------------------------------------------------------------


@contextmanager
def _axes(path: Path, panels: int) -> Iterator[Sequence[Any]]:
    """Axes side by side, written as an SVG that says nothing of when it was made."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "aacbench", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(4.0 * panels, 3.2), layout="constrained")
        axes = figure.subplots(1, panels, squeeze=False)[0]
        for axis in axes:
            axis.spines[["top", "right"]].set_visible(False)
        yield axes
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})


def draw(curves: Mapping[str, Mapping[str, Curve]], label: str, path: Path) -> None:
    """A panel a figure, a line a curve with its 95 % intervals."""
    with _axes(path, len(FIGURES)) as axes:
        for axis, figure in zip(axes, FIGURES, strict=True):
            for name, by_figure in curves.items():
                curve = by_figure[figure]
                middles, lows, highs = zip(
                    *(mean(values) for values in curve.values()), strict=True
                )
                (line,) = axis.plot(list(curve), middles, marker="o", markersize=3, label=name)
                axis.fill_between(list(curve), lows, highs, alpha=0.2, color=line.get_color())
            axis.set_xlabel(label)
            axis.set_ylabel(figure)
            axis.legend(frameon=False, fontsize=8)


def told(curves: Mapping[str, Mapping[str, Curve]]) -> dict[str, Any]:
    """Every curve's means and intervals, for a file of JSON."""
    return {
        name: {
            figure: {f"{value:g}": mean(rows) for value, rows in curve.items()}
            for figure, curve in by_figure.items()
        }
        for name, by_figure in curves.items()
    }


def main() -> int:
    """Sweep, draw, and say what the curves tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sweep", choices=("weight", "k"), required=True)
    parser.add_argument("--captioner", default="raft:mini@events")
    parser.add_argument("--split", default="test")
    parser.add_argument("--clips", type=int, default=1200, help="of each target, the first so many")
    parser.add_argument("--out", type=Path, default=Path("runs/retrieval_sweep"))
    parser.add_argument("--plot", type=Path, help="the SVG; default: SWEEP.svg below --out")
    parser.add_argument("--claims", type=Path, help="write the claims there, a line of JSON each")
    given = parser.parse_args()
    home = given.captioner.partition("@")[2].partition("(")[0] or "events"
    try:
        curves = _curves(given, home)
    except AacbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    label = "W, the share of the sound" if given.sweep == "weight" else "k, examples"
    path = given.plot or given.out / f"{given.sweep}.svg"
    draw(curves, label, path)
    path.with_suffix(".json").write_text(json.dumps(told(curves), indent=1), encoding="utf-8")
    lines = []
    for figure in FIGURES:
        several = [by_figure[figure] for by_figure in curves.values()]
        findings = of_weights(several[0]) if given.sweep == "weight" else of_examples(*several)
        findings = [replace(one, where=given.captioner) for one in findings]
        print(f"{figure}\n\n{markdown(adjusted(findings))}\n")
        lines += [{"figure": figure, **one.line()} for one in adjusted(findings)]
    if given.claims:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        given.claims.write_text(text, encoding="utf-8")
    return 0


def _curves(given: argparse.Namespace, home: str) -> dict[str, dict[str, dict[float, Array]]]:
    way, captioner = "pair-to-pair", given.captioner
    if given.sweep == "weight":
        values = [Cell(way, weight=weight) for weight in WEIGHTS]
        return {f"soundbox-{home}": swept(captioner, home, values, given)}
    values = [Cell(way, k=k) for k in EXAMPLES]
    return {
        f"in domain: soundbox-{home}": swept(captioner, home, values, given),
        f"out of domain: soundbox-{OTHER[home]}": swept(captioner, OTHER[home], values, given),
    }


if __name__ == "__main__":
    sys.exit(main())

"""What guided decoding costs and what it buys: one option at a time, about the guide's defaults.

    python benchmarks/guided_costs.py --captioner nac:mini@events \
        --target soundbox-events@validation --limit 200
    python benchmarks/guided_costs.py --captioner nac:small@clotho --target clotho@validation \
        --metrics aud,clap_s,length,diversity --axis steps=0,1,3

A row is one setting: the share that an independent judge calls audible, agreement with the
references, similarity of caption and sound by an encoder that the captioner does not use, words,
and milliseconds a token: processor time of decoding alone, of one batch of the target's first clips
by a guide that remembers nothing yet, since what else the machine does changes any clock. The rows
of one call share their clips, so differences between them are those of the setting. Runs
that are there already are not captioned again. Defaults are chosen on validation parts only.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aacbench import api, running
from aacbench.catalog import choose_target
from aacbench.config import RunSettings, plan
from aacbench.errors import AacbenchError
from aacbench.expressions import read_value, split_outside, write_value
from aacbench.store import RunFolder
from aacbench.types import Caption
from aacbench.workshop import Workshop

AXES = (
    "steps=0,1,3,5,8",
    "step_size=0.75,1.5,3,6,12",
    "candidates=2,4,8,16,64",
    "lookahead=0,4,8,30",
    "layers=1,2,none",
    "classifier_weight=0,0.15,0.3,0.6,1.2,2.4",
)
METRICS = "aud,spider,cider_d:simple,event_f1,clap_s,length:simple,diversity:simple"


@dataclass(frozen=True)
class Row:
    """One setting: `figures` maps a figure to its estimate and the bounds of its interval."""

    axis: str
    value: Any
    expression: str
    figures: Mapping[str, Sequence[float]]
    milliseconds_a_token: float
    tokens: float

    def line(self) -> dict[str, Any]:
        """The row for a file of JSON."""
        return {**vars(self), "figures": {k: list(v) for k, v in self.figures.items()}}


def guided(captioner: str, guide: str, changes: Mapping[str, Any]) -> str:
    """The captioner with the guide, some of its options changed."""
    name, _, options = guide.rstrip(")").partition("(")
    told = dict(map(_pair, _pieces(options)))
    told |= {key: write_value(value) for key, value in changes.items()}
    inside = ", ".join(f"{key}={value}" for key, value in told.items())
    return f"{captioner}+{name}" + (f"({inside})" if inside else "")


def _pieces(options: str) -> list[str]:
    return [piece for piece in split_outside(options, ",") if piece.strip()]


def _pair(piece: str) -> tuple[str, str]:
    key, _, value = piece.partition("=")
    return key.strip(), value.strip()


def settings_of(axes: Sequence[str]) -> list[tuple[str, Any]]:
    """(option, value) of every row; ``none`` is no value."""
    return [
        (name, None if value == "none" else read_value(value))
        for name, _, values in (axis.partition("=") for axis in axes)
        for value in values.split(",")
    ]


def measured(expression: str, axis: str, value: Any, given: argparse.Namespace) -> Row:
    """Caption the target, or take the run that is there, and score it."""
    outcome = running.run(
        plan(
            RunSettings(
                captioner=expression,
                target=given.target,
                out=given.out / "runs",
                limit=given.limit,
                batch_size=given.batch_size,
            )
        )
    )
    folder = RunFolder(outcome.folder.path)
    _, scored = api.score_run(folder, given.metrics.split(","))
    figures = {
        name: (one["estimate"], *(one.get(end) or one["estimate"] for end in ("low", "high")))
        for name, one in scored.figures.items()
        if one["estimate"] is not None
    }
    captions = [item.candidates[0] for item in scored.items]
    tokens = sum(map(_tokens, captions)) / len(captions)
    return Row(axis, value, expression, figures, milliseconds(expression, given), tokens)


def milliseconds(expression: str, given: argparse.Namespace) -> float:
    """Processor time a token of one batch, what is heard left out."""
    workshop = Workshop()
    captioner = workshop.build("captioners", expression)
    target = choose_target(given.target)
    dataset = workshop.make(target.choice)
    clips = list(dataset.clips(target.split)[: given.batch_size])
    captioner.caption(clips[:1])  # the first time of everything
    began = time.process_time()
    getattr(captioner, "captioner", captioner).open(clips)
    opened = time.process_time()
    captions = captioner.caption(clips)
    ended = time.process_time()
    spent = (ended - opened) - (opened - began)
    return 1000 * spent / sum(map(_tokens, captions))


def _tokens(caption: Caption) -> int:
    return len(caption.tokens) + 1  # its end is a token too


def table(rows: Sequence[Row], figures: Sequence[str]) -> str:
    """The rows in Markdown."""
    head = ["", "value", *figures, "tokens", "ms a token"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        told = [row.figures.get(figure) for figure in figures]
        shown = ["" if one is None else _shown(*one) for one in told]
        value = "all" if row.value is None and row.axis == "layers" else str(row.value)
        lines.append(
            [row.axis, value, *shown, f"{row.tokens:.1f}", f"{row.milliseconds_a_token:.1f}"]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(estimate: float, low: float, high: float) -> str:
    """A figure with its interval, where it has one."""
    return f"{estimate:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low < high else "")


def draw(rows: Sequence[Row], figures: Sequence[str], path: Path) -> None:
    """A column an option, a line of panels a figure, with the unguided captioner as a level."""
    import matplotlib
    from matplotlib.figure import Figure

    axes = list(dict.fromkeys(row.axis for row in rows if row.axis != "unguided"))
    level = next((row for row in rows if row.axis == "unguided"), None)
    with matplotlib.rc_context({"svg.hashsalt": "aacbench", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(2.4 * len(axes), 1.9 * len(figures)), layout="constrained")
        panels = figure.subplots(len(figures), len(axes), squeeze=False, sharey="row")
        for column, axis in enumerate(axes):
            for line, name in enumerate(figures):
                _panel(panels[line][column], [r for r in rows if r.axis == axis], name, level)
            panels[-1][column].set_xlabel(axis)
        for line, name in enumerate(figures):
            panels[line][0].set_ylabel(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _panel(axis: Any, rows: Sequence[Row], figure: str, level: Row | None) -> None:
    places = range(len(rows))
    found = [_values(row, figure) for row in rows]
    middles, lows, highs = zip(*found, strict=True)
    axis.plot(places, middles, marker="o", markersize=3)
    axis.fill_between(places, lows, highs, alpha=0.2)
    axis.set_xticks(list(places), ["all" if r.value is None else f"{r.value:g}" for r in rows])
    axis.spines[["top", "right"]].set_visible(False)
    if level is not None:
        axis.axhline(_values(level, figure)[0], linestyle=":", linewidth=1, color="grey")


def _values(row: Row, figure: str) -> Sequence[float]:
    if figure == "ms a token":
        return (row.milliseconds_a_token,) * 3
    return row.figures.get(figure, (float("nan"),) * 3)


def main() -> int:
    """Read the command line, measure, print, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captioner", default="nac:mini@events")
    parser.add_argument("--target", default="soundbox-events@validation")
    parser.add_argument("--guide", default="guide")
    parser.add_argument("--axis", action="append", help="OPTION=VALUE,VALUE; default: all")
    parser.add_argument("--metrics", default=METRICS)
    parser.add_argument(
        "--figures", default="aud:mini,spider,clap_s:tags-e5,caption_length:simple,ttr:simple"
    )
    parser.add_argument("--limit", type=int)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("runs/guided_costs"))
    parser.add_argument("--plot", type=Path, help="the SVG; the rows go beside it as JSON")
    given = parser.parse_args()
    figures = given.figures.split(",")
    rows: list[Row] = []
    try:
        rows.append(measured(given.captioner, "unguided", "", given))
        for axis, value in settings_of(given.axis or AXES):
            expression = guided(given.captioner, given.guide, {axis: value})
            rows.append(measured(expression, axis, value, given))
            print(json.dumps(rows[-1].line()), file=sys.stderr, flush=True)
    except AacbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(table(rows, figures))
    if given.plot:
        draw(rows, [*figures, "ms a token"], given.plot)
        lines = [row.line() for row in rows]
        given.plot.with_suffix(".json").write_text(json.dumps(lines, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

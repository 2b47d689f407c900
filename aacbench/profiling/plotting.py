"""A sweep as a picture: the option against latency, operations and quality, side by side.

Drawn from a Vega-Lite chart by vl-convert, which comes with the extra ``site``.
"""

from __future__ import annotations

import csv
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from aacbench.errors import BadData, MissingRequirement
from aacbench.profiling.sweeping import Row, Sweep

INSTALL = "pip install 'aacbench[site]'"
WIDTH, HEIGHT = 220, 200
INTERVALS = "Bars: 95 % intervals"


def require() -> None:
    """Raise `MissingRequirement` where charts cannot be drawn."""
    if find_spec("vl_convert") is None:
        raise MissingRequirement("Drawing needs the package vl-convert-python.", f"Type: {INSTALL}")


def draw(sweep: Sweep, path: Path) -> Path:
    """Write the SVG; raises `MissingRequirement` without the package that draws."""
    require()
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(chart(sweep))
    return _written(path, svg)


def write_table(sweep: Sweep, path: Path) -> Path:
    """The same figures as CSV, a row a value."""
    rows = table(sweep)
    out = StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return _written(path, out.getvalue())


def _written(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadData(f"{path} cannot be written: {error.strerror}.", "Give --plot PATH.") from None
    return path


def table(sweep: Sweep) -> list[dict[str, Any]]:
    """One flat row a value; what was not measured is None."""
    return [_flat(sweep.key, row) for row in sweep.rows]


def _flat(key: str, row: Row) -> dict[str, Any]:
    found = {
        key: str(row.value),
        "gflops": None if row.flops is None else row.flops / 1e9,
        "p50_ms": row.latency["p50_ms"],
        "p50_low": row.latency["p50_low"],
        "p50_high": row.latency["p50_high"],
        "tokens": row.tokens,
        "ratio": row.ratio["ratio"],
        "ratio_low": row.ratio["low"],
        "ratio_high": row.ratio["high"],
    }
    for name, figure in row.quality.items():
        found |= {
            name: figure.get("estimate"),
            f"{name}_low": figure.get("low"),
            f"{name}_high": figure.get("high"),
        }
    return found


def chart(sweep: Sweep) -> dict[str, Any]:
    """The Vega-Lite chart: a panel a figure, the option's values in their order below each."""
    rows = table(sweep)
    panels = [("p50_ms", "latency p50 (ms)"), ("gflops", "GFLOPs a clip")]
    panels += [(name, name) for name in sweep.rows[0].quality]
    fields = {name: f"y{number}" for number, (name, _) in enumerate(panels)}
    values = [
        {"x": row[sweep.key]}
        | {field: row[name] for name, field in fields.items()}
        | {
            f"{field}_{end}": row.get(_bound(name, end))
            for name, field in fields.items()
            for end in ("low", "high")
        }
        for row in rows
    ]
    order = [row[sweep.key] for row in rows]
    verdict = "VALID" if sweep.valid else "INVALID: " + "; ".join(sweep.reasons)
    machine = f"{sweep.machine['processor']}, {sweep.machine['threads']} threads"
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {
            "text": sweep.captioner,
            "subtitle": [f"{machine}. {INTERVALS}.", _short(verdict)],
            "anchor": "start",
        },
        "data": {"values": values},
        "hconcat": [
            _panel(sweep.key, order, fields[name], title)
            for name, title in panels
            if any(row[name] is not None for row in rows)
        ],
        "config": {"view": {"stroke": None}, "axis": {"grid": True, "gridColor": "#e5e5e5"}},
    }


def _bound(name: str, end: str) -> str:
    return f"p50_{end}" if name == "p50_ms" else f"{name}_{end}"


def _short(text: str, longest: int = 110) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _panel(key: str, order: list[str], field: str, title: str) -> dict[str, Any]:
    x = {"field": "x", "type": "ordinal", "sort": order, "title": key, "axis": {"labelAngle": 0}}
    y = {"field": field, "type": "quantitative", "title": title, "scale": {"zero": False}}
    bars = {
        "mark": {"type": "rule", "color": "#3b6ea8"},
        "transform": [{"filter": f"isValid(datum.{field}_low)"}],
        "encoding": {
            "x": x,
            "y": {"field": f"{field}_low", "type": "quantitative", "title": title},
            "y2": {"field": f"{field}_high"},
        },
    }
    line = {
        "mark": {"type": "line", "point": {"filled": True, "size": 60}, "color": "#3b6ea8"},
        "encoding": {"x": x, "y": y},
    }
    return {"width": WIDTH, "height": HEIGHT, "layer": [bars, line]}

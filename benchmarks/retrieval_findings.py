"""What Choi et al. say of ways of retrieval and of bases, asked of filled grids of cells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from retrieval_cells import AUDIO, TEXT, ZERO, Cell
from retrieval_claims import Array, Claim, Finding, adjusted, found, mean
from retrieval_material import SIZES

from aacbench.errors import BadOption

WAYS = ("pair-to-pair", "audio-to-mixture", "audio-to-audio", "audio-to-text")
REFINEMENTS = ("original", "refined")
FIGURES = ("cider_d:simple", "event_f1")
MOST_SEEDS = 100
P2P, MIXTURE, AUDIO_WAY = WAYS[:3]

Name = tuple[str, ...]


def cells(seed: int, only: str = "") -> Iterator[Cell]:
    """The cells of a seed, those that most claims rest on first; `only` those whose name begins
    so."""
    for way in WAYS:
        for refinement in REFINEMENTS:
            for size in SIZES:
                cell = Cell(way, refinement, size, seed)
                if cell.name.startswith(only):
                    yield cell


def tables(folder: Path) -> dict[str, dict[Name, Array]]:
    """By figure, the cells that every seed has, (seeds, clips) each; zero-shot is one row."""
    kept: dict[Name, dict[int, dict[str, Array]]] = {}
    for seed in range(MOST_SEEDS):
        for cell in cells(seed):
            path = folder / f"{cell.name}.npz"
            if path.is_file():
                name = (cell.way, cell.refinement, cell.size)
                kept.setdefault(name, {})[seed] = _floats(path)
    common = set.intersection(*(set(by_seed) for by_seed in kept.values())) if kept else set()
    zero = folder / f"{ZERO}.npz"
    if not common or not zero.is_file():
        raise BadOption(f"{folder} has no seed of which all ways are there.", "Run the grid.")
    found: dict[str, dict[Name, Array]] = {}
    for figure in (*FIGURES, AUDIO, TEXT):
        found[figure] = {
            name: np.stack([by_seed[seed][figure] for seed in sorted(common)])
            for name, by_seed in kept.items()
        }
    for figure in FIGURES:
        found[figure][ZERO,] = _floats(zero)[figure][None]
    return found


def _floats(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as kept:
        return {name: kept[name] for name in kept.files if kept[name].dtype.kind == "f"}


def claims() -> list[Claim]:
    """What Choi et al. say, as far as a grid of one captioner can tell."""
    made: list[Claim] = []

    def says(group: str, text: str, weights: Mapping[Name, float], sort: Any = "above") -> None:
        made.append(Claim(group, text, weights, sort))

    def less(a: Name, b: Name) -> dict[Name, float]:
        return {a: 1.0, b: -1.0}

    for size in SIZES:
        own = (P2P, "original", size)
        says("a", f"pair-to-pair - mixture, {size}", less(own, (MIXTURE, "original", size)))
        says("a", f"pair-to-pair - audio, {size}", less(own, (AUDIO_WAY, "original", size)))
    for kind in REFINEMENTS:
        text = f"pair-to-pair - mixture, {kind} huge"
        says("a", text, less((P2P, kind, "huge"), (MIXTURE, kind, "huge")), "equal")
    for size in SIZES[1:]:
        for way in (AUDIO_WAY, MIXTURE, P2P):
            text = f"refined - original, {way}, {size}"
            sort = "above" if way == AUDIO_WAY else "equal"
            says("b", text, less((way, "refined", size), (way, "original", size)), sort)
        says(
            "c",
            f"(refined - original) of audio - of pair-to-pair, {size}",
            {
                (AUDIO_WAY, "refined", size): 1.0,
                (AUDIO_WAY, "original", size): -1.0,
                (P2P, "refined", size): -1.0,
                (P2P, "original", size): 1.0,
            },
        )
    best = (P2P, "original", "huge")
    every = {(w, r, s): -1.0 for w in WAYS for r in REFINEMENTS for s in SIZES}
    says("d", "pair-to-pair in the unrefined huge base is best", {**every, best: 1.0}, "best")
    for way in (P2P, MIXTURE, AUDIO_WAY):
        text = f"huge - base, {way}"
        says("e", text, less((way, "original", "huge"), (way, "original", "base")))
    text = f"huge - large, {AUDIO_WAY} (table 5)"
    says(
        "e", text, less((AUDIO_WAY, "original", "huge"), (AUDIO_WAY, "original", "large")), "below"
    )
    for size in SIZES:
        says("f", f"pair-to-pair - zero-shot, {size}", less((P2P, "original", size), (ZERO,)))
    return made


def similarity_claims(figure: str) -> list[Claim]:
    """What figure 1 and section 5 say of the pairs that are found."""
    made = []
    for size in SIZES:
        p2p, mixture, audio, text = ((way, "original", size) for way in WAYS)
        pairs = [(p2p, mixture), (p2p, audio)] if figure == TEXT else [(audio, p2p), (p2p, text)]
        for a, b in pairs:
            made.append(Claim("fig. 1", f"{a[0]} - {b[0]}, {size}", {a: 1.0, b: -1.0}))
    for size in SIZES[1:]:
        refined, original = ((AUDIO_WAY, kind, size) for kind in ("refined", "original"))
        text = f"refined - original, {AUDIO_WAY}, {size}"
        made.append(Claim("fig. 1", text, {refined: 1.0, original: -1.0}))
    return made


def curriculum(table: Mapping[Name, Array], control: Mapping[Name, Array]) -> list[Finding]:
    """That the captioner with curriculum is better than the one without (claim g)."""
    both = {("with", *name): values for name, values in table.items()}
    both |= {("without", *name): values for name, values in control.items()}
    asked = []
    for name, text in (((ZERO,), ZERO), ((P2P, "original", "base"), f"{P2P}, base")):
        weights = {("with", *name): 1.0, ("without", *name): -1.0}
        asked.append(Claim("g", f"with curriculum - without, {text}", weights))
    return found([claim for claim in asked if set(claim.weights) <= set(both)], both)


def findings(folders: Sequence[Path], control: Sequence[Path], figure: str) -> list[Finding]:
    """Every claim in every folder that has its cells, adjusted over all of them; `control` are
    grids of the same targets by captioners that were trained without curriculum."""
    without = {decided(folder)["target"]: folder for folder in control}
    every: list[Finding] = []
    for folder in folders:
        table, decides = tables(folder)[figure], decided(folder)
        asked = claims() if figure in FIGURES else similarity_claims(figure)
        several = found([c for c in asked if set(c.weights) <= set(table)], table)
        if decides["target"] in without and figure in FIGURES:
            several += curriculum(table, tables(without[decides["target"]])[figure])
        where = f"{decides['captioner']}, {decides['target']}"
        every += [replace(one, where=where) for one in several]
    return adjusted(every)


def decided(folder: Path) -> dict[str, Any]:
    """What a folder's cells depend on."""
    found: dict[str, Any] = json.loads((folder / "decides.json").read_text(encoding="utf-8"))
    return found


def described(folder: Path) -> str:
    """A table of a folder's cells: each figure's mean and 95 % interval."""
    by_figure, decides = tables(folder), decided(folder)
    seeds = max(map(len, by_figure[FIGURES[0]].values()))
    lines = [
        f"{decides['captioner']} on {decides['target']}, {decides['clips']} clips, {seeds} seeds",
        "",
        "| way | base | size | " + " | ".join(by_figure) + " |",
        "|" + "---|" * (3 + len(by_figure)),
    ]
    for name in by_figure[FIGURES[0]]:
        values = [_shown(table.get(name)) for table in by_figure.values()]
        lines.append("| " + " | ".join([*(*name, "", "")[:3], *values]) + " |")
    return "\n".join(lines)


def _shown(values: Array | None) -> str:
    if values is None:
        return ""
    estimate, low, high = mean(values)
    return f"{estimate:.3f} ({low:.3f} to {high:.3f})"

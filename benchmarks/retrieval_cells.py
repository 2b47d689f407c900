"""The cells of a retrieval grid: look up, caption, score; each is kept, so that a grid resumes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from retrieval_material import ENCODER, WEIGHT, Queries, Rows

from aacbench.catalog import choose_target
from aacbench.errors import BadOption
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.retrieving import Lookup
from aacbench.knowledge.searching import probe
from aacbench.metric_sets import choose_metrics
from aacbench.provenance import identity
from aacbench.types import Caption, Clip, Example, Item
from aacbench.workshop import Workshop

BATCH = 64
ZERO = "zero-shot"
AUDIO, TEXT = "audio similarity", "text similarity"

Values = Mapping[str, npt.NDArray[np.float64]]
"""By figure, (clips,) each."""


@dataclass(frozen=True, order=True)
class Cell:
    """One way of looking in one base: `way` of `searching.WAYS` or ``zero-shot``, which needs no
    base; `size` and `refinement` are those of `retrieval_material`, `seed` drew the base."""

    way: str
    refinement: str = ""
    size: str = ""
    seed: int = 0
    k: int = 4
    weight: float = WEIGHT

    @property
    def name(self) -> str:
        """A file's name."""
        if self.way == ZERO:
            return ZERO
        where = "-".join(part for part in (self.way, self.refinement, self.size) if part)
        return f"{where}-seed{self.seed}-k{self.k}-w{self.weight:g}"


class Captioned:
    """Captions by clip and examples, each asked for once; what is asked is kept in a file.

    Captions do not depend on what shares their batch, so that cells which show the same examples
    share them.
    """

    def __init__(self, captioner: Any, folder: Path) -> None:
        self._captioner = captioner
        folder.mkdir(parents=True, exist_ok=True)
        # A file of its own: another one may have broken off in the middle of a line.
        self._path = folder / f"captions-{time.time_ns()}-{os.getpid()}.jsonl"
        self._known: dict[str, str] = {}
        for path in sorted(folder.glob("captions-*.jsonl")):
            self._known |= _read(path)

    def __call__(
        self, clips: Sequence[Clip], several: Sequence[Sequence[Example]] | None
    ) -> list[str]:
        """One caption a clip."""
        shown = several if several is not None else [None] * len(clips)
        keys = [_key(clip, examples) for clip, examples in zip(clips, shown, strict=True)]
        new = [at for at, key in enumerate(keys) if key not in self._known]
        for start in range(0, len(new), BATCH):
            part = new[start : start + BATCH]
            given = [clips[at] for at in part]
            if several is None:
                said = self._captioner.caption(given)
            else:
                said = self._captioner.caption(given, [several[at] for at in part])
            self._keep({keys[at]: one.text for at, one in zip(part, said, strict=True)})
        return [self._known[key] for key in keys]

    def _keep(self, found: Mapping[str, str]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(pair) + "\n" for pair in found.items())
        self._known |= found


def _read(path: Path) -> dict[str, str]:
    """Finished lines of a file of captions; one that broke off is asked for again."""
    whole = [line for line in path.read_text(encoding="utf-8").split("\n")[:-1] if line]
    return dict(json.loads(line) for line in whole if line.endswith("]"))


def _key(clip: Clip, examples: Sequence[Example] | None) -> str:
    shown = [[e.dataset, e.clip_id, e.caption, e.score] for e in examples or ()]
    content = json.dumps([identity(clip), shown])
    return hashlib.sha256(content.encode()).hexdigest()[:32]


class Scorer:
    """Figures of single clips, with whatever depends on the whole target taken from all of it.

    A figure is the mean over clips, event F1 too, so that all figures are resampled alike.
    """

    def __init__(self, target: str, metrics: Sequence[str], workshop: Workshop) -> None:
        chosen = choose_target(target)
        self._annotations = workshop.make(chosen.choice).annotations(chosen.split)
        self._metrics = [workshop.make(choice) for choice in choose_metrics(metrics)]
        for metric in self._metrics:
            metric.prepare(self._annotations)
        self._known: dict[tuple[str, str], dict[str, float]] = {}

    def __call__(self, clips: Sequence[Clip], captions: Sequence[str]) -> Values:
        """The figures of each clip's caption."""
        asked = [(clip.id, text) for clip, text in zip(clips, captions, strict=True)]
        new = [pair for pair in dict.fromkeys(asked) if pair not in self._known]
        if new:
            items = [Item(i, (Caption(t),), self._annotations[i]) for i, t in new]
            found: dict[str, Any] = {}
            for metric in self._metrics:
                found |= metric.score(items, {}).per_clip
            for at, pair in enumerate(new):
                self._known[pair] = {name: float(rows[at]) for name, rows in found.items()}
        figures = self._known[asked[0]]
        return {name: np.array([self._known[pair][name] for pair in asked]) for name in figures}


class Grid:
    """Runs cells on the same clips with the same captioner, and keeps each in a folder.

    `decides` is what a cell's results depend on; a folder that holds others is refused.
    """

    def __init__(
        self,
        folder: Path,
        captioned: Captioned,
        asked: Queries,
        scorer: Scorer,
        encoder: Any,
        decides: Mapping[str, Any],
    ) -> None:
        self.folder = folder
        self._captioned = captioned
        self._asked = asked
        self._scorer = scorer
        self._encoder = encoder
        refuse_others(folder, decides)

    def zero_shot(self) -> list[str]:
        """The captions without examples, which pair-to-pair looks for."""
        return self._captioned(self._asked.clips, None)

    def result(self, cell: Cell, base: Callable[[], KnowledgeBase] | None = None) -> Values:
        """A cell's figures, from its file where it is there already."""
        path = self.folder / f"{cell.name}.npz"
        if not path.is_file():
            found = self._made(cell, base)
            partial = path.with_suffix(f".{os.getpid()}")
            with partial.open("wb") as file:
                np.savez_compressed(file, **found)
            partial.replace(path)
        with np.load(path, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files if kept[name].dtype.kind == "f"}

    def _made(self, cell: Cell, base: Callable[[], KnowledgeBase] | None) -> dict[str, Any]:
        clips = self._asked.clips
        if cell.way == ZERO or base is None or not cell.k:
            captions = self.zero_shot()
            return {"captions": np.array(captions), **self._scorer(clips, captions)}
        lookup = Lookup(
            ENCODER,
            self._encoder,
            base,
            lambda heard, said: probe(
                cell.way, heard, heard if said is None else said, cell.weight
            ),
            needs_captions=cell.way == "pair-to-pair",
        )
        asked = self.zero_shot() if lookup.needs_captions else None
        examples = lookup.retrieve(clips, cell.k, asked)
        captions = self._captioned(clips, examples)
        alike = similarities(self._asked.heard, self._asked.references, examples)
        return {"captions": np.array(captions), **self._scorer(clips, captions), **alike}


def similarities(
    heard: Rows, references: Sequence[Rows], several: Sequence[Sequence[Example]]
) -> dict[str, npt.NDArray[np.float64]]:
    """(clips,) how like its examples a clip is: the mean cosine of its sound and theirs, and of
    its references and their captions (Choi et al., figure 1)."""
    audio = [
        np.mean([row @ e.heard for e in shown]) for row, shown in zip(heard, several, strict=True)
    ]
    text = [
        np.mean([own @ e.said for e in shown])
        for own, shown in zip(references, several, strict=True)
    ]
    return {AUDIO: np.array(audio, np.float64), TEXT: np.array(text, np.float64)}


def refuse_others(folder: Path, decides: Mapping[str, Any]) -> None:
    """Write down what decides a folder's cells; `BadOption` where other cells are in it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, told = folder / "decides.json", json.dumps(decides, indent=2, sort_keys=True)
    if not path.is_file():
        path.write_text(told + "\n", encoding="utf-8")
    elif path.read_text(encoding="utf-8").strip() != told:
        raise BadOption(
            f"{folder} holds cells of another captioner, target or number of clips.",
            "Give another --out.",
        )

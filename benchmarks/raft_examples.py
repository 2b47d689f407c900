"""What examples do for `raft`: the nearest pairs of a base against pairs drawn at random.

    python benchmarks/raft_examples.py --weights FILE --target events --knowledge events

Prints figures on soundbox's validation clips without examples, and with 1, 4 and 10 of them found
in three ways. Choices were made by it; no test split is touched.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aacbench.embeddings import cached_audio, cached_text
from aacbench.knowledge.searching import probe
from aacbench.scoring import gather
from aacbench.types import Clip, Example
from aacbench.workshop import Workshop
from aacbench_p2p.raft.captioner import Raft
from aacbench_p2p.raft.options import RaftOptions

ENCODER = "clap:mini"
METRICS = ("event_f1", "cider_d:simple")
SHOTS = (1, 4, 10)
WAYS = ("audio-to-audio", "audio-to-mixture", "pair-to-pair", "random")
BATCH = 25


class Remembered:
    """An encoder whose embeddings of these clips were computed before."""

    def __init__(self, inner: Any, clips: Sequence[Clip]) -> None:
        self.dim = inner.dim
        self.rows = cached_audio(inner, ENCODER, clips)
        self._of = {clip.id: row for clip, row in zip(clips, self.rows, strict=True)}

    def embed_audio(self, clips: Sequence[Clip]) -> Any:
        return np.stack([self._of[clip.id] for clip in clips])


class Base:
    """The training pairs of a soundbox domain, searched exactly."""

    def __init__(self, workshop: Workshop, encoder: Any, domain: str) -> None:
        dataset = workshop.build("datasets", f"soundbox-{domain}")
        annotations = dataset.annotations("train")
        clips = dataset.clips("train")
        pairs = [(i, text) for i, c in enumerate(clips) for text in annotations[c.id].references]
        self.name = f"soundbox-{domain}/train"
        self.clips = clips
        self.clip_of = np.array([i for i, _ in pairs])
        self.captions = [text for _, text in pairs]
        self.heard = cached_audio(encoder, ENCODER, clips)
        self.said = cached_text(encoder, ENCODER, self.captions)

    def rows(self, way: str, heard: Any, said: Any, k: int) -> list[list[int]]:
        """The `k` nearest rows of each query, the lower row in a tie."""
        if way == "random":
            return np.random.default_rng(0).integers(len(self.captions), size=(len(heard), k))
        asked = probe(way, heard, said, 0.5)
        score = np.zeros((len(heard), len(self.captions)), np.float32)
        if asked.audio is not None:
            score += (asked.audio @ self.heard.T)[:, self.clip_of]
        if asked.text is not None:
            score += asked.text @ self.said.T
        return [np.argsort(-row, kind="stable")[:k].tolist() for row in score]

    def example(self, row: int) -> Example:
        clip = self.clip_of[row]
        pair = self.clips[clip].id, self.name, self.captions[row]
        return Example(*pair, 0.0, self.heard[clip], self.said[row])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--target", default="events", choices=("events", "scenes"))
    parser.add_argument("--knowledge", default="events", choices=("events", "scenes"))
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--beams", type=int, default=5)
    parser.add_argument("--ways", default=",".join(WAYS))
    given = parser.parse_args()
    torch.set_num_threads(1)
    workshop = Workshop()
    dataset = workshop.build("datasets", f"soundbox-{given.target}")
    clips = dataset.clips("validation")[: given.clips]
    annotations = {clip.id: dataset.annotations("validation")[clip.id] for clip in clips}
    inner = workshop.build("encoders", ENCODER)
    ears = Remembered(inner, clips)
    raft = Raft.load(given.weights, ears, RaftOptions(beams=given.beams), workshop)
    base = Base(workshop, inner, given.knowledge)

    def said(examples: Sequence[Sequence[Example]] | None) -> list[Any]:
        found = []
        for start in range(0, len(clips), BATCH):
            batch = slice(start, start + BATCH)
            found += raft.caption(clips[batch], examples[batch] if examples else None)
        return found

    def told(name: str, captions: Sequence[Any]) -> None:
        own = {clip.id: (caption,) for clip, caption in zip(clips, captions, strict=True)}
        items = gather(annotations, own)
        figures = []
        for metric in METRICS:
            judge = workshop.build("metrics", metric)
            judge.prepare(annotations)
            statistics = judge.score(items, {}).statistics
            figures.append(judge.corpus(statistics, np.ones((1, len(items))))[metric][0])
        print(
            f"{name:<24}" + "  ".join(f"{m} {f:.3f}" for m, f in zip(METRICS, figures, strict=True))
        )

    first = said(None)
    told("no examples", first)
    written = cached_text(inner, ENCODER, [caption.text for caption in first])
    for way in given.ways.split(","):
        rows = base.rows(way, ears.rows, written, max(SHOTS))
        for shots in SHOTS:
            told(f"{way}, {shots}", said([[base.example(r) for r in row[:shots]] for row in rows]))


if __name__ == "__main__":
    main()

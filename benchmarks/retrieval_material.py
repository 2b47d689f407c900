"""What retrieval grids look in and look for: pairs embedded once, bases drawn from them, queries.

Three sources: the training pairs of the target's domain, those of the other domain, and weakly
labelled pairs, which are clips of the target's domain drawn with another seed, of which a share
carries the captions of another clip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aacbench.bases import MANIFEST, read_manifest
from aacbench.catalog import choose_target
from aacbench.embeddings import cached_audio, cached_text
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.building import encoder_fingerprint
from aacbench.knowledge.entries import Entry
from aacbench.knowledge.refining import refine
from aacbench.knowledge.shards import Half
from aacbench.knowledge.writing import write
from aacbench.provenance import identity
from aacbench.types import Clip, Encoder
from aacbench.workshop import Workshop

ENCODER = "clap:mini"
SIZES = ("base", "large", "huge")
OTHER = {"events": "scenes", "scenes": "events"}
NEAREST, WEIGHT = 5, 0.5  # k of section 3.5, as the named bases have it, and W of equation 4
WEAK_SEED = 7

Rows = npt.NDArray[np.float32]


class Remembered:
    """An encoder that hears each sound and reads each text once, and then knows it."""

    def __init__(self, encoder: Encoder, expression: str) -> None:
        self._encoder = encoder
        self._expression = expression
        self._heard: dict[str, Rows] = {}
        self._said: dict[str, Rows] = {}
        self.dim = encoder.dim

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def embed_audio(self, clips: Sequence[Clip]) -> Rows:
        """As the encoder's, (clips, dim)."""
        keys = [identity(clip) for clip in clips]
        new = {k: c for k, c in zip(keys, clips, strict=True) if k not in self._heard}
        if new:
            rows = cached_audio(self._encoder, self._expression, list(new.values()))
            self._heard |= zip(new, rows, strict=True)
        return np.stack([self._heard[key] for key in keys])

    def embed_text(self, texts: Sequence[str]) -> Rows:
        """As the encoder's, (texts, dim)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._said]
        if new:
            self._said |= zip(new, self._encoder.embed_text(new), strict=True)
        return np.stack([self._said[text] for text in texts])


class RememberingWorkshop(Workshop):
    """Builds parts whose encoders are `Remembered`, one for each expression."""

    def make(self, choice: Any) -> Any:
        """As `Workshop.make`."""
        made = super().make(choice)
        if choice.kind == "encoders" and not isinstance(made, Remembered):
            made = self._built[choice.kind, choice.expression] = Remembered(made, choice.expression)
        return made


@dataclass(frozen=True)
class Pairs:
    """Entries and both embeddings of each, (pairs, dim); a clip's pairs stand together."""

    entries: tuple[Entry, ...]
    audio: Half
    text: Half

    def __len__(self) -> int:
        return len(self.entries)

    def clips(self) -> list[npt.NDArray[np.int64]]:
        """The rows of each clip."""
        starts = [
            row
            for row, entry in enumerate(self.entries)
            if not row or (entry.dataset, entry.id) != _whose(self.entries[row - 1])
        ]
        return np.split(np.arange(len(self)), starts[1:])

    def at(self, rows: npt.NDArray[np.int64]) -> Pairs:
        """Some of the pairs."""
        return Pairs(tuple(self.entries[r] for r in rows), self.audio[rows], self.text[rows])


def _whose(entry: Entry) -> tuple[str, str]:
    return entry.dataset, entry.id


def joined(several: Sequence[Pairs]) -> Pairs:
    """One after another."""
    return Pairs(
        tuple(entry for pairs in several for entry in pairs.entries),
        np.concatenate([pairs.audio for pairs in several]),
        np.concatenate([pairs.text for pairs in several]),
    )


def drawn(pairs: Pairs, share: float, random: np.random.Generator) -> Pairs:
    """All pairs of a share of the clips, in their order."""
    clips = pairs.clips()
    chosen = np.sort(random.permutation(len(clips))[: round(share * len(clips))])
    return pairs.at(np.concatenate([clips[clip] for clip in chosen]))


def mislabelled(pairs: Pairs, share: float, random: np.random.Generator) -> Pairs:
    """The same clips, a share of which carry the captions of another one of that share."""
    clips = pairs.clips()
    wrong = random.permutation(len(clips))[: round(share * len(clips))]
    giver = dict(zip(wrong.tolist(), np.roll(wrong, 1).tolist(), strict=True))
    parts = []
    for number, rows in enumerate(clips):
        given = clips[giver.get(number, number)]
        entry = pairs.entries[rows[0]]
        entries = tuple(replace(entry, caption=pairs.entries[row].caption) for row in given)
        audio = np.repeat(pairs.audio[rows[:1]], len(given), axis=0)
        parts.append(Pairs(entries, audio, pairs.text[given]))
    return joined(parts)


def trained(domain: str, workshop: Workshop) -> Pairs:
    """The training pairs of a soundbox domain: those of the named base of the domain."""
    return embedded(f"soundbox-{domain}@train", f"soundbox-{domain}/train", None, workshop)


def weak(domain: str, clips: int, workshop: Workshop) -> Pairs:
    """The first training clips of the domain as another seed draws it, with their own captions."""
    options = f"(seed={WEAK_SEED})"
    called = f"soundbox-{domain}/train{options}"
    return embedded(f"soundbox-{domain}@train{options}", called, clips, workshop)


def embedded(target: str, called: str, limit: int | None, workshop: Workshop) -> Pairs:
    """Each clip of a target with each of its references; what was heard and read is kept in the
    cache, so that captioners' training, bases and grids share it."""
    chosen = choose_target(target)
    dataset = workshop.make(chosen.choice)
    clips = dataset.clips(chosen.split)[:limit]
    annotations = dataset.annotations(chosen.split)
    encoder = Workshop().build("encoders", ENCODER)
    entries = [
        Entry(clip.id, called, caption, clip.source_id)
        for clip in clips
        for caption in annotations[clip.id].references
    ]
    said = cached_text(encoder, ENCODER, [entry.caption for entry in entries])
    counts = [len(annotations[clip.id].references) for clip in clips]
    heard = np.repeat(cached_audio(encoder, ENCODER, clips), counts, axis=0)
    return Pairs(tuple(entries), heard.astype(np.float16), said.astype(np.float16))


@dataclass(frozen=True)
class Sources:
    """The training pairs of the target's domain and of the other, and weakly labelled pairs."""

    own: Pairs
    other: Pairs
    weak: Pairs

    @classmethod
    def of(cls, domain: str, weak_clips: int, workshop: Workshop) -> Sources:
        """Those of a target's domain."""
        own, other = trained(domain, workshop), trained(OTHER[domain], workshop)
        return cls(own, other, weak(domain, weak_clips, workshop))

    def bases(self, seed: int, share: float = 0.25, wrong: float = 0.5) -> dict[str, Pairs]:
        """The pairs of each size under a seed, which draws a share of the clips of both domains,
        and which of the weakly labelled clips, all of which go in, carry wrong captions."""
        random = [np.random.default_rng([seed, number]) for number in range(3)]
        base = drawn(self.own, share, random[0])
        large = joined([base, drawn(self.other, share, random[1])])
        huge = joined([large, mislabelled(self.weak, wrong, random[2])])
        return dict(zip(SIZES, (base, large, huge), strict=True))


def original(pairs: Pairs, path: Path) -> KnowledgeBase:
    """The base of these pairs, written where it is not there yet."""
    if not ((path / MANIFEST).is_file() and read_manifest(path).get("complete")):
        told = {
            "expression": ENCODER,
            "fingerprint": encoder_fingerprint(ENCODER),
            "dim": pairs.audio.shape[1],
        }
        write(path, told, [(pairs.entries, pairs.audio, pairs.text)])
    return KnowledgeBase.open(path)


def written(pairs: Mapping[str, Pairs], folder: Path) -> dict[tuple[str, str], KnowledgeBase]:
    """The bases of one seed by ``(refinement, size)``, written where they are not there yet."""
    found = {
        ("original", size): original(one, folder / f"original-{size}")
        for size, one in pairs.items()
    }
    for size in pairs:
        base, by = found["original", size], found["original", "base"]
        found["refined", size] = refine(base, by, NEAREST, WEIGHT, folder / f"refined-{size}")
    return found


@dataclass(frozen=True)
class Queries:
    """The clips to caption, what is heard of each, (clips, dim), and the embeddings of its
    references, (references, dim) each, by which what was found is judged and nothing is sought."""

    clips: tuple[Clip, ...]
    heard: Rows
    references: tuple[Rows, ...]


def queries(target: str, limit: int, workshop: Workshop) -> Queries:
    """The first clips of a target."""
    chosen = choose_target(target)
    dataset = workshop.make(chosen.choice)
    clips = tuple(dataset.clips(chosen.split)[:limit])
    annotations = dataset.annotations(chosen.split)
    texts = [text for clip in clips for text in annotations[clip.id].references]
    encoder = Workshop().build("encoders", ENCODER)
    said = cached_text(encoder, ENCODER, texts)
    ends = np.cumsum([len(annotations[clip.id].references) for clip in clips])
    heard = cached_audio(encoder, ENCODER, clips)
    return Queries(clips, heard, tuple(np.split(said, ends[:-1])))

"""The text side of retrieval on real captions: does a caption find captions that are like its clip?

    python benchmarks/retrieval_text.py --data ../shared

There is no sound for most clips of AudioCaps and Clotho here, so that pair-to-pair retrieval can be
tried with W = 0 alone: the first caption of an evaluation clip stands in for a generated one, four
captions are looked up by `clap:small`'s text side, and both the query and what was found are held
against the clip's other captions. A person's caption is better than any captioner's, so that this
is what the text side can give at most. Bases: the target's own training captions (`base`), with
those of the other corpus (`large`), and the latter cut down to what is near the former (section 3.5
with W = 0). Controls: the query itself, and what the caption of another clip finds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import caption_material
import numpy as np
from retrieval_claims import Array, Claim, adjusted, found, markdown, mean
from retrieval_material import NEAREST, Rows

from aacbench.bases import MANIFEST, read_manifest
from aacbench.catalog import choose
from aacbench.errors import AacbenchError
from aacbench.knowledge.base import KnowledgeBase
from aacbench.knowledge.building import encoder_fingerprint
from aacbench.knowledge.entries import Entry
from aacbench.knowledge.probes import Probe
from aacbench.knowledge.refining import refine
from aacbench.knowledge.scanning import exact, single
from aacbench.knowledge.writing import write
from aacbench.types import Annotation, Caption, Item
from aacbench.workshop import Workshop

ENCODER = "clap:small"
TRAINING = {
    "clotho": "clotho/clotho_captions_development.csv",
    "audiocaps": "audiocaps/train.csv",
}
EVALUATION = {"clotho": "clotho/clotho_captions_evaluation.csv", "audiocaps": "audiocaps/test.csv"}
K = 4
COSINE, CIDER = "text similarity", "cider_d:simple"
BASES = ("base", "large", "refined large")


def training(corpus: str, shared: Path) -> tuple[list[Entry], Rows]:
    """A corpus's training captions and their embeddings, (captions, dim)."""
    captions = caption_material.read(shared, [TRAINING[corpus]])
    name = f"{corpus}/train"
    entries = [
        Entry(f"{corpus}-{clip}", name, text)
        for clip, text in zip(captions.clips.tolist(), captions.texts, strict=True)
    ]
    return entries, caption_material.embedded(ENCODER, captions)


def bases(target: str, shared: Path, out: Path) -> dict[str, KnowledgeBase]:
    """The bases of a target; no sound is known, so the captions stand on both sides."""
    (other,) = set(TRAINING) - {target}
    own, others = training(target, shared), training(other, shared)
    told = {
        "expression": choose("encoders", ENCODER).expression,
        "fingerprint": encoder_fingerprint(ENCODER),
        "dim": own[1].shape[1],
    }
    found = {}
    for name, parts in (("base", [own]), ("large", [own, others])):
        path = out / target / name
        if not ((path / MANIFEST).is_file() and read_manifest(path).get("complete")):
            blocks = [(e, r.astype(np.float16), r.astype(np.float16)) for e, r in parts]
            write(path, told, blocks)
        found[name] = KnowledgeBase.open(path)
    path = out / target / "refined-large"
    found["refined large"] = refine(found["large"], found["base"], NEAREST, 0.0, path)
    return found


class Asked:
    """A target's clips: the first caption of each is the query, the others are the truth."""

    def __init__(self, target: str, shared: Path) -> None:
        captions = caption_material.read(shared, [EVALUATION[target]])
        rows = caption_material.embedded(ENCODER, captions)
        groups = np.split(np.arange(len(rows)), np.flatnonzero(np.diff(captions.clips)) + 1)
        self.texts = [[captions.texts[at] for at in group] for group in groups if len(group) > 1]
        self.rows = [rows[group] for group in groups if len(group) > 1]
        self.queries = np.stack([own[0] for own in self.rows])
        self._metric = Workshop().build("metrics", CIDER)
        self._metric.prepare({str(n): Annotation(tuple(t)) for n, t in enumerate(self.texts)})

    def held(self, said: list[list[str]], vectors: list[Rows]) -> dict[str, Array]:
        """(1, clips) of each figure: of what was found for each clip, the mean cosine with its
        other captions, and CIDEr-D of the first against them."""
        cosines = [own[1:] @ theirs.T for own, theirs in zip(self.rows, vectors, strict=True)]
        items = [
            Item(str(n), (Caption(texts[0]),), Annotation(tuple(own[1:])))
            for n, (own, texts) in enumerate(zip(self.texts, said, strict=True))
        ]
        scores = self._metric.score(items, {}).per_clip[CIDER]
        return {COSINE: np.array([[c.mean() for c in cosines]]), CIDER: np.asarray(scores)[None]}


def looked_up(asked: Asked, base: KnowledgeBase, queries: Rows) -> dict[str, Array]:
    """The figures of what the queries find in a base."""
    rows = exact(base, Probe(None, queries), K).rows
    entries = base.entries(rows.ravel().tolist())
    vectors = single(base.vectors(rows.ravel())[1]).reshape(len(rows), K, -1)
    said = [[entries[n * K + k].caption for k in range(K)] for n in range(len(rows))]
    return asked.held(said, list(vectors))


def cells(asked: Asked, built: Mapping[str, KnowledgeBase]) -> Iterator[tuple[str, Any]]:
    """Every base, and the controls."""
    own = [[texts[0]] for texts in asked.texts]
    yield "the query itself", asked.held(own, [rows[:1] for rows in asked.rows])
    for name, base in built.items():
        yield name, looked_up(asked, base, asked.queries)
    yield "base, another clip's", looked_up(asked, built["base"], np.roll(asked.queries, 1, axis=0))


def claims() -> list[Claim]:
    """What is asked of the cells."""
    pairs = [
        ("a caption finds more than another clip's", "base", "base, another clip's"),
        ("large - base", "large", "base"),
        ("refined - original, large", "refined large", "large"),
    ]
    return [Claim("text", text, {a: 1.0, b: -1.0}) for text, a, b in pairs]


def main() -> int:
    """Build the bases, look up, and say what came of it."""
    beside = Path(__file__).resolve().parent.parent.parent / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=os.environ.get("AACBENCH_TEST_DATA", str(beside)))
    parser.add_argument("--out", type=Path, default=Path("runs/retrieval_text"))
    parser.add_argument("--claims", type=Path, help="write the claims there, a line of JSON each")
    given = parser.parse_args()
    shared, lines, findings = Path(given.data), [], []
    try:
        for target in EVALUATION:
            built = bases(target, shared, given.out)
            told = dict(cells(Asked(target, shared), built))
            sizes = {name: len(base) for name, base in built.items()}
            print(f"{target}, {told['base'][COSINE].shape[1]} clips, captions in bases: {sizes}\n")
            print(f"| | {COSINE} | {CIDER} of the nearest |\n|---|---|---|")
            for name, figures in told.items():
                shown = ["{:.3f} ({:.3f} to {:.3f})".format(*mean(f)) for f in figures.values()]
                print(f"| {name} | " + " | ".join(shown) + " |")
            print()
            for figure in (COSINE, CIDER):
                table = {name: figures[figure] for name, figures in told.items()}
                findings += [(target, figure, one) for one in found(claims(), table)]
    except AacbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for (target, figure, _), one in zip(findings, adjusted([f for *_, f in findings]), strict=True):
        lines.append({**one.line(), "where": target, "figure": figure})
        print(figure, markdown([one]).splitlines()[-1].replace("|  |", f"| {target} |", 1))
    if given.claims:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        given.claims.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

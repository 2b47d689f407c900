"""How well the audibility classifiers judge: sentences that neither saw, and captions with truth.

``python benchmarks/audibility.py`` prints JSON. Sentences are the held-out groups of the lists that
the classifiers were trained on. Captions are the references of soundbox's validation splits, where
the generator wrote down which of them mention something that nobody can hear. ``--classifier
classifier(weights=PATH)``, as often as wanted, looks at others.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from aacbench.api import load_dataset
from aacbench.builtin.classifiers import groups, measure
from aacbench.builtin.classifiers.options import POSITIVE
from aacbench.builtin.classifiers.sentences import Sentences, default_files, read_sentences
from aacbench.stats import wilson
from aacbench.workshop import Workshop

TARGETS = ("soundbox-events", "soundbox-scenes")
UNFINISHED = (0.5, 0.75)
TIMED = 2048  # captions


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classifier", action="append")
    parser.add_argument("--unfinished", action="store_true", help="captions cut short too")
    given = parser.parse_args()
    shares = (1.0, *UNFINISHED) if given.unfinished else (1.0,)
    chosen = given.classifier or ["audibility:mini", "audibility:judge"]
    workshop = Workshop()
    built = {name: workshop.build("classifiers", name) for name in chosen}
    held_out = held_out_sentences()
    found = {
        name: measure.probability(one, POSITIVE, held_out.texts) for name, one in built.items()
    }
    report: dict[str, Any] = {
        name: {
            "held_out": on_sentences(found[name], held_out),
            "beginnings": beginnings(one, held_out),
            **{target: on_captions(one, target, shares) for target in TARGETS},
            "texts_per_second": speed(one),
        }
        for name, one in built.items()
    }
    if len(chosen) > 1:
        first, second = (found[name] >= 0.5 for name in chosen[:2])
        report["agreement"] = {
            "share": float((first == second).mean()),
            "kappa": measure.kappa(first, second),
        }
    print(json.dumps(report, indent=1))


def held_out_sentences() -> Sentences:
    """The groups that no classifier of these lists learns from."""
    sentences = read_sentences(*default_files())
    dealt = groups.deal(sentences.texts, groups.near_duplicates(sentences.texts))
    return sentences.at(dealt["held_out"])


def on_sentences(found: np.ndarray, held_out: Sentences) -> dict[str, Any]:
    """Accuracy, calibration and the worst mistakes."""
    return {
        **measure.told_apart(found, held_out.positive),
        "calibration_error": measure.calibration_error(found, held_out.positive),
        "area": measure.area(found, held_out.positive),
        "worst": [vars(one) for one in measure.worst(found, held_out)],
    }


def beginnings(classifier: Any, held_out: Sentences) -> dict[str, float]:
    """Accuracy on the first words of sentences."""
    said = {
        share: measure.probability(
            classifier, POSITIVE, [measure.cut(text, share) for text in held_out.texts]
        )
        for share in measure.CUTS
    }
    return {
        str(share): float(((one >= 0.5) == held_out.positive).mean()) for share, one in said.items()
    }


def on_captions(classifier: Any, target: str, shares: Sequence[float]) -> dict[str, Any]:
    """Can it tell references with something inaudible from those without, whole and unfinished?

    `area` is that of the ROC curve; `clean_audible` and `spanned_audible` the shares of either
    kind that are called audible, with Wilson intervals. An unfinished reference counts as spanned
    when its span is wholly within it.
    """
    report = {}
    for share in shares:
        texts, clean = [], []
        for annotation in load_dataset(target).annotations("validation").values():
            for number, reference in enumerate(annotation.references):
                text = measure.cut(reference, share)
                ends = [span.end for span in annotation.inaudible if span.reference == number]
                texts.append(text)
                clean.append(not any(end <= len(text) for end in ends))
        said = measure.probability(classifier, POSITIVE, texts)
        kinds = np.array(clean)
        report[str(share)] = {
            "n": len(texts),
            "spanned": int((~kinds).sum()),
            "area": measure.area(said, kinds),
            "clean_audible": vars(wilson(int((said[kinds] >= 0.5).sum()), int(kinds.sum()))),
            "spanned_audible": vars(wilson(int((said[~kinds] >= 0.5).sum()), int((~kinds).sum()))),
        }
    return report


def speed(classifier: Any) -> float:
    """Captions a second of processor time, in batches of 512, after a pass that fills all caches;
    with OMP_NUM_THREADS=1, what one core does."""
    annotations = load_dataset(TARGETS[0]).annotations("validation").values()
    texts = [text for one in annotations for text in one.references][:TIMED]
    classifier.probabilities(texts)
    began = time.process_time()
    for start in range(0, len(texts), 512):
        classifier.probabilities(texts[start : start + 512])
    return len(texts) / (time.process_time() - began)


if __name__ == "__main__":
    main()

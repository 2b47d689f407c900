"""`aacbench train classifier`: two files of sentences to weights and a card.

Near-duplicates are grouped before anything is divided. One part of the groups is held out from
every classifier, whichever half it learns from; a small part of its own half sets how its readers
are weighed; nothing is chosen on the held-out part.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench import training
from aacbench.builtin.classifiers import card
from aacbench.builtin.classifiers.augmentation import Author, Mixture
from aacbench.builtin.classifiers.calibration import fit_blend
from aacbench.builtin.classifiers.groups import deal, near_duplicates, parts_of
from aacbench.builtin.classifiers.loading import load_classifier
from aacbench.builtin.classifiers.options import ClassifierTrainOptions
from aacbench.builtin.classifiers.sentences import Sentences, default_files, read_sentences
from aacbench.errors import BadData

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from aacbench.specs import Context

WEIGHTS = "classifier-{}.safetensors"
CHECKED = Mixture(0.2, 0.4, 0.2, 0.2)  # the made-up texts that readers are weighed on,
CHECKED_SHARE = 0.25  # so many for each whole sentence


@dataclass(frozen=True)
class Lesson:
    """What is learnt from, what readers are weighed on, and what nobody has seen."""

    learning: Sentences
    checking: Sentences
    held_out: Sentences
    groups: int
    files: tuple[Path, Path]


@dataclass(frozen=True)
class Learnt:
    """A weights file's tensors and header, and how many readers it blends."""

    tensors: dict[str, Tensor]
    config: dict[str, Any]
    readers: int


def train(options: ClassifierTrainOptions, context: Context, out: Path) -> dict[str, Any]:
    """Train the preset that `options` names into `out`; gives the figures on held-out sentences."""
    lesson = prepare(options, context, out)
    if options.preset == "paper":
        from aacbench.builtin.classifiers.train_paper import train_paper

        return train_paper(lesson, options, context, out)
    if options.preset == "judge":
        from aacbench.builtin.classifiers.train_judge import learn
    else:
        from aacbench.builtin.classifiers.train_mini import learn
    with one_thread():
        learnt = learn(lesson.learning, options, context, out)
        return finish(learnt, lesson, options, out)


@contextmanager
def one_thread() -> Iterator[None]:
    """Several threads add up the gradients of a word in whatever order they come, and the bytes of
    the weights would differ; networks this small gain nothing by them."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def prepare(options: ClassifierTrainOptions, context: Context, out: Path) -> Lesson:
    """The sentences, read or generated, grouped and dealt out."""
    files = _files(options, context, out)
    sentences = read_sentences(*files)
    groups = near_duplicates(sentences.texts)
    dealt = deal(sentences.texts, groups)
    learning, checking = (sentences.at(chosen) for chosen in parts_of(dealt, options.half))
    if len(np.unique(learning.positive)) < 2:
        raise BadData(
            f"Of {len(sentences)} sentences, in {len(np.unique(groups))} groups of near-duplicates,"
            f" the part to learn from ('{options.half}') holds not both kinds.",
            "Give more sentences, or learn from all: --half all",
        )
    if len(np.unique(checking.positive)) < 2:  # a handful of sentences: better than a guess
        checking = learning
    if options.shuffle_labels:
        rng = np.random.default_rng([options.seed, len(learning)])
        learning, checking = (
            replace(some, positive=rng.permutation(some.positive)) for some in (learning, checking)
        )
    held_out = sentences.at(dealt["held_out"])
    return Lesson(learning, checking, held_out, len(np.unique(groups)), files)


def _files(options: ClassifierTrainOptions, context: Context, out: Path) -> tuple[Path, Path]:
    if options.generate is not None:
        from aacbench.builtin.classifiers.generate import write_sentences

        return write_sentences(options, context, out)
    if options.positives is None or options.negatives is None:
        return default_files()
    return options.positives, options.negatives


def doubted(positive: npt.NDArray[np.bool_], smoothing: float) -> Tensor:
    """(texts,) what is learnt for each: 1 and 0, drawn together by `smoothing`."""
    import torch

    return torch.from_numpy(np.where(positive, 1 - smoothing, smoothing).astype(np.float32))


def finish(
    learnt: Learnt, lesson: Lesson, options: ClassifierTrainOptions, out: Path
) -> dict[str, Any]:
    """Weigh the readers, measure what a loader will give, and write weights and card."""
    path = out / WEIGHTS.format(options.preset)
    config = {**learnt.config, "labels": list(options.labels)}
    equal = {"weights": [1 / learnt.readers] * learnt.readers, "shift": 0.0}
    # Weighed and measured as it will be loaded: from the rounded numbers of the file.
    training.save_weights(learnt.tensors, path, {**config, "blend": equal})
    raw: Any = load_classifier(path)
    made, kinds = Author(lesson.checking, CHECKED).write(
        np.random.default_rng(options.seed), round(CHECKED_SHARE * len(lesson.checking))
    )
    texts = [*lesson.checking.texts, *made]
    blend = fit_blend(raw.logits(texts), np.append(lesson.checking.positive, kinds))
    config["blend"] = {"weights": list(blend.weights), "shift": blend.shift}
    training.save_weights(learnt.tensors, path, config)
    report = card.Report.of(load_classifier(path), options.labels[0], lesson.held_out)
    config["held_out"] = report.told_apart
    digest = training.save_weights(learnt.tensors, path, config)
    card.write(path, digest, options, lesson, report)
    training.forget(out)
    return {"weights": str(path), "sha256": digest, **report.figures()}

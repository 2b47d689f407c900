"""How good a classifier of two kinds is: accuracy, calibration, agreement, its worst mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aacbench.builtin.classifiers.sentences import Sentences
from aacbench.stats import wilson

if TYPE_CHECKING:
    import numpy.typing as npt

    from aacbench.types import Classifier

    Booleans = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]

BINS = 10
CUTS = (0.25, 0.5, 0.75)  # shares of a sentence's words, for its beginnings


@dataclass(frozen=True)
class Bin:
    """Texts whose probability fell into one tenth: how many, what was said, what was so."""

    count: int
    said: float
    true: float


@dataclass(frozen=True)
class Mistake:
    """A sentence by its line in its file, and its probability of being positive."""

    positive: bool
    line: int
    probability: float


def probability(classifier: Classifier, label: str, texts: Sequence[str]) -> Floats:
    """(texts,) of `label`, whose column is found by its name."""
    column = classifier.labels.index(label)
    return np.asarray(classifier.probabilities(texts)[:, column], np.float64)


def told_apart(probabilities: Floats, positive: Booleans) -> dict[str, Any]:
    """`n`, `accuracy` with its Wilson interval of 95 %, `error`, and the errors of either kind;
    None where there is nothing of a kind."""
    right = (probabilities >= 0.5) == positive
    interval = wilson(int(right.sum()), len(right))
    return {
        "n": len(right),
        "accuracy": _rounded(interval.estimate),
        "low": _rounded(interval.low),
        "high": _rounded(interval.high),
        "error": _rounded(1 - interval.estimate),
        "false_audible": _share(~right[~positive]),
        "false_inaudible": _share(~right[positive]),
    }


def reliability(probabilities: Floats, positive: Booleans) -> list[Bin]:
    """The filled tenths of the probabilities, lowest first."""
    place = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    return [
        Bin(int(at.sum()), float(probabilities[at].mean()), float(positive[at].mean()))
        for at in (place == number for number in range(BINS))
        if at.any()
    ]


def calibration_error(probabilities: Floats, positive: Booleans) -> float:
    """Expected calibration error in ten bins of equal width (Naeini et al. 2015), 0 to 1."""
    table = reliability(probabilities, positive)
    gaps = sum(one.count * abs(one.said - one.true) for one in table)
    return gaps / max(1, len(probabilities))


def worst(probabilities: Floats, sentences: Sentences, count: int = 10) -> list[Mistake]:
    """The mistakes that were made with the most confidence, worst first."""
    wrong = np.flatnonzero((probabilities >= 0.5) != sentences.positive)
    order = wrong[np.argsort(-np.abs(probabilities[wrong] - 0.5), kind="stable")][:count]
    return [
        Mistake(bool(sentences.positive[i]), int(sentences.lines[i]), float(probabilities[i]))
        for i in order
    ]


def area(probabilities: Floats, positive: Booleans) -> float:
    """Area under the ROC curve: how often a positive text is ranked above another; ties half."""
    from scipy.stats import rankdata

    ranks = rankdata(probabilities)[positive]
    pairs = len(ranks) * (~positive).sum()
    return float((ranks.sum() - len(ranks) * (len(ranks) + 1) / 2) / pairs) if pairs else np.nan


def kappa(first: Booleans, second: Booleans) -> float:
    """Cohen's kappa of two verdicts; 1 where both always say one and the same."""
    agreed = float((first == second).mean())
    chance = float(first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean()))
    return 1.0 if chance == 1 else (agreed - chance) / (1 - chance)


def cut(text: str, share: float) -> str:
    """The beginning of a text: `share` of its words, at least one."""
    words = text.split()
    return " ".join(words[: max(1, round(share * len(words)))])


def _share(flags: Booleans) -> float | None:
    return _rounded(float(flags.mean())) if len(flags) else None


def _rounded(value: float) -> float:
    return round(float(value), 4)

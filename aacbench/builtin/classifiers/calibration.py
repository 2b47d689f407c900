"""From raw log odds to probabilities that mean what they say.

A logistic regression with one weight a column and a shift, on sentences that were not learnt from:
with one column, that is a temperature (Guo et al. 2017) and a shift of the prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

RIDGE = 1e-3  # keeps the weights finite where a few sentences can be told apart without error
DIGITS = 6  # kept of each number, so that they are written alike everywhere


@dataclass(frozen=True)
class Blend:
    """`weights` of the columns, and the `shift` added to their sum."""

    weights: tuple[float, ...]
    shift: float = 0.0

    @classmethod
    def of(cls, table: dict[str, Any]) -> Blend:
        """As `vars` of one wrote it."""
        return cls(tuple(map(float, table["weights"])), float(table["shift"]))

    def __call__(self, columns: Floats) -> Floats:
        """(texts,) log odds from (texts, columns)."""
        found: Floats = (columns * np.array(self.weights)).sum(1) + self.shift
        return found


def fit_blend(columns: Floats, positive: npt.NDArray[np.bool_]) -> Blend:
    """The weights and the shift with the least cross-entropy on (texts, columns).

    Weights are not negative: a reader that is of no use is left out, and never turned round.
    """
    from scipy.optimize import minimize

    signs = np.where(positive, 1.0, -1.0)

    def loss(values: Floats) -> tuple[float, Floats]:
        margins = signs * (columns @ values[:-1] + values[-1])
        missing = -signs * np.exp(-np.logaddexp(0, margins)) / len(signs)
        gradient = np.append(missing @ columns, missing.sum()) + RIDGE * values
        return float(np.logaddexp(0, -margins).mean() + RIDGE / 2 * values @ values), gradient

    start = np.append(np.full(columns.shape[1], 1 / columns.shape[1]), 0.0)
    bounds = [(0.0, None)] * columns.shape[1] + [(None, None)]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    *weights, shift = (round(float(value), DIGITS) for value in found)
    return Blend(tuple(weights), shift)


def two_columns(log_odds: Floats) -> npt.NDArray[np.float32]:
    """(texts, 2): the probability of the positive label and of the other."""
    from scipy.special import expit

    return np.stack([expit(log_odds), expit(-log_odds)], 1).astype(np.float32)

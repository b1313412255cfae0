"""What the missing pairs could at most have changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.arrays import Floats

TOLERATED = 0.05
"""The share of missing pairs above which their worst case stands beside the mean."""


@dataclass(frozen=True)
class Bounds:
    """Between which values the mean difference would have been, had nothing been missing."""

    low: float
    high: float
    pairs: int
    missing: int  # pairs with at least one side missing

    @property
    def share(self) -> float:
        """The share of missing pairs, in [0, 1]."""
        return self.missing / self.pairs


def missing_bounds(a: ArrayLike, b: ArrayLike, low: float = 0.0, high: float = 1.0) -> Bounds:
    """Worst-case bounds of the mean of ``a - b`` over n pairs [n] in which NaN stands for a value that is missing.

    A missing value may be anything in [low, high] (accuracies: from 0 to 1), whatever made it missing; the side that is
    there counts as it is. ``low = mean(a_low - b_high)``, ``high = mean(a_high - b_low)``. The bounds hold the mean
    of these n pairs; the chance in the draw of replicates comes on top.
    Source: Horowitz and Manski 2000, JASA 95:77-84. Raises ValueError when a and b differ in length, for a value
    outside [low, high], or without pairs.

    >>> missing_bounds([0.75, float("nan")], [0.5, 0.5])
    Bounds(low=-0.125, high=0.375, pairs=2, missing=1)
    """
    left, right = (np.asarray(side, dtype=np.float64) for side in (a, b))
    if left.shape != right.shape or left.ndim != 1 or not len(left):
        raise ValueError(f"expected pairs, at least one, got values of shapes {left.shape} and {right.shape}")
    known = np.concatenate([left, right])
    known = known[~np.isnan(known)]
    if ((known < low) | (known > high)).any():
        raise ValueError(f"expected values from {low} to {high}, or NaN where missing, got {known.tolist()}")
    smallest = _or(left, low) - _or(right, high)
    largest = _or(left, high) - _or(right, low)
    gone = int((np.isnan(left) | np.isnan(right)).sum())
    return Bounds(float(smallest.mean()), float(largest.mean()), len(left), gone)


def _or(values: Floats, instead: float) -> Floats:
    return np.where(np.isnan(values), instead, values)

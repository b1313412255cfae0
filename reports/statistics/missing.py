"""Pairs that are missing: what is left to average over, and what they could at most have changed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.statistics.arrays import Floats

Held = NDArray[np.bool_]
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


def complete(held: ArrayLike) -> tuple[Held, Held]:
    """Which replicates [n] and cells [C] to keep, so that each kept replicate has each kept cell, from held [n, C].

    A replicate's mean must be over the same cells in every replicate: otherwise one that lacks a hard cell looks
    better. So long as something is missing, the replicate or the cell that lacks the largest share goes; at a tie the
    replicate, because to lose a cell changes the question, to lose a replicate only the precision; among several the
    last. Where nothing is held nothing is kept. It reads what is missing, never a score.
    Source: ours; it is listwise deletion, by whichever of the two sides costs fewer pairs.
    Raises ValueError unless `held` is a table.

    >>> rows, columns = complete([[True, True], [True, False], [True, True]])
    >>> rows.tolist(), columns.tolist()
    ([True, False, True], [True, True])
    """
    table = np.asarray(held, dtype=bool)
    if table.ndim != 2:
        raise ValueError(f"expected a table of replicates by cells, got an array of shape {table.shape}")
    rows, columns = (np.ones(size, dtype=bool) for size in table.shape)
    while (gone := ~table[np.ix_(rows, columns)]).any():
        by_row, by_column = gone.mean(axis=1), gone.mean(axis=0)
        if by_row.max() >= by_column.max():
            rows[np.flatnonzero(rows)[by_row == by_row.max()][-1]] = False
        else:
            columns[np.flatnonzero(columns)[by_column == by_column.max()][-1]] = False
    return rows, columns


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

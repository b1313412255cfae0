"""Scores of one method over many cells, where a mean would hang on a few of them.

Both functions reduce each replicate to its own number first and take t intervals over these, so that an effect of the
seed that all cells share counts once. The stratified bootstrap of rliable resamples within each cell and so takes the
cells' noise for independent: with such an effect its 95 % intervals cover half the time.
"""

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.arrays import LEVEL, Floats, finite, grid
from reports.statistics.intervals import Band, Estimate, mean_band, mean_interval


def iqm(values: ArrayLike) -> float:
    """The interquartile mean of values [m]: the mean of the middle half, in the unit of the values.

    The ``floor(m / 4)`` lowest and highest values are left out; up to three values it is the plain mean.
    Source: Agarwal et al. 2021, NeurIPS (arXiv 2108.13264), section 4.3. Raises ValueError without values.

    >>> iqm([0.0, 0.4, 0.6, 5.0])
    0.5
    """
    ordered = np.sort(finite(values), axis=None)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def iqm_interval(scores: ArrayLike, level: float = LEVEL) -> Estimate:
    """The mean over n replicates of each replicate's `iqm` over its cells, with its t interval, from scores [n, cells].

    Deviation from the source: rliable takes the IQM of all runs and cells pooled, and a stratified bootstrap; here each
    replicate has its own IQM, so that there are n independent values to infer from.
    Source: Agarwal et al. 2021. Raises ValueError unless there is a score for each replicate and cell.

    >>> iqm_interval([[0.1, 0.5, 0.5, 0.9], [0.2, 0.6, 0.6, 0.9]]).mean
    0.55
    """
    return mean_interval([iqm(row) for row in grid(scores, "replicates", "cells")], level)


def performance_profile(scores: ArrayLike, thresholds: ArrayLike, level: float = LEVEL) -> Band:
    """The share of cells scored above each threshold [T], mean over n replicates with t intervals, from [n, cells].

    ``profile(tau) = mean over replicates and cells of [score > tau]``, not rising in tau; pointwise intervals over the
    replicates' own shares, not cut at 0 or 1. Where all replicates have the same share the interval has no width.
    Shares are not normal: with 12 cells at a share of one half it covers 93, 94 and 94 % at 3, 5 and 10 replicates.
    Deviation from the source: t over replicates for its stratified bootstrap.
    Source: Agarwal et al. 2021, section 4.2 (run-score distributions); the idea is Dolan and More's, 2002.
    Raises ValueError unless there is a score for each replicate and cell, and a threshold.

    >>> performance_profile([[0.4, 0.8], [0.6, 0.9]], [0.0, 0.5, 0.8]).mean.tolist()
    [1.0, 0.75, 0.25]
    """
    table, limits = grid(scores, "replicates", "cells"), finite(thresholds)
    above: Floats = (table[:, :, None] > limits).mean(axis=1)
    return mean_band(above, level)

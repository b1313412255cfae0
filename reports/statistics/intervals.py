"""What a few replicates say about a mean. Pure functions of arrays; the unit is always the replicate, never the client.

Intervals are Student's t: at three to ten replicates bootstrap intervals of a mean cover far less than they claim.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
LEVEL = 0.95
"""Coverage of every interval that does not say otherwise."""
FEW = 5
"""Below this many replicates numbers are called descriptive only."""


@dataclass(frozen=True)
class Estimate:
    """A mean over replicates with its interval, in the unit of the values."""

    mean: float
    low: float | None  # None: one replicate has no interval
    high: float | None
    n: int  # replicates


@dataclass(frozen=True)
class Band:
    """Means and pointwise intervals along a curve of T points."""

    mean: Floats  # [T]
    low: Floats | None  # [T]; None: one replicate has no interval
    high: Floats | None  # [T]


def t_quantile(n: int, level: float = LEVEL) -> float:
    """The two-sided quantile of Student's t with n - 1 degrees of freedom, n >= 2, 0 < level < 1.

    >>> round(t_quantile(5), 3)
    2.776
    """
    if n < 2 or not 0 < level < 1:
        raise ValueError(f"expected n >= 2 and 0 < level < 1, got n = {n} and level = {level}")
    return float(stdtrit(n - 1, 1 - (1 - level) / 2))


def mean_interval(values: ArrayLike, level: float = LEVEL) -> Estimate:
    """The mean of n replicates [n] and its t interval, ``mean ± t(1 - (1 - level) / 2; n - 1) s / sqrt(n)``.

    ``s`` is the sample standard deviation (divisor n - 1). Where a replicate spans several cells, give the replicate's
    mean over them: an effect of the seed that all its cells share then counts once. The interval is not cut at 0 or 1.
    Source: Student 1908, Biometrika 6:1-25; NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2.
    Raises ValueError without values, or with one that is not finite.

    >>> mean_interval([0.75, 0.25]).mean
    0.5
    >>> mean_interval([0.8])
    Estimate(mean=0.8, low=None, high=None, n=1)
    """
    column = _finite(values)
    if column.ndim != 1:
        raise ValueError(f"expected one value per replicate, got an array of shape {column.shape}")
    band = mean_band(column[:, None], level)
    low = None if band.low is None else float(band.low[0])
    high = None if band.high is None else float(band.high[0])
    return Estimate(float(band.mean[0]), low, high, len(column))


def mean_band(values: ArrayLike, level: float = LEVEL) -> Band:
    """`mean_interval` at each of T points of n curves [n, T].

    Each point's interval stands alone: the band is no statement about whole curves. Raises ValueError without curves,
    or with a value that is not finite.
    """
    table = _finite(values)
    if table.ndim != 2:
        raise ValueError(f"expected one row per replicate, got an array of shape {table.shape}")
    mean = table.mean(axis=0)
    n = len(table)
    if n == 1:
        return Band(mean, None, None)
    half = t_quantile(n, level) * table.std(axis=0, ddof=1) / math.sqrt(n)
    return Band(mean, mean - half, mean + half)


def paired_difference(a: ArrayLike, b: ArrayLike, level: float = LEVEL) -> Estimate:
    """The mean of ``a - b`` over replicates that both met [n], with the t interval of the n differences.

    Pairing takes out what the draw of a replicate does to both methods alike: ``d_i = a_i - b_i``, then
    `mean_interval` of d, the interval that belongs to the paired t test.
    Source: Student 1908, section IX; NIST/SEMATECH e-Handbook of Statistical Methods, 7.3.1.1.
    Raises ValueError when a and b differ in length.

    >>> paired_difference([0.8, 0.9], [0.7, 0.8]).n
    2
    """
    left, right = _finite(a), _finite(b)
    if left.shape != right.shape:
        raise ValueError(f"expected pairs, got {left.shape} and {right.shape} values")
    return mean_interval(left - right, level)


def _finite(values: ArrayLike | Sequence[float]) -> Floats:
    table = np.asarray(values, dtype=np.float64)
    if table.size == 0 or not np.isfinite(table).all():
        raise ValueError(f"expected finite values, at least one, got {table.tolist()}")
    return table

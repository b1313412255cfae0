"""What a few replicates say about a mean: Student's t, alone, along a curve, paired, and for several pairs at once.

At three to ten replicates bootstrap intervals of a mean cover far less than they claim; see docs/statistics.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from reports.statistics.arrays import LEVEL, Floats, column, differences, finite, pairs

FEW = 5
"""Below this many replicates numbers are called descriptive only."""


@dataclass(frozen=True)
class Estimate:
    """A mean over replicates with its interval, in the unit of the values."""

    mean: float  # or what else the function that gives it says it estimates
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
    band = mean_band((each := column(values))[:, None], level)
    low = None if band.low is None else float(band.low[0])
    high = None if band.high is None else float(band.high[0])
    return Estimate(float(band.mean[0]), low, high, len(each))


def mean_band(values: ArrayLike, level: float = LEVEL) -> Band:
    """`mean_interval` at each of T points of n curves [n, T].

    Each point's interval stands alone: the band is no statement about whole curves. Raises ValueError without curves,
    or with a value that is not finite.
    """
    table = finite(values)
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
    left, right = pairs(a, b)
    return mean_interval(left - right, level)


def paired_p(a: ArrayLike, b: ArrayLike) -> float | None:
    """The two-sided p of the paired t test that ``a - b`` has mean 0, from n pairs [n]; `paired_difference` as a test.

    ``t = sqrt(n) mean(d) / s`` on n - 1 degrees of freedom. Where all pairs are equal p is 1. None for one pair, and
    where all differences are equal but not 0 (up to rounding noise): t would be infinite, and such replicates are more
    likely copies of one another than draws. Source: Student 1908, section IX.
    Raises ValueError when a and b differ in length or hold what is not finite.

    >>> round(paired_p([0.82, 0.81, 0.86], [0.80, 0.80, 0.83]), 4)
    0.0742
    >>> paired_p([0.5, 0.5], [0.5, 0.5]), paired_p([0.6, 0.6], [0.5, 0.5])
    (1.0, None)
    """
    each = differences(a, b)
    if (each == 0).all():
        return None if len(each) < 2 else 1.0
    if len(each) < 2 or (each == each[0]).all():
        return None
    t = math.sqrt(len(each)) * float(each.mean() / each.std(ddof=1))
    return float(2 * stdtr(len(each) - 1, -abs(t)))


def simultaneous_intervals(columns: Sequence[ArrayLike], level: float = LEVEL) -> list[Estimate]:
    """The t intervals of m pairs at once: with probability `level` all of them hold their true mean.

    `columns` holds the m paired differences of one method to the reference [n_i] each; lengths may differ.
    Each interval is `mean_interval` at level ``1 - (1 - level) / m`` (Bonferroni's inequality).
    Why this and not another: Dunnett's intervals need one common variance and independent groups, which methods on
    the same draws do not have; Holm's step-down gives no informative interval for the pairs it rejects (Strassburger
    and Bretz 2008); resampled maxima fail at three replicates, as all bootstraps there. Bonferroni's holds however
    the pairs depend on each other, and what it calls different, Holm's test calls different too.
    Pairs with one replicate have no interval but count in m.
    Source: Dunn 1961, JASA 56:52-64. Raises ValueError without pairs.

    >>> alone = mean_interval([0.02, 0.03, 0.01])
    >>> first, second = simultaneous_intervals([[0.02, 0.03, 0.01], [0.0, 0.01, 0.01]])
    >>> first.low < alone.low and first.high > alone.high
    True
    """
    if not 0 < level < 1 or not len(columns):
        raise ValueError(f"expected at least one pair and 0 < level < 1, got {len(columns)} and level = {level}")
    return [mean_interval(each, 1 - (1 - level) / len(columns)) for each in columns]

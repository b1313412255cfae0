"""How large a difference is, beside how sure: in wins, in standard deviations, and what could have been seen at all."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, gammainccinv, gammaln, nctdtr, nctdtrinc

from reports.statistics.arrays import LEVEL, column, differences, share
from reports.statistics.intervals import Estimate, t_quantile

POWER = 0.8
"""The chance with which a "detectable" effect would have been detected."""


def superiority(a: ArrayLike, b: ArrayLike, level: float = LEVEL) -> Estimate:
    """P(A > B): the chance that A is above B on the next draw that both meet, from n pairs [n], in [0, 1].

    ``(wins + ties / 2) / n`` with Clopper and Pearson's interval, Beta quantiles at that (perhaps half) number of wins.
    It covers at least `level` at every n, and at few pairs much more: three wins of three give [0.29, 1].
    Pairs that are equal up to rounding noise tie. One pair per replicate or one per cell, never both.
    Source: Bouthillier et al. 2021, MLSys (arXiv 2103.03098); Clopper and Pearson 1934, Biometrika 26:404-413.
    Deviations: theirs is the percentile bootstrap, which at three wins of three gives [1, 1]; ties count half, where a
    binomial has none, which makes the true spread smaller and the interval cautious.
    Raises ValueError when a and b differ in length, hold what is not finite, or the level is outside (0, 1).

    >>> wins = superiority([0.8, 0.7, 0.9], [0.7, 0.6, 0.8])
    >>> wins.mean, round(wins.low, 3), wins.high
    (1.0, 0.292, 1.0)
    """
    each = differences(a, b)
    n = len(each)
    wins = float((each > 0).sum() + (each == 0).sum() / 2)
    tail = (1 - share("level", level)) / 2
    low = float(betaincinv(wins, n - wins + 1, tail)) if wins > 0 else 0.0
    high = float(betaincinv(wins + 1, n - wins, 1 - tail)) if wins < n else 1.0
    return Estimate(wins / n, low, high, n)


def standardised(a: ArrayLike, b: ArrayLike, level: float = LEVEL) -> Estimate | None:
    """d_z: the mean of ``a - b`` [n] in sample standard deviations of these differences, without small-sample bias.

    ``d_z = J(n - 1) mean(d) / s``, ``J(v) = Gamma(v / 2) / (sqrt(v / 2) Gamma((v - 1) / 2))`` (Hedges's exact factor,
    which needs n >= 3; at n = 2 it is undefined and d_z has no unbiased estimate). The interval holds the population's
    d_z: the noncentralities at which the observed ``t = sqrt(n) mean(d) / s`` is a tail's quantile, over sqrt(n). It
    does not depend on J. None for fewer than 3 pairs, and where all differences are equal (up to rounding noise), as
    when two methods are the same.
    Source: Hedges 1981, J. Educational Statistics 6:107-128; Cumming and Finch 2001, Educ. Psychol. Meas. 61:532-574.
    Raises ValueError when a and b differ in length, hold what is not finite, or the level is outside (0, 1).

    >>> effect = standardised([0.82, 0.81, 0.86, 0.84], [0.80, 0.80, 0.83, 0.82])
    >>> round(effect.mean, 2), round(effect.low, 2), round(effect.high, 2)
    (1.77, 0.34, 4.53)
    """
    each = differences(a, b)
    tail = (1 - share("level", level)) / 2
    n = len(each)
    if n < 3 or (each == each[0]).all():
        return None
    v = n - 1
    raw = float(each.mean() / each.std(ddof=1))
    unbiased = math.exp(gammaln(v / 2) - gammaln((v - 1) / 2)) / math.sqrt(v / 2)
    low, high = (_noncentrality(math.sqrt(n) * raw, v, p) / math.sqrt(n) for p in (1 - tail, tail))
    return Estimate(unbiased * raw, low, high, n)


def detectable_in_deviations(n: int, comparisons: int = 1, level: float = LEVEL, power: float = POWER) -> float:
    """The true difference, in standard deviations of the paired differences, that a t test on n pairs would find.

    The delta at which a two-sided paired t test at ``(1 - level) / comparisons`` rejects with probability `power`:
    ``F(-t; v, delta sqrt(n)) + 1 - F(t; v, delta sqrt(n)) = power`` with F the noncentral t on ``v = n - 1``.
    Source: Cohen 1988, Statistical Power Analysis, section 2.3; solved exactly, not read off a table.
    Raises ValueError for n < 2, no comparison, a level or power outside (0, 1), or a power below the test's own level.

    >>> [round(detectable_in_deviations(n), 2) for n in (3, 5, 10)]
    [3.26, 1.68, 1.0]
    """
    alpha = (1 - share("level", level)) / _positive(comparisons)
    if share("power", power) <= alpha:
        raise ValueError(f"expected a power above the test's level {alpha:g}, got {power}")
    t = t_quantile(n, 1 - alpha)

    def rejects(delta: float) -> float:
        shift = delta * math.sqrt(n)
        below, above = np.nan_to_num(nctdtr(n - 1, shift, [-t, t]))  # SciPy gives NaN for tails of about 1e-17
        return float(below + 1 - above)

    high = 1.0
    while rejects(high) < power:
        high *= 2
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rejects(middle) < power else (low, middle)
    return (low + high) / 2


def minimum_detectable_effect(
    differences: ArrayLike, comparisons: int = 1, level: float = LEVEL, power: float = POWER
) -> float | None:
    """`detectable_in_deviations`, times the sample deviation of these paired differences [n]: in their own unit, >= 0.

    What to print beside "undecided": a true difference of this size would have been told from none with probability
    `power`. To be called better it must exceed it by the region of practical equivalence. The deviation is itself an
    estimate: at 5 pairs it may be too small by a factor of 2.9. Nothing is taken from the mean that was observed: such
    "observed power" is the p-value again (Hoenig and Heisey 2001, The American Statistician 55:19-24).
    None for one pair. Raises as `detectable_in_deviations`.

    >>> round(minimum_detectable_effect([0.01, 0.03, 0.02]), 4)
    0.0326
    """
    each = column(differences)
    if len(each) < 2:
        return None
    return detectable_in_deviations(len(each), comparisons, level, power) * float(np.std(each, ddof=1))


def _noncentrality(t: float, v: int, p: float) -> float:
    """The noncentrality at which t is the p-quantile of the noncentral t on v degrees of freedom."""
    if t < 0:
        return -_noncentrality(-t, v, 1 - p)
    if t <= 100:
        return float(nctdtrinc(v, p, t))
    # T = (Z + noncentrality) / S: beside so large a t the normal Z is nothing, and SciPy's search takes for ever.
    return t * math.sqrt(2 * float(gammainccinv(v / 2, p)) / v)


def _positive(comparisons: int) -> int:
    if comparisons < 1:
        raise ValueError(f"expected at least one comparison, got {comparisons}")
    return comparisons

"""Several methods over several cells, by rank: who stands where on average, and whether order matters at all.

A row must be a cell (its mean over replicates). Replicates of one cell are no further rows: they would be counted as
independent evidence on other data, and the test would reject true nulls two times in three.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import fdtrc, ndtr

from reports.statistics.arrays import LEVEL, Floats, grid, quiet, share

FEW_CELLS = 5
"""Below this many cells the F of `iman_davenport` is no approximation worth a p-value."""


@dataclass(frozen=True)
class ImanDavenport:
    """The outcome of the test that k methods do not differ in rank over N cells."""

    statistic: float  # F; inf where all cells agree on the order
    p: float
    degrees: tuple[int, int]


def midranks(table: Floats) -> Floats:
    """Ranks within each row [N, k], from 1 for the smallest; ties share the mean of their ranks.

    >>> midranks(np.asarray([[0.5, 0.1, 0.5]])).tolist()
    [[2.5, 1.0, 2.5]]
    """
    each, others = table[:, :, None], table[:, None, :]
    return np.asarray((others < each).sum(axis=2) + ((others == each).sum(axis=2) + 1) / 2)


def cell_ranks(scores: ArrayLike) -> Floats:
    """Ranks of k methods within each of N cells [N, k] from scores [N, k], higher is better: 1 is the best.

    Scores that are equal up to rounding noise tie. Raises ValueError for fewer than 2 methods.

    >>> cell_ranks([[0.9, 0.8, 0.8]]).tolist()
    [[1.0, 2.5, 2.5]]
    """
    table = grid(scores, "cells", "methods", (1, 2))
    return midranks(quiet(-table, float(np.abs(table).max())))


def mean_ranks(scores: ArrayLike) -> Floats:
    """The mean rank of each method [k] over cells, from scores [N, k]; 1 is the best, k the worst.

    Source: Demsar 2006, JMLR 7:1-30, section 3.2.2. Raises as `cell_ranks`.

    >>> mean_ranks([[0.9, 0.8], [0.9, 0.8], [0.7, 0.8]]).round(2).tolist()
    [1.33, 1.67]
    """
    return np.asarray(cell_ranks(scores).mean(axis=0))


def iman_davenport(scores: ArrayLike) -> ImanDavenport:
    """Whether k methods differ in rank over N cells: Friedman's test in Iman and Davenport's form, from scores [N, k].

    With Friedman's chi-square corrected for ties, ``F = (N - 1) chi2 / (N (k - 1) - chi2)`` on ``k - 1`` and
    ``(k - 1)(N - 1)`` degrees of freedom. Where all cells agree on the order F is infinite; p is then its exact value,
    ``c^-(N-1)`` with c the number of ways to order one cell (Conover 1999, section 5.8). All methods equal: F = 0 and
    p = 1.
    Source: Iman and Davenport 1980, Communications in Statistics A 9:571-595; Demsar 2006, section 3.2.2.
    Deviation: Demsar's formula has no correction for ties; without ties the two are the same.
    F is an approximation in N. Simulated at a nominal 5 %: it rejects 4.0, 6.6 and 5.7 % of true nulls with 3, 4 and 6
    methods over 5 cells, 4.7, 5.4 and 5.1 % over 10, but 19, 7.5 and 5.9 % over 3: below `FEW_CELLS` do not report p.
    Raises ValueError for fewer than 2 cells or methods.

    >>> outcome = iman_davenport([[0.9, 0.8, 0.7], [0.6, 0.5, 0.4], [0.8, 0.9, 0.7]])
    >>> round(outcome.statistic, 3), outcome.degrees
    (7.0, (2, 4))
    """
    ranks = cell_ranks(grid(scores, "cells", "methods", (2, 2)))
    N, k = ranks.shape
    degrees = (k - 1, (k - 1) * (N - 1))
    between = float(((ranks.mean(axis=0) - (k + 1) / 2) ** 2).sum())  # zero up to noise where no method stands out
    spread = float(((ranks - (k + 1) / 2) ** 2).sum())  # zero only where every cell ties all methods
    if spread == 0:
        return ImanDavenport(0.0, 1.0, degrees)
    chi2 = N * N * (k - 1) * between / spread
    rest = N * (k - 1) - chi2
    if (ranks == ranks[0]).all():
        _, ties = np.unique(ranks[0], return_counts=True)
        ways = math.factorial(k) / math.prod(math.factorial(int(t)) for t in ties)
        return ImanDavenport(math.inf, ways ** (1 - N), degrees)
    statistic = (N - 1) * chi2 / rest
    return ImanDavenport(statistic, float(fdtrc(*degrees, statistic)), degrees)


def critical_difference(methods: int, cells: int, level: float = LEVEL) -> float:
    """How far apart two mean ranks must be for Nemenyi's test to separate them, among k methods over N cells.

    ``CD = q sqrt(k (k + 1) / (6 N))`` with ``q`` the studentized range of k methods and infinite degrees of freedom at
    the level, over sqrt(2). Descriptive: it depends on which other methods are in the picture (Benavoli et al. 2016).
    Source: Nemenyi 1963; Demsar 2006, section 3.2.2 and table 5a. Raises ValueError for k < 2, N < 1 or a level
    outside (0, 1).

    >>> round(critical_difference(methods=4, cells=14), 2)
    1.25
    """
    if methods < 2 or cells < 1:
        raise ValueError(f"expected at least 2 methods and 1 cell, got {methods} and {cells}")
    share("level", level)
    return _range_quantile(methods, level) / math.sqrt(2) * math.sqrt(methods * (methods + 1) / (6 * cells))


def cliques(ranks: ArrayLike, width: float) -> list[tuple[int, ...]]:
    """The bars of a critical-difference diagram: maximal sets of methods whose mean ranks [k] span less than `width`.

    Two or more methods each, given by their index in `ranks`, from best to worst; `width` is the critical difference.
    Source: Demsar 2006, figure 1.

    >>> cliques([1.2, 3.0, 2.0, 3.9], width=1.25)
    [(0, 2), (2, 1), (1, 3)]
    """
    means = np.asarray(ranks, dtype=np.float64)
    order = [int(i) for i in np.argsort(means, kind="stable")]
    bars: list[tuple[int, ...]] = []
    covered = 0  # how far along the order the bars reach
    for start, first in enumerate(order):
        end = start + sum(means[other] - means[first] < width for other in order[start:])
        if end > max(covered, start + 1):
            bars.append(tuple(order[start:end]))
            covered = end
    return bars


def _range_quantile(k: int, level: float) -> float:
    """The quantile of the range of k independent standard normals, by halving: its distribution has no inverse.

    ``P(range <= q) = k integral phi(z) (Phi(z) - Phi(z - q))^(k - 1) dz``. The integrand is smooth and vanishes at both
    ends, so equidistant points are as exact as floats; scipy.stats, which has it too, takes a second to import.
    """
    z = np.linspace(-9, 12, 2101)
    weight = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    low, high = 0.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        below = k * float((weight * (ndtr(z) - ndtr(z - middle)) ** (k - 1)).sum())
        low, high = (middle, high) if below < level else (low, middle)
    return (low + high) / 2

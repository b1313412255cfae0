"""Wilcoxon's signed-rank test, exact at any size, and when it is worth running."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.arrays import LEVEL, Floats, differences, share
from reports.statistics.ranks import midranks


@dataclass(frozen=True)
class SignedRank:
    """The outcome of one signed-rank test."""

    statistic: float  # W+, the sum of the ranks of the positive differences
    p: float  # two-sided
    n: int  # pairs
    zeros: int  # pairs without a difference
    wins: int  # pairs where a is above b; the rest of n, less the zeros, are losses


def signed_rank(a: ArrayLike, b: ArrayLike) -> SignedRank:
    """Wilcoxon's signed-rank test on n pairs [n] against "a - b is symmetric about 0", two-sided and exact.

    ``W+ = sum over d_i > 0 of rank(|d_i|)``, and p is twice the smaller tail of W+ over all ``2^n'`` signs of the n'
    differences that are not zero, at most 1.
    Ties share the mean of their ranks, and the distribution is that of these very ranks: exact, not tabled and not a
    normal approximation. Zeros are ranked with the others and then left out of W+ (Pratt 1959): where they are dropped
    first, as Wilcoxon did, lowering all differences alike can make them more significantly positive. Rounding noise
    neither breaks ties nor hides zeros (see `NOISE` in arrays.py).
    One pair per cell (its mean over replicates) or one per replicate, never both: pairs must be independent.
    Takes seconds from n = 1000 on. Source: Wilcoxon 1945, Biometrics Bulletin 1:80-83; Pratt 1959, JASA 54:655-667.
    Raises ValueError when a and b differ in length or hold what is not finite.

    >>> signed_rank([0.9, 0.8, 0.7, 0.6, 0.5], [0.8, 0.6, 0.4, 0.2, 0.0]).p
    0.0625
    >>> signed_rank([0.5, 0.5], [0.5, 0.5]).p
    1.0
    """
    each = differences(a, b)
    ranks = midranks(np.abs(each)[None, :])[0]
    statistic = float(ranks[each > 0].sum())
    tails = _distribution(np.rint(2 * ranks[each != 0]).astype(np.int64))
    here = round(2 * statistic)
    p = min(1.0, 2 * float(min(tails[: here + 1].sum(), tails[here:].sum())))
    return SignedRank(statistic, p, len(each), int((each == 0).sum()), int((each > 0).sum()))


def smallest_p(n: int) -> float:
    """The smallest two-sided p that n pairs without zeros can give: all differences of one sign, ``2^(1 - n)``.

    >>> [smallest_p(n) for n in (3, 5, 6, 8)]
    [0.25, 0.0625, 0.03125, 0.0078125]
    """
    if n < 1:
        raise ValueError(f"expected at least one pair, got {n}")
    return 2.0 ** (1 - n)


def can_reach(n: int, comparisons: int = 1, level: float = LEVEL) -> bool:
    """Whether a signed-rank test on n pairs can be significant at ``1 - level`` after Holm among m comparisons.

    That is ``2^(1-n) <= (1 - level) / m``. Where it cannot there is nothing to test, and the report says so. n counts
    the pairs without a zero. Raises ValueError for n or comparisons below 1, or a level outside (0, 1).

    >>> can_reach(6), can_reach(5), can_reach(6, comparisons=3)
    (True, False, False)
    """
    if comparisons < 1:
        raise ValueError(f"expected at least one comparison, got {comparisons}")
    return smallest_p(n) <= (1 - share("level", level)) / comparisons


def pairs_needed(comparisons: int = 1, level: float = LEVEL) -> int:
    """The fewest pairs for which `can_reach` holds.

    >>> pairs_needed(), pairs_needed(3)
    (6, 7)
    """
    n = 1
    while not can_reach(n, comparisons, level):
        n += 1
    return n


def _distribution(doubled: np.ndarray) -> Floats:
    """P(2 W+ = w) for w from 0 to the sum of all doubled ranks (whole numbers, because midranks are halves)."""
    chances = np.zeros(int(doubled.sum()) + 1)
    chances[0] = 1
    top = 0
    for rank in doubled:  # this difference is positive or negative, with probability one half each
        shifted = chances[: top + 1] / 2
        chances[: top + 1] /= 2
        chances[rank : rank + top + 1] += shifted
        top += int(rank)
    return chances

"""Which methods may be the best one: what a table may print in bold."""

from numpy.typing import ArrayLike

from reports.statistics.arrays import LEVEL, grid, share
from reports.statistics.intervals import paired_p


def best_subset(scores: ArrayLike, level: float = LEVEL) -> tuple[bool, ...]:
    """For each of k methods, whether no other is separably better, from scores [n, k] of n replicates that all met.

    Method i stays unless some j has a paired t interval of ``score_j - score_i`` that lies above 0, each interval at
    level ``1 - (1 - level) / (k - 1)``: so the set holds the method with the highest true mean with probability
    `level` at least, whatever the dependence (Bonferroni over the k - 1 that could oust it; two-sided intervals make
    it cautious by a factor of two). The highest mean always stays. With one replicate, and between two methods whose
    difference is the same in all of them (see `paired_p`), nothing can be separated, and both stay.
    Source: Gupta 1965, On some multiple decision (selection and ranking) rules, Technometrics 7:225-245; Hsu 1984,
    Annals of Statistics 12:1136-1144. Deviation: Bonferroni and paired deviations, not one common variance.
    Raises ValueError without replicates or methods, for values that are not finite, or a level outside (0, 1).

    >>> best_subset([[0.80, 0.81, 0.60], [0.90, 0.89, 0.70], [0.85, 0.85, 0.66]])
    (True, True, False)
    """
    table = grid(scores, "replicates", "methods")
    k = table.shape[1]
    allowed = (1 - share("level", level)) / max(1, k - 1)

    def above(j: int, i: int) -> bool:
        p = paired_p(table[:, j], table[:, i])
        return p is not None and p < allowed and table[:, j].mean() > table[:, i].mean()

    return tuple(not any(above(j, i) for j in range(k) if j != i) for i in range(k))

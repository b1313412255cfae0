"""How a method treats the clients of one run. Descriptive: clients share a run, and are never replicates."""

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.arrays import column, pairs


def gini(values: ArrayLike) -> float:
    """Gini's coefficient of the clients' accuracies [K], each at least 0: 0 where all are equal, below 1.

    ``G = sum_ij |x_i - x_j| / (2 K^2 mean(x))``, half the mean distance of two clients relative to their mean. All zero
    counts as equal. Not multiplied by K / (K - 1), so its largest value is ``1 - 1 / K``.
    Source: Gini 1912; in this form Sen 1973, On Economic Inequality, section 2.8. Raises ValueError without values, or
    with a negative one.

    >>> gini([0.0, 0.0, 0.0, 1.0]), gini([0.5, 0.5])
    (0.75, 0.0)
    """
    each = np.sort(column(values))
    K, total = len(each), float(each.sum())
    if each[0] < 0:
        raise ValueError(f"expected values of at least 0, got {each.tolist()}")
    if total == 0 or each[0] == each[-1]:
        return 0.0
    return float(((2 * np.arange(1, K + 1) - K - 1) * each).sum() / (K * total))  # the double sum, over sorted values


def worst_tenth(values: ArrayLike) -> float:
    """The mean of the worst 10 % of clients [K]: the ``max(1, floor(K / 10))`` lowest values, in their unit.

    The same rule as the records' "worst10". Source: Li et al. 2020, ICLR (q-FFL, arXiv 1905.10497), table 1.
    Raises ValueError without values.

    >>> worst_tenth([0.5, 0.9, 0.1])
    0.1
    """
    each = np.sort(column(values))
    return float(each[: max(1, len(each) // 10)].mean())


def share_below(values: ArrayLike, baseline: ArrayLike) -> float:
    """The share of clients [K] below their own baseline [K], such as training alone; equal is not below.

    Source: Yu et al. 2020, Salvaging Federated Learning by Local Adaptation (arXiv 2002.04758).
    Raises ValueError when the two differ in length.

    >>> share_below([0.5, 0.8, 0.6, 0.7], [0.6, 0.7, 0.6, 0.6])
    0.25
    """
    left, right = pairs(values, baseline)
    return float((left < right).mean())

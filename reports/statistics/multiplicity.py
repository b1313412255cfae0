"""What is left of p-values once it is counted how many were looked at."""

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.arrays import Floats, column


def holm(p: ArrayLike) -> Floats:
    """Holm's adjusted p-values [m], in the order given: below alpha wherever the family-wise error at alpha is.

    With the p-values in ascending order, ``adjusted_(i) = max_(j <= i) min(1, (m - j + 1) p_(j))``. The running maximum
    keeps the order: a larger p never ends below a smaller one. Needs no assumption on how the tests depend.
    Source: Holm 1979, Scandinavian Journal of Statistics 6:65-70. Raises ValueError without p-values, or with one
    outside [0, 1]; leave out the pairs that were not tested.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values, order = _sorted(p)
    m = len(values)
    return _back(np.maximum.accumulate(np.minimum(1, values * np.arange(m, 0, -1))), order)


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Benjamini and Hochberg's adjusted p-values [m], in the order given, for the false discovery rate.

    With the p-values in ascending order, ``adjusted_(i) = min_(j >= i) min(1, m p_(j) / j)``. Holds for independent and
    for positively dependent tests (Benjamini and Yekutieli 2001).
    Source: Benjamini and Hochberg 1995, J. R. Statist. Soc. B 57:289-300. Raises as `holm`.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    values, order = _sorted(p)
    m = len(values)
    raised = np.minimum(1, values * m / np.arange(1, m + 1))
    return _back(np.minimum.accumulate(raised[::-1])[::-1], order)


def _sorted(p: ArrayLike) -> tuple[Floats, np.ndarray]:
    values = column(p)
    if values.min() < 0 or values.max() > 1:
        raise ValueError(f"expected p-values from 0 to 1, got {values.tolist()}")
    order = np.argsort(values, kind="stable")
    return values[order], order


def _back(adjusted: Floats, order: np.ndarray) -> Floats:
    out = np.empty_like(adjusted)
    out[order] = adjusted
    return out

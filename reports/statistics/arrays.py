"""What every statistic does first: take numbers in, refuse what is no number, and see through rounding noise."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEVEL = 0.95
"""Coverage of every interval that does not say otherwise."""
SEED = 20_200_627  # the day FML was submitted; any would do, but the same report needs the same numbers
"""Of the only draws in this room: those of the Bayesian signed-rank test."""
NOISE = 1e-12
"""Values closer than this, relative to the largest of them, are called equal.

The same accuracy reached by two orders of summation differs by about 1e-16; two different accuracies of 10,000 images
differ by at least 1e-4. Ranks, ties and wins must see the second and not the first.
"""


def finite(values: ArrayLike) -> Floats:
    """The values as floats; ValueError without any, or with one that is not finite."""
    table = np.asarray(values, dtype=np.float64)
    if table.size == 0 or not np.isfinite(table).all():
        raise ValueError(f"expected finite values, at least one, got {table.tolist()}")
    return table


def column(values: ArrayLike) -> Floats:
    """One finite value per unit [n]; ValueError for another shape."""
    table = finite(values)
    if table.ndim != 1:
        raise ValueError(f"expected one value per replicate, got an array of shape {table.shape}")
    return table


def grid(values: ArrayLike, rows: str, columns: str, least: tuple[int, int] = (1, 1)) -> Floats:
    """Finite values [rows, columns] with at least so many of each; ValueError names what they stand for."""
    table = finite(values)
    if table.ndim != 2 or table.shape[0] < least[0] or table.shape[1] < least[1]:
        wanted = f"at least {least[0]} {rows} by {least[1]} {columns}"
        raise ValueError(f"expected a table of {wanted}, got an array of shape {table.shape}")
    return table


def pairs(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    """Two columns of equal length; ValueError when they are not."""
    left, right = finite(a), finite(b)
    if left.shape != right.shape:
        raise ValueError(f"expected pairs, got {left.shape} and {right.shape} values")
    return column(left), column(right)


def differences(a: ArrayLike, b: ArrayLike) -> Floats:
    """``a - b`` [n] without rounding noise: pairs that are equal up to `NOISE` give exactly 0, equal differences tie.

    >>> 0.3 - 0.2 == 0.8 - 0.7
    False
    >>> first, second = differences([0.3, 0.8], [0.2, 0.7])
    >>> bool(first == second)
    True
    """
    left, right = pairs(a, b)
    return quiet(left - right, max(np.abs(left).max(), np.abs(right).max()))


def quiet(values: Floats, scale: float) -> Floats:
    """The values, of any shape, where magnitudes closer than `NOISE` times the scale they came from are made equal.

    Magnitudes are sorted and a new one begins where the gap to the one before is larger; 0 is one of them. Rounding to
    so many digits would not do: noise around a rounding boundary would still fall on both sides of it.
    """
    magnitudes = np.concatenate([[0.0], np.abs(values).ravel()])
    order = np.argsort(magnitudes, kind="stable")
    ascending = magnitudes[order]
    starts = np.concatenate([[True], np.diff(ascending) > NOISE * scale])
    merged = np.empty_like(magnitudes)
    merged[order] = ascending[starts][np.cumsum(starts) - 1]
    return np.asarray(np.sign(values) * merged[1:].reshape(values.shape))


def share(name: str, value: float) -> float:
    """The value where it lies strictly between 0 and 1; ValueError otherwise."""
    if not 0 < value < 1:
        raise ValueError(f"expected 0 < {name} < 1, got {value}")
    return value

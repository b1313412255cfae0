"""How one client's rows are divided into training, validation and test rows."""

from typing import NamedTuple

import numpy as np

from bench.data import DataError, Rows


class Split(NamedTuple):
    """Row numbers of one client, each part ascending; the parts are disjoint and together all it holds."""

    train: Rows
    validation: Rows
    test: Rows


def split(rows: Rows, rng: np.random.Generator) -> Split:
    """Divide `rows` 70/10/20 at random, unstratified, with at least one row in each part.

    The split depends on which rows there are, not on their order. Raises DataError with fewer than three rows.

    >>> [len(part) for part in split(np.arange(100), np.random.default_rng(0))]
    [70, 10, 20]
    >>> [len(part) for part in split(np.arange(3), np.random.default_rng(0))]
    [1, 1, 1]
    """
    n = len(rows)
    if n < 3:
        raise DataError(
            f"a client with {n} samples cannot be split: expected at least 3, one each for training, validation and "
            "test. Use fewer clients, a larger alpha or a larger minimum."
        )
    validation, test = max(1, (n + 5) // 10), max(1, (2 * n + 5) // 10)  # the nearest whole number, halves up
    shuffled = rng.permutation(np.sort(rows))
    parts = np.split(shuffled, [n - validation - test, n - test])
    return Split(*(np.sort(part) for part in parts))

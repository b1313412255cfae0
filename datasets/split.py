"""How one client's rows are divided into training, validation and test rows."""

from typing import NamedTuple

import numpy as np

from bench.data import DataError, Rows


class Split(NamedTuple):
    """Row numbers of one client, each part ascending; the parts are disjoint and together all it holds."""

    train: Rows
    validation: Rows
    test: Rows


def split(rows: Rows, rng: np.random.Generator, untested: Rows | None = None) -> Split:
    """Divide `rows` 70/10/20 at random, unstratified, with at least one row in each part.

    The split depends on which rows there are, not on their order. None of the rows `untested` becomes a test row: the
    test part is drawn from the others, and is smaller where there are not enough of them. Raises DataError with fewer
    than three rows, or with none to test on.

    >>> [len(part) for part in split(np.arange(100), np.random.default_rng(0))]
    [70, 10, 20]
    >>> [len(part) for part in split(np.arange(3), np.random.default_rng(0))]
    [1, 1, 1]
    >>> split(np.arange(10), np.random.default_rng(0), untested=np.arange(8)).test
    array([8, 9])
    """
    n = _enough(rows)
    validation, test = max(1, (n + 5) // 10), max(1, (2 * n + 5) // 10)  # the nearest whole number, halves up
    shuffled = rng.permutation(np.sort(rows))
    free = shuffled if untested is None else shuffled[~np.isin(shuffled, untested)]
    if not len(free):
        raise DataError(
            f"a client with {n} samples has none to be tested on: all are among those reserved for tuning. Use a "
            "smaller share (tune.reserved), fewer clients or a larger minimum."
        )
    # Drawn anew where rows are kept out, or the others would come early in what is left, and be trained on too often.
    tested = shuffled[n - test :] if len(free) == n else rng.permutation(free)[:test]
    kept, validated = np.split(shuffled[~np.isin(shuffled, tested)], [n - len(tested) - validation])
    return Split(np.sort(kept), np.sort(validated), np.sort(tested))


def split_for_tuning(rows: Rows, rng: np.random.Generator) -> Split:
    """Divide `rows` 70/30 into what a trial trains on and what it is judged by: its validation rows. It has no others.

    Training rows are as many as in `split`; "test" holds the validation rows once more. Raises DataError as `split`.

    >>> trial = split_for_tuning(np.arange(100), np.random.default_rng(0))
    >>> len(trial.train), len(trial.validation), bool((trial.validation == trial.test).all())
    (70, 30, True)
    """
    parts = split(rows, rng)
    held_out = np.sort(np.concatenate([parts.validation, parts.test]))
    return Split(parts.train, held_out, held_out)


def _enough(rows: Rows) -> int:
    if (n := len(rows)) < 3:
        raise DataError(
            f"a client with {n} samples cannot be split: expected at least 3, one each for training, validation and "
            "test. Use fewer clients, a larger alpha or a larger minimum."
        )
    return n

"""Worst-case bounds against filling the gaps with every extreme."""

import itertools
import math

import numpy as np
import pytest

from reports.statistics import TOLERATED, missing_bounds

NAN = math.nan


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([0.8, NAN, 0.7, 0.6], [0.6, 0.5, NAN, 0.1]),
        ([NAN, 0.2], [NAN, 0.4]),
        ([0.8, 0.9], [0.7, 0.7]),
        ([NAN], [0.3]),
    ],
)
def test_bounds_are_the_extremes_over_all_fillings(a: list[float], b: list[float]) -> None:
    together = np.asarray([*a, *b])
    gaps = np.flatnonzero(np.isnan(together))
    means = []
    for values in itertools.product([0.0, 1.0], repeat=len(gaps)):
        together[gaps] = values
        means.append((together[: len(a)] - together[len(a) :]).mean())
    ours = missing_bounds(a, b)
    assert (ours.low, ours.high) == pytest.approx((min(means), max(means)))
    assert ours.pairs == len(a)


def test_a_share_above_the_tolerated_one_is_told() -> None:
    full = [0.5] * 19
    assert missing_bounds([*full, NAN], [0.5] * 20).share == TOLERATED
    assert missing_bounds([*full[1:], NAN, NAN], [0.5] * 20).share > TOLERATED


def test_complete_pairs_are_bounded_by_their_mean() -> None:
    ours = missing_bounds([0.8, 0.9], [0.7, 0.7])
    assert ours.low == ours.high == pytest.approx(0.15)
    assert (ours.missing, ours.share) == (0, 0)


def test_values_are_checked() -> None:
    with pytest.raises(ValueError, match=r"from 0\.0 to 1\.0, or NaN"):
        missing_bounds([80.0], [NAN])
    with pytest.raises(ValueError, match="at least one"):
        missing_bounds([], [])
    with pytest.raises(ValueError, match="expected pairs"):
        missing_bounds([0.1], [0.1, 0.2])

"""Worst-case bounds against filling the gaps with every extreme."""

import itertools
import math

import numpy as np
import pytest

from reports.statistics import TOLERATED, complete, missing_bounds

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


@pytest.mark.parametrize("shape", [(5, 4), (5, 30), (3, 2), (10, 8)])
def test_what_is_kept_is_complete_and_nothing_can_be_added(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape[1])
    for share in (0.02, 0.2, 0.6):
        held = rng.random(shape) > share
        rows, columns = complete(held)
        assert held[np.ix_(rows, columns)].all()
        assert rows.any() == columns.any() == held.any()
        assert not held[~rows].all(axis=1).any()  # nothing went that had no gap
        assert not held[:, ~columns].all(axis=0).any()


def test_the_side_that_costs_fewer_pairs_goes() -> None:
    one_hole = np.ones((5, 4), dtype=bool)
    one_hole[2, 1] = False
    assert [side.tolist() for side in complete(one_hole)] == [[True, True, False, True, True], [True] * 4]
    assert [side.tolist() for side in complete(one_hole.T)] == [[True] * 4, [True, True, False, True, True]]
    hard = np.ones((5, 4), dtype=bool)
    hard[[0, 2, 4], 0] = False  # a method that diverges on the hardest cell: the cell goes, not three replicates
    assert [side.sum() for side in complete(hard)] == [5, 3]
    square = np.ones((3, 3), dtype=bool)
    square[1, 1] = False
    assert [side.sum() for side in complete(square)] == [2, 3]


def test_nothing_held_and_everything_held() -> None:
    assert not complete(np.zeros((3, 2)))[0].any()
    assert all(side.all() for side in complete(np.ones((3, 2))))
    with pytest.raises(ValueError, match="table of replicates by cells"):
        complete([True])

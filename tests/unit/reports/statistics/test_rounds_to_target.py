"""Rounds to a target, with censoring, against statsmodels' and SciPy's Kaplan-Meier estimates."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight

from reports.statistics import Reach, median_rounds, rounds_to_target


def test_the_first_crossing_counts_and_a_later_fall_does_not() -> None:
    assert rounds_to_target([1, 2, 3, 4], [0.1, 0.6, 0.2, 0.9], 0.6) == Reach(2, True)
    assert rounds_to_target([5], [0.9], 0.5) == Reach(5, True)
    assert rounds_to_target([5, 10], [0.1, 0.2], 0.5) == Reach(10, False)


def test_the_median_with_censoring_is_that_of_statsmodels_and_scipy() -> None:
    rng = np.random.default_rng(0)
    beyond = 0
    for _ in range(200):
        n = int(rng.integers(1, 12))
        when, reached = rng.integers(1, 8, n), rng.random(n) < 0.6
        ours = median_rounds([Reach(int(r), bool(d)) for r, d in zip(when, reached, strict=True)])
        if not reached.any():
            assert not ours.reached
            continue
        curve = stats.ecdf(stats.CensoredData(when[reached], right=when[~reached])).sf
        under = curve.quantiles[curve.probabilities <= 0.5 + 1e-9]
        theirs = SurvfuncRight(when, reached).quantile(0.5)  # the first time with S below one half
        assert ours.reached == bool(len(under))
        if ours.reached:
            assert ours.round == under[0]
            on_the_half = np.isclose(curve.probabilities, 0.5).any()
            assert on_the_half or ours.round == theirs
        beyond += not ours.reached
    assert beyond >= 10


def test_runs_of_one_length_have_their_lower_median() -> None:
    for arrived, expected in [([3, 5, 8], "5"), ([3, 5], "5"), ([3], "> 30"), ([], "> 30"), ([3, 5, 8, 9], "5")]:
        runs = [Reach(r, True) for r in arrived] + [Reach(30, False)] * (4 - len(arrived))
        assert str(median_rounds(runs)) == expected
        assert median_rounds(runs).runs_reached == len(arrived)
    assert median_rounds(runs).runs == 4


def test_censored_runs_are_not_left_out() -> None:
    """Two of five arrive early: their own median would be 4, which four of five runs never saw."""
    runs = [Reach(3, True), Reach(4, True), *[Reach(30, False)] * 3]
    assert str(median_rounds(runs)) == "> 30"


def test_curves_are_checked() -> None:
    with pytest.raises(ValueError, match="ascending rounds"):
        rounds_to_target([2, 1], [0.1, 0.2], 0.5)
    with pytest.raises(ValueError, match="finite target"):
        rounds_to_target([1, 2], [0.1, 0.2], float("nan"))
    with pytest.raises(ValueError, match="expected pairs"):
        rounds_to_target([1, 2], [0.1], 0.5)
    with pytest.raises(ValueError, match="at least one run"):
        median_rounds([])

"""Spread over clients against the double sum, the Lorenz curve and the records' own rule."""

import numpy as np
import pytest

from bench.rounds.evaluation import worst_tenth as of_the_records
from reports.statistics import gini, share_below, worst_tenth


@pytest.mark.parametrize("K", [1, 2, 5, 10, 37])
def test_gini_is_the_mean_distance_of_two_clients(K: int) -> None:
    x = np.random.default_rng(K).random(K)
    assert gini(x) == pytest.approx(np.abs(x[:, None] - x).mean() / (2 * x.mean()), abs=1e-14)


@pytest.mark.parametrize("K", [2, 10, 37])
def test_gini_is_twice_the_area_above_the_lorenz_curve(K: int) -> None:
    x = np.sort(np.random.default_rng(K).random(K))
    lorenz = np.concatenate([[0], np.cumsum(x) / x.sum()])
    assert gini(x) == pytest.approx(1 - 2 * np.trapezoid(lorenz, dx=1 / K))


def test_gini_in_closed_form() -> None:
    assert gini(np.arange(1, 11)) == pytest.approx(99 / (6 * 55))  # (n^2 - 1) / (6 sum) for 1..n, n = 10
    assert gini([0, 0, 0, 0, 7]) == pytest.approx(0.8)
    assert gini([0.0, 0.0]) == gini([0.3, 0.3, 0.3]) == 0


@pytest.mark.parametrize("K", [1, 9, 10, 19, 20, 55])
def test_worst_tenth_is_that_of_the_records(K: int) -> None:
    x = np.random.default_rng(K).random(K)
    assert worst_tenth(x) == pytest.approx(of_the_records(x.tolist()), abs=1e-15)
    assert worst_tenth(x) <= x.mean()


def test_share_below_does_not_count_equals() -> None:
    assert share_below([0.5, 0.5], [0.5, 0.5]) == 0
    assert share_below([0.4, 0.5], [0.5, 0.4]) == 0.5


def test_values_are_checked() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        gini([0.5, -0.1])
    with pytest.raises(ValueError, match="finite"):
        worst_tenth([])
    with pytest.raises(ValueError, match="expected pairs"):
        share_below([0.5], [0.5, 0.4])

"""The interquartile mean and the performance profile against SciPy and their definitions."""

import numpy as np
import pytest
from scipy import stats

from reports.statistics import iqm, iqm_interval, mean_interval, performance_profile


@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 7, 8, 20, 101])
def test_iqm_is_scipys_trimmed_mean(m: int) -> None:
    values = np.random.default_rng(m).normal(size=m)
    assert iqm(values) == pytest.approx(stats.trim_mean(values, 0.25), rel=1e-12)


def test_iqm_leaves_out_what_is_extreme() -> None:
    assert iqm([0.4, 0.5, 0.5, 0.6]) == iqm([-9.0, 0.5, 0.5, 99.0]) == 0.5


def test_the_interval_is_that_of_the_replicates_own_iqms() -> None:
    scores = np.random.default_rng(0).random((5, 9))
    ours = iqm_interval(scores, 0.9)
    assert ours == mean_interval(stats.trim_mean(scores, 0.25, axis=1), 0.9)
    assert ours.n == 5
    assert iqm_interval(scores[:1]).low is None


def test_the_profile_is_one_minus_the_empirical_distribution() -> None:
    scores = np.random.default_rng(1).random((4, 25)).round(2)
    thresholds = np.linspace(-0.1, 1.1, 61)
    ours = performance_profile(scores, thresholds)
    theirs = stats.ecdf(scores.ravel()).sf.evaluate(thresholds)
    np.testing.assert_allclose(ours.mean, theirs, atol=1e-12)
    assert (np.diff(ours.mean) <= 0).all()
    assert ours.low is not None
    assert ours.low[30] == mean_interval((scores > thresholds[30]).mean(axis=1)).low


def test_tables_are_checked() -> None:
    with pytest.raises(ValueError, match="replicates by 1 cells"):
        iqm_interval([0.1, 0.2])
    with pytest.raises(ValueError, match="replicates by 1 cells"):
        performance_profile([0.1, 0.2], [0.5])
    with pytest.raises(ValueError, match="finite"):
        iqm([])

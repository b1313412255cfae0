"""The intervals against SciPy, closed forms, printed quantiles, and their coverage in simulation."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from reports.statistics import (
    holm,
    mean_band,
    mean_interval,
    paired_difference,
    paired_p,
    simultaneous_intervals,
    t_quantile,
)

SAMPLES = [[0.81, 0.84], [0.7, 0.72, 0.69], [0.55, 0.61, 0.58, 0.66, 0.49], np.linspace(0, 1, 10).tolist()]


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_interval_is_that_of_the_t_test(sample: list[float], level: float) -> None:
    ours = mean_interval(sample, level)
    theirs = stats.ttest_1samp(sample, 0.0).confidence_interval(level)
    assert ours.n == len(sample)
    assert ours.mean == pytest.approx(np.mean(sample), rel=1e-12)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-10)


@pytest.mark.parametrize("sample", SAMPLES)
def test_paired_difference_is_that_of_the_paired_t_test(sample: list[float]) -> None:
    other = np.asarray(sample) ** 2 + 0.01 * np.cos(np.arange(len(sample)))
    ours = paired_difference(sample, other)
    theirs = stats.ttest_rel(sample, other).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)
    assert ours.mean == pytest.approx(float(np.mean(np.asarray(sample) - other)))


def test_two_values_in_closed_form() -> None:
    """With n = 2, s / sqrt(n) is half the distance, and t has one degree of freedom: tan(pi / 2 * level)."""
    estimate = mean_interval([0.6, 0.8])
    half = math.tan(math.pi / 2 * 0.95) * 0.1
    assert (estimate.low, estimate.high) == pytest.approx((0.7 - half, 0.7 + half))


@pytest.mark.parametrize(("n", "printed"), [(2, 12.706), (3, 4.303), (4, 3.182), (5, 2.776), (6, 2.571), (10, 2.262)])
def test_quantiles_as_printed_in_tables(n: int, printed: float) -> None:
    assert round(t_quantile(n), 3) == printed


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_coverage_is_nominal(n: int) -> None:
    """40,000 samples of a normal population: the share of intervals that hold its mean, within four standard errors."""
    draws = np.random.default_rng(n).normal(0.7, 0.05, size=(n, 40_000))
    band = mean_band(draws)
    assert band.low is not None
    assert band.high is not None
    covered = np.mean((band.low <= 0.7) & (band.high >= 0.7))
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 40_000))


def test_pairing_removes_what_both_share() -> None:
    shared = np.asarray([0.1, 0.4, 0.9])
    assert paired_difference(shared + 0.25, shared).low == pytest.approx(0.25)


def test_one_replicate_has_no_interval() -> None:
    estimate = mean_interval([0.5])
    assert (estimate.mean, estimate.low, estimate.high, estimate.n) == (0.5, None, None, 1)
    assert mean_band([[0.5, 0.6]]).low is None
    assert paired_difference([0.5], [0.25]).high is None


def test_equal_values_have_an_interval_without_width() -> None:
    estimate = mean_interval([0.5, 0.5, 0.5])
    assert (estimate.low, estimate.high) == (0.5, 0.5)


def test_a_band_is_an_interval_at_each_point() -> None:
    table = np.random.default_rng(1).random((4, 6))
    band = mean_band(table)
    assert band.low is not None
    for point in range(6):
        assert mean_interval(table[:, point]).low == pytest.approx(band.low[point])


@pytest.mark.parametrize("bad", [[], [math.nan], [0.5, math.inf]])
def test_values_must_be_there_and_finite(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="expected finite values, at least one"):
        mean_interval(bad)


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="expected pairs"):
        paired_difference([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="one row per replicate"):
        mean_band([0.1, 0.2])
    with pytest.raises(ValueError, match="one value per replicate"):
        mean_interval([[0.1], [0.2]])
    with pytest.raises(ValueError, match="n >= 2"):
        t_quantile(1)


def test_simultaneous_intervals_are_those_of_one_pair_at_a_stricter_level() -> None:
    columns = [[0.1, 0.2, 0.15], [0.0, 0.1, -0.1, 0.05], [0.3]]
    first, second, third = simultaneous_intervals(columns, 0.94)
    assert first == mean_interval(columns[0], 0.98)  # 1 - 0.06 / 3
    assert second == mean_interval(columns[1], 0.98)
    assert (third.mean, third.low) == (0.3, None)
    assert simultaneous_intervals(columns[:1])[0] == mean_interval(columns[0])


def test_simultaneous_intervals_agree_with_bonferroni_adjusted_t_tests() -> None:
    """An interval leaves 0 out exactly where statsmodels calls the t test's p significant after Bonferroni."""
    columns = np.random.default_rng(3).normal(0.5, 0.5, size=(40, 5))
    p = stats.ttest_1samp(columns, 0.0, axis=1).pvalue
    theirs = multipletests(p, 0.05, "bonferroni")[0]
    ours = [not each.low <= 0 <= each.high for each in simultaneous_intervals(list(columns))]  # type: ignore[operator]
    assert ours == theirs.tolist()
    assert 0 < sum(ours) < 40
    assert not (theirs & ~(holm(p) <= 0.05)).any()  # what Bonferroni calls different, Holm does too


def test_simultaneous_intervals_need_a_pair_and_a_level() -> None:
    with pytest.raises(ValueError, match="at least one pair"):
        simultaneous_intervals([])
    with pytest.raises(ValueError, match="0 < level < 1"):
        simultaneous_intervals([[0.1, 0.2]], 1.0)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_p_of_a_pair_is_scipys_and_agrees_with_its_interval(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(20):
        a, b = rng.normal(0.7, 0.02, (2, n)) + rng.normal(0, 0.03, (2, 1))
        p = paired_p(a, b)
        assert p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9)
        low, high = (ours := paired_difference(a, b)).low, ours.high
        assert low is not None
        assert high is not None
        assert (p < 0.05) == (low > 0 or high < 0)


def test_where_nothing_varies_there_is_no_test() -> None:
    assert paired_p([0.3, 0.8], [0.2, 0.7]) is None  # 0.1 both times, but for rounding
    assert paired_p([0.3, 0.8], [0.3, 0.8]) == 1
    assert paired_p([0.3], [0.3]) is paired_p([0.4], [0.3]) is None

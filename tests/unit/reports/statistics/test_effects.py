"""Effect sizes and power against statsmodels, SciPy and published numbers."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.effect_size import _noncentrality_t
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

from reports.statistics import detectable_in_deviations, minimum_detectable_effect, standardised, superiority


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("n", [1, 3, 5, 10])
def test_superiority_has_the_exact_interval_of_a_share(n: int, level: float) -> None:
    for wins in range(n + 1):
        ours = superiority([1.0] * wins + [0.0] * (n - wins), [0.5] * n, level)
        theirs = proportion_confint(wins, n, 1 - level, "beta")
        scipys = stats.binomtest(wins, n).proportion_ci(level, "exact")
        assert ours.mean == pytest.approx(wins / n)
        assert (ours.low, ours.high) == pytest.approx(theirs, rel=1e-9)
        assert (ours.low, ours.high) == pytest.approx((scipys.low, scipys.high), rel=1e-9)


def test_ties_count_half_and_the_two_sides_mirror_each_other() -> None:
    a, b = [0.6, 0.5, 0.5, 0.8], [0.5, 0.5, 0.6, 0.5]
    there, back = superiority(a, b), superiority(b, a)
    assert there.mean == 0.625
    assert there.low == pytest.approx(1 - back.high)  # type: ignore[operator]
    equal = superiority([0.5, 0.1 + 0.2], [0.5, 0.3])
    assert (equal.mean, equal.n) == (0.5, 2)


def test_the_effect_size_is_unbiased_by_hedges_factor() -> None:
    """Hedges 1981, table 1 of exact factors: J(2) = .5642, J(4) = .7979, J(9) = .9139."""
    for n, factor in [(3, 0.5642), (5, 0.7979), (10, 0.9139)]:
        d = np.linspace(-0.5, 1, n)
        ours = standardised(d, np.zeros(n))
        assert ours is not None
        assert ours.mean == pytest.approx(factor * d.mean() / d.std(ddof=1), rel=1e-4)


@pytest.mark.parametrize("n", [3, 5, 10, 20])
@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.1, 2.0, 5.0])
def test_the_interval_of_the_effect_size_is_that_of_statsmodels(n: int, shift: float) -> None:
    d = np.random.default_rng(n).normal(shift, 1, n)
    ours = standardised(d, np.zeros(n))
    t = math.sqrt(n) * d.mean() / d.std(ddof=1)
    assert ours is not None
    theirs = np.asarray(_noncentrality_t(t, n - 1, 0.05).confint) / math.sqrt(n)
    assert (ours.low, ours.high) == pytest.approx(theirs, rel=1e-4, abs=1e-6)
    assert stats.nct.cdf(t, n - 1, ours.low * math.sqrt(n)) == pytest.approx(0.975, abs=1e-5)
    assert stats.nct.cdf(t, n - 1, ours.high * math.sqrt(n)) == pytest.approx(0.025, abs=1e-5)


def test_the_interval_leaves_zero_out_exactly_where_the_t_test_rejects() -> None:
    rng = np.random.default_rng(8)
    rejected = 0
    for _ in range(50):
        a, b = rng.normal(0.5, 0.1, 6), rng.normal(0.4, 0.1, 6)
        ours = standardised(a, b)
        assert ours is not None
        assert (ours.low > 0 or ours.high < 0) == (stats.ttest_rel(a, b).pvalue < 0.05)  # type: ignore[operator]
        rejected += ours.low > 0  # type: ignore[operator]
    assert 0 < rejected < 50


def test_huge_effects_have_intervals_too() -> None:
    """Nearly equal differences; the search for the interval's ends must neither jump nor hang."""
    d = np.asarray([-1.0, 0.0, 1.0, 0.5, -0.5])
    below, above, huge = (standardised(t * d.std(ddof=1) / math.sqrt(5) + d, np.zeros(5)) for t in (99.9, 100.1, 1e7))
    assert below is not None
    assert above is not None
    assert huge is not None
    assert (above.low, above.high) == pytest.approx((below.low, below.high), rel=0.005)  # type: ignore[type-var]
    assert (huge.low, huge.high) == pytest.approx((huge.mean * 0.4358, huge.mean * 2.0906), rel=0.01)  # type: ignore[operator]


def test_there_is_no_effect_size_without_spread_or_with_two_pairs() -> None:
    assert standardised([0.3, 0.8, 0.5], [0.2, 0.7, 0.4]) is None  # all 0.1, up to rounding noise
    assert standardised([0.5] * 4, [0.5] * 4) is None
    assert standardised([0.5, 0.7], [0.4, 0.4]) is None


@pytest.mark.parametrize("n", [2, 3, 5, 8, 10, 20, 100])
@pytest.mark.parametrize("comparisons", [1, 3])
def test_detectable_effects_are_those_of_statsmodels(n: int, comparisons: int) -> None:
    ours = detectable_in_deviations(n, comparisons)
    power = TTestPower().power(ours, n, 0.025 / comparisons, alternative="larger")  # two-sided it gives NaN at n = 2
    assert power == pytest.approx(0.8, abs=1e-6)  # the other tail of a two-sided test is smaller than that


@pytest.mark.parametrize(("n", "deviations"), [(3, 3.26), (5, 1.68), (8, 1.16), (10, 1.00), (20, 0.66)])
def test_detectable_effects_at_common_sizes(n: int, deviations: float) -> None:
    assert round(detectable_in_deviations(n), 2) == deviations


def test_the_textbook_case_of_a_medium_effect() -> None:
    """The textbook case: 34 pairs for d_z = .5 at 80 % power and a two-sided .05 (as G*Power prints)."""
    assert detectable_in_deviations(33) > 0.5 > detectable_in_deviations(34)


def test_the_minimum_detectable_effect_is_in_the_unit_of_the_differences() -> None:
    d = np.asarray([0.01, 0.03, 0.02, 0.05])
    ours = minimum_detectable_effect(d, comparisons=2)
    assert ours == pytest.approx(detectable_in_deviations(4, 2) * np.std(d, ddof=1))
    assert minimum_detectable_effect(100 * d, comparisons=2) == pytest.approx(100 * ours)  # type: ignore[operator]
    assert minimum_detectable_effect([0.02]) is None
    assert minimum_detectable_effect([0.02, 0.02]) == 0


def test_numbers_are_checked() -> None:
    with pytest.raises(ValueError, match="n >= 2"):
        detectable_in_deviations(1)
    with pytest.raises(ValueError, match="at least one comparison"):
        detectable_in_deviations(5, 0)
    with pytest.raises(ValueError, match="power above the test's level"):
        detectable_in_deviations(5, power=0.01)
    with pytest.raises(ValueError, match="0 < level < 1"):
        superiority([0.5], [0.4], 1.5)
    with pytest.raises(ValueError, match="0 < level < 1"):
        standardised([0.5, 0.6, 0.8], [0.4, 0.4, 0.4], 0)

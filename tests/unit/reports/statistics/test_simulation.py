"""Type I error, coverage and power at three, five and ten replicates, on data where the truth is known."""

import itertools
import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from reports.statistics import (
    FEW_CELLS,
    bayesian_signed_rank,
    benjamini_hochberg,
    critical_difference,
    detectable_in_deviations,
    holm,
    iman_davenport,
    iqm_interval,
    mean_band,
    mean_ranks,
    paired_difference,
    performance_profile,
    signed_rank,
    simultaneous_intervals,
    standardised,
    superiority,
    verdict,
)
from reports.statistics.verdicts import ROPE
from tests.unit.reports.statistics import checks
from tests.unit.reports.statistics.checks import OWN, RUNS, SIZES, Floats, within

pytestmark = pytest.mark.slow
sizes = pytest.mark.parametrize("n", SIZES)
FEWER = 2_000  # where each run is a call of its own


def t_intervals(samples: Floats) -> tuple[Floats, Floats]:
    band = mean_band(samples)
    assert band.low is not None
    assert band.high is not None
    return band.low, band.high


@sizes
def test_t_intervals_cover(n: int) -> None:
    checks.covers(t_intervals, n)


@sizes
def test_paired_differences_hold_their_level_and_see(n: int) -> None:
    power = TTestPower().power(0.01 / (math.sqrt(2) * OWN), n, 0.05)
    checks.holds_its_level_and_sees(lambda a, b: t_intervals(a - b), n, power)
    a, b = np.random.default_rng(n).random((2, n))
    assert paired_difference(a, b).low == pytest.approx(t_intervals((a - b)[:, None])[0][0])


@sizes
def test_simultaneous_intervals_cover_together(n: int) -> None:
    """Three independent pairs: ``(1 - .05 / 3)^3`` of them; three that share the reference: at least as many."""
    rng = np.random.default_rng(n)
    d = rng.normal(0, OWN, (FEWER, 3, n))
    reference = rng.normal(0, OWN, (FEWER, 1, n))
    for table, exact in ((d, True), (d - reference, False)):
        share = np.mean([all(e.low <= 0 <= e.high for e in simultaneous_intervals(list(row))) for row in table])
        expected = (1 - 0.05 / 3) ** 3
        assert within(float(share), expected, FEWER) or (not exact and share > expected), f"n = {n}: {share:.3f}"


@pytest.mark.parametrize("m", [1, 3, 6])
def test_adjusted_p_values_keep_their_error(m: int) -> None:
    """Benjamini and Hochberg's, with all nulls true and independent: a rejection in 5 % of families, exactly."""
    checks.keeps_the_family_wise_error(holm, m)
    p = np.random.default_rng(m).random((RUNS // 4, m))
    share = float(np.mean([(benjamini_hochberg(row) <= 0.05).any() for row in p]))
    assert within(share, 0.05, len(p)), f"m = {m}: {share:.3f}"


@pytest.mark.parametrize(("n", "level"), [(3, 0.0), (5, 0.0), (6, 2 / 64), (10, 50 / 1024)])
def test_the_signed_rank_test_rejects_as_often_as_its_steps_allow(n: int, level: float) -> None:
    """The largest attainable levels up to .05: none below six pairs, 50 of the 1024 signs at ten."""
    d = np.random.default_rng(n).normal(0, OWN, (FEWER, n))
    share = float(np.mean([signed_rank(row, np.zeros(n)).p <= 0.05 for row in d]))
    assert within(share, level, FEWER), f"n = {n}: {share:.3f}"


@sizes
def test_superiority_covers_at_least(n: int) -> None:
    """For whatever P(A > B): coverage is at least 95 %, and what the binomial of the wins says it is."""
    rng = np.random.default_rng(n)
    intervals = [superiority([1.0] * k + [0.0] * (n - k), [0.5] * n) for k in range(n + 1)]
    low = np.asarray([each.low for each in intervals], dtype=float)
    high = np.asarray([each.high for each in intervals], dtype=float)
    for chance in (0.5, 0.7, 0.9):
        wins = rng.binomial(n, chance, RUNS)
        share = float(((low[wins] <= chance) & (chance <= high[wins])).mean())
        k = np.arange(n + 1)
        binomial = np.asarray([math.comb(n, int(i)) for i in k]) * chance**k * (1 - chance) ** (n - k)
        exact = float(binomial[(low <= chance) & (chance <= high)].sum())
        assert exact >= 0.95
        assert within(share, min(exact, 1.0), RUNS), f"n = {n}: {share:.3f}"


@sizes
@pytest.mark.parametrize("effect", [0.0, 1.0])
def test_the_effect_size_is_unbiased_and_its_interval_covers(n: int, effect: float) -> None:
    d = np.random.default_rng(n).normal(effect, 1, (FEWER, n))
    found = [each for row in d if (each := standardised(row, np.zeros(n)))]
    assert len(found) == FEWER
    means = np.asarray([each.mean for each in found])
    if n > 3:  # at three pairs its variance is infinite
        assert abs(means.mean() - effect) < 4 * means.std() / math.sqrt(FEWER)
    share = float(np.mean([each.low <= effect <= each.high for each in found]))  # type: ignore[operator]
    assert within(share, 0.95, FEWER), f"n = {n}: {share:.3f}"


def with_a_seed_effect(n: int, cells: int = 12) -> Floats:
    """Scores [runs, n, cells] about 0.7: half of the spread is the replicate's and shared by all its cells."""
    rng = np.random.default_rng(n)
    return 0.7 + rng.normal(0, 0.02, (FEWER, n, 1)) + rng.normal(0, 0.02, (FEWER, n, cells))


@sizes
def test_robust_means_cover_with_a_seed_effect_that_all_cells_share(n: int) -> None:
    """Symmetric scores: the IQM's expectation is the mean, and half of the cells lie above it."""
    scores = with_a_seed_effect(n)
    share = float(np.mean([e.low <= 0.7 <= e.high for e in map(iqm_interval, scores)]))  # type: ignore[operator]
    assert within(share, 0.95, FEWER), f"n = {n}: IQM covers {share:.3f}"
    bands = [performance_profile(each, [0.7]) for each in scores]
    inside = [b.low[0] <= 0.5 <= b.high[0] for b in bands]  # type: ignore[index]
    share = float(np.mean(inside))  # shares of twelve cells, spread over [0, 1]: t is an approximation here
    assert 0.92 < share < 0.97, f"n = {n}: profile covers {share:.3f}"


@sizes
def test_the_stratified_bootstrap_would_not_cover(n: int) -> None:
    """Resampling the runs of each cell on their own, as is usual: the effect of the seed averages out, falsely."""
    rng = np.random.default_rng(0)
    inside = []
    for scores in with_a_seed_effect(n)[:300]:
        picks = rng.integers(n, size=(200, n, scores.shape[1]))
        means = np.take_along_axis(scores[None], picks, axis=1).mean(axis=(1, 2))
        low, high = np.quantile(means, [0.025, 0.975])
        inside.append(low <= 0.7 <= high)
    assert np.mean(inside) < 0.7


def test_iman_davenport_at_three_cells_rejects_as_often_as_enumeration_says() -> None:
    """F is an approximation in the number of cells, and at three a bad one: all orders of cells two and three."""
    orders = [np.asarray(order, dtype=float) for order in itertools.permutations(range(4))]
    tables = [np.stack([orders[0], second, third]) for second in orders for third in orders]
    exact = float(np.mean([iman_davenport(each).p <= 0.05 for each in tables]))
    assert 0.07 < exact < 0.08
    scores = np.random.default_rng(3).normal(0.7, 0.02, (FEWER, 3, 4))
    assert within(float(np.mean([iman_davenport(each).p <= 0.05 for each in scores])), exact, FEWER)


@sizes
def test_rank_tests_of_several_methods_hold_their_level_roughly(n: int) -> None:
    """Four methods without a difference over n cells."""
    scores = np.random.default_rng(n).normal(0.7, 0.02, (FEWER, n, 4))
    if n >= FEW_CELLS:
        share = float(np.mean([iman_davenport(each).p <= 0.05 for each in scores]))
        assert 0.035 < share < 0.085, f"{n} cells: Iman-Davenport rejects {share:.3f}"
    width = critical_difference(4, n)
    share = float(np.mean([np.ptp(mean_ranks(each)) > width for each in scores]))
    assert share < 0.05 + 4 * math.sqrt(0.05 * 0.95 / FEWER), f"{n} cells: Nemenyi separates {share:.3f}"


def test_replicates_as_rows_would_reject_true_nulls() -> None:
    """Two methods with the same mean over cells, one cell's preference shared by its ten replicates."""
    rng = np.random.default_rng(1)
    preferences = np.repeat(rng.normal(0, 0.02, (400, 4, 1, 3)), 10, axis=2).reshape(400, 40, 3)
    scores = preferences + rng.normal(0, OWN, preferences.shape)
    assert np.mean([iman_davenport(each).p <= 0.05 for each in scores]) > 0.5


@sizes
@pytest.mark.parametrize("comparisons", [1, 3])
def test_detectable_effects_are_detected_four_times_in_five(n: int, comparisons: int) -> None:
    delta = detectable_in_deviations(n, comparisons)
    band = mean_band(np.random.default_rng(n).normal(delta, 1, (n, RUNS)), 1 - 0.05 / comparisons)
    assert band.low is not None
    share = float((band.low > 0).mean())
    assert within(share, 0.8, RUNS), f"n = {n}: found in {share:.3f}"


@sizes
def test_verdicts_err_as_seldom_as_they_say(n: int) -> None:
    """At no difference, at the border of the region, and beyond it."""
    noise = np.random.default_rng(n).normal(0, OWN, (FEWER, n))

    def words(true: float) -> dict[str, float]:
        said = [verdict(paired_difference(row + true, np.zeros(n))) for row in noise]
        return {word: said.count(word) / FEWER for word in set(said)}

    none, border, beyond = words(0.0), words(ROPE), words(ROPE + OWN * detectable_in_deviations(n))
    assert none.get("better", 0) + none.get("worse", 0) < 0.05
    assert within(border.get("better", 0), 0.025, FEWER), f"n = {n}: {border}"
    assert border.get("practically equal", 0) < 0.025 + 4 * math.sqrt(0.025 * 0.975 / FEWER)
    assert within(beyond["better"], 0.8, FEWER), f"n = {n}: {beyond}"


def test_the_bayesian_test_is_sure_too_often_with_few_cells() -> None:
    """No difference: beyond .975 either way ought to be as rare as p <= .05, and is from twenty cells on."""
    shares = []
    for n in (5, 20):
        d = np.random.default_rng(n).normal(0, OWN, (400, n))
        posteriors = [bayesian_signed_rank(row, np.zeros(n), rope=0, draws=1000) for row in d]
        shares.append(np.mean([max(each.better, each.worse) > 0.975 for each in posteriors]))
    assert 0.08 < shares[0] < 0.2
    assert within(float(shares[1]), 0.05, 400)

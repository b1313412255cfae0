"""Wrong formulas that have been published, against the very checks that ours pass."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from reports.statistics import t_quantile
from tests.unit.reports.statistics import checks
from tests.unit.reports.statistics.checks import Floats


def population_deviation(samples: Floats) -> tuple[Floats, Floats]:
    """Divisor n instead of n - 1, as a well-known table of domain generalisation has it."""
    half = t_quantile(len(samples)) * samples.std(axis=0, ddof=0) / math.sqrt(len(samples))
    return samples.mean(axis=0) - half, samples.mean(axis=0) + half


def normal_quantile(samples: Floats) -> tuple[Floats, Floats]:
    half = 1.96 * samples.std(axis=0, ddof=1) / math.sqrt(len(samples))
    return samples.mean(axis=0) - half, samples.mean(axis=0) + half


def one_deviation(samples: Floats) -> tuple[Floats, Floats]:
    """ "Mean and standard deviation over three trials", read as an interval."""
    half = samples.std(axis=0, ddof=1)
    return samples.mean(axis=0) - half, samples.mean(axis=0) + half


def percentile_bootstrap(samples: Floats) -> tuple[Floats, Floats]:
    n = len(samples)
    picks = np.random.default_rng(0).integers(n, size=(300, n))
    counts = np.stack([(picks == i).sum(axis=1) for i in range(n)], axis=1) / n
    low, high = np.quantile(counts @ samples, [0.025, 0.975], axis=0)
    return low, high


@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize("mutant", [population_deviation, normal_quantile, one_deviation, percentile_bootstrap])
def test_intervals_that_are_too_short_do_not_cover(mutant: checks.Intervals, n: int) -> None:
    with pytest.raises(AssertionError, match="covers 0"):
        checks.covers(mutant, n)


def test_the_percentile_bootstrap_covers_three_in_four_at_three_replicates() -> None:
    with pytest.raises(AssertionError, match=r"n = 3: covers 0\.7[4-7]"):
        checks.covers(percentile_bootstrap, 3)


def unpaired(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    n = len(a)
    half = t_quantile(2 * n - 1) * np.sqrt((a.var(axis=0, ddof=1) + b.var(axis=0, ddof=1)) / n)
    mean = (a - b).mean(axis=0)
    return mean - half, mean + half


def clients_as_replicates(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Ten clients to a replicate, which share its noise: n is ten times as large, the evidence is not."""
    n, runs = a.shape
    apart = np.random.default_rng(9).normal(0, checks.OWN, (n, 10, runs))
    each = ((a - b)[:, None] + apart - apart.mean(axis=1, keepdims=True)).reshape(10 * n, runs)
    half = t_quantile(10 * n) * each.std(axis=0, ddof=1) / math.sqrt(10 * n)
    return each.mean(axis=0) - half, each.mean(axis=0) + half


@pytest.mark.parametrize("n", checks.SIZES)
@pytest.mark.parametrize("mutant", [unpaired, clients_as_replicates])
def test_wrong_units_miss_their_level(mutant: checks.Pairs, n: int) -> None:
    with pytest.raises(AssertionError, match="false positives"):
        checks.holds_its_level_and_sees(mutant, n, power=0.5)


def without_the_running_maximum(p: Floats) -> Floats:
    order = np.argsort(p)
    out = np.empty_like(p)
    out[order] = np.minimum(1, p[order] * np.arange(len(p), 0, -1))
    return out


def unadjusted(p: Floats) -> Floats:
    return p


def upside_down(p: Floats) -> Floats:
    """The largest multiplier for the largest p."""
    order = np.argsort(p)
    out = np.empty_like(p)
    out[order] = np.maximum.accumulate(np.minimum(1, p[order] * np.arange(1, len(p) + 1)))
    return out


@pytest.mark.parametrize("mutant", [without_the_running_maximum, unadjusted, upside_down])
def test_wrong_adjustments_are_not_holms(mutant: Callable[[Floats], Floats]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        checks.holm_is_that_of_statsmodels(mutant)


@pytest.mark.parametrize("mutant", [unadjusted, upside_down])
def test_wrong_adjustments_reject_true_nulls_too_often(mutant: Callable[[Floats], Floats]) -> None:
    with pytest.raises(AssertionError, match="with a false positive"):
        checks.keeps_the_family_wise_error(mutant, 3)

"""Ranks, Iman-Davenport and critical differences against Demsar's published example, SciPy, statsmodels, posthocs."""

import math

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats
from statsmodels.stats.anova import AnovaRM

from reports.statistics import cell_ranks, cliques, critical_difference, iman_davenport, mean_ranks

# Demsar 2006, table 6: the AUC of C4.5, +m, +cf and +m+cf on 14 data sets, in thousandths. The two
# 975 of the last but one row are printed with different ranks: a tie of digits, not of values.
DEMSAR = np.asarray(
    [
        *([763, 768, 771, 798], [599, 591, 590, 569], [954, 971, 968, 967], [628, 661, 654, 657]),
        *([882, 888, 886, 898], [936, 931, 916, 931], [661, 668, 609, 685], [583, 583, 563, 625]),
        *([775, 838, 866, 875], [1000, 1000, 1000, 1000], [940, 962, 965, 962], [619, 666, 614, 669]),
        *([972, 981, 975.1, 975], [957, 978, 946, 970]),
    ]
)


def test_mean_ranks_are_those_that_demsar_prints() -> None:
    ranks = mean_ranks(DEMSAR / 1000)
    assert ranks.round(3).tolist() == [3.143, 2.0, 2.893, 1.964]
    chi2 = 12 * 14 / (4 * 5) * ((ranks**2).sum() - 4 * 5**2 / 4)
    assert (round(chi2, 2), round(13 * chi2 / (14 * 3 - chi2), 2)) == (9.28, 3.69)
    assert iman_davenport(DEMSAR / 1000).statistic > 3.69  # with the ties corrected for, which he leaves


def test_the_critical_difference_is_the_one_that_demsar_prints() -> None:
    assert round(critical_difference(4, 14), 2) == 1.25
    assert round(critical_difference(4, 14, 0.9), 2) == 1.12


@pytest.mark.parametrize(
    ("level", "printed"),
    [
        (0.95, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
        (0.90, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
    ],
)
def test_quantiles_are_those_of_demsars_table_5a(level: float, printed: list[float]) -> None:
    ours = [critical_difference(k, 1, level) / math.sqrt(k * (k + 1) / 6) for k in range(2, 11)]
    assert ours == pytest.approx(printed, abs=0.0011)  # its last digit is cut in some, rounded in others


@pytest.mark.parametrize("k", [2, 3, 5, 10, 30])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_quantiles_are_those_of_scipys_studentized_range(k: int, level: float) -> None:
    ours = critical_difference(k, 1, level) / math.sqrt(k * (k + 1) / 6) * math.sqrt(2)
    assert stats.studentized_range.cdf(ours, k, math.inf) == pytest.approx(level, abs=1e-9)


def test_pairs_further_apart_than_the_critical_difference_are_those_that_posthocs_rejects() -> None:
    rng = np.random.default_rng(2)
    rejected = []
    for _ in range(10):
        scores = rng.normal(np.linspace(0, 1.5, 5), 1, size=(12, 5))
        ranks = mean_ranks(scores)
        ours = np.abs(ranks[:, None] - ranks) > critical_difference(5, 12)
        theirs = scikit_posthocs.posthoc_nemenyi_friedman(scores).to_numpy() < 0.05
        np.testing.assert_array_equal(ours, theirs)
        rejected.append(ours.any())
    assert any(rejected)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("N", "k"), [(4, 3), (5, 4), (10, 2), (14, 6)])
def test_iman_davenport_from_scipys_friedman_test_and_from_an_anova_of_ranks(N: int, k: int, ties: bool) -> None:
    """Iman and Davenport's F is the F of a two-way analysis of variance of the ranks, ties or not."""
    scores = np.random.default_rng(N * k).normal(np.linspace(0, 0.5, k), 1, size=(N, k))
    scores = np.round(scores) if ties else scores
    ours = iman_davenport(scores)
    if k > 2:  # SciPy's test wants three
        chi2 = stats.friedmanchisquare(*scores.T).statistic
        assert ours.statistic == pytest.approx((N - 1) * chi2 / (N * (k - 1) - chi2), rel=1e-9)
    long = pd.DataFrame(stats.rankdata(-scores, axis=1)).stack().rename_axis(["cell", "method"]).rename("rank")
    table = AnovaRM(long.reset_index(), "rank", "cell", within=["method"]).fit().anova_table.loc["method"]
    assert ours.degrees == (table["Num DF"], table["Den DF"])
    assert ours.statistic == pytest.approx(table["F Value"], rel=1e-9)
    assert ours.p == pytest.approx(table["Pr > F"], rel=1e-9)


def test_without_ties_iman_davenport_is_demsars_formula() -> None:
    scores = np.random.default_rng(1).random((9, 4))
    N, k, R = 9, 4, mean_ranks(scores)
    chi2 = 12 * N / (k * (k + 1)) * ((R**2).sum() - k * (k + 1) ** 2 / 4)
    assert iman_davenport(scores).statistic == pytest.approx((N - 1) * chi2 / (N * (k - 1) - chi2))


def test_one_order_everywhere_has_its_exact_chance() -> None:
    agreed = iman_davenport(np.tile([0.9, 0.8, 0.7], (4, 1)))
    assert (agreed.statistic, agreed.p) == (math.inf, pytest.approx(6.0**-3))
    tied = iman_davenport(np.tile([0.9, 0.7, 0.7], (4, 1)))  # three ways to order a pair of equals and a better one
    assert (tied.statistic, tied.p) == (math.inf, pytest.approx(3.0**-3))


def test_equal_methods_do_not_differ() -> None:
    outcome = iman_davenport(np.full((5, 3), 0.5))
    assert (outcome.statistic, outcome.p) == (0.0, 1.0)


def test_equal_up_to_rounding_noise_ties() -> None:
    assert cell_ranks([[0.1 + 0.2, 0.3, 0.9]]).tolist() == [[2.5, 2.5, 1.0]]


def test_cliques_are_the_maximal_sets_closer_than_the_width() -> None:
    rng = np.random.default_rng(4)
    for _ in range(100):
        ranks = rng.uniform(1, 6, 6)
        width = rng.uniform(0.1, 4)
        sets = [{j for j in range(6) if 0 <= ranks[j] - ranks[i] < width} for i in range(6)]
        maximal = {frozenset(s) for s in sets if len(s) > 1 and not any(s < other for other in sets)}
        bars = cliques(ranks, width)
        assert {frozenset(bar) for bar in bars} == maximal
        assert all(list(bar) == sorted(bar, key=lambda i: ranks[i]) for bar in bars)


def test_tables_are_checked() -> None:
    with pytest.raises(ValueError, match="at least 2 cells by 2 methods"):
        iman_davenport([[0.1, 0.2]])
    with pytest.raises(ValueError, match="at least 1 cells by 2 methods"):
        mean_ranks([[0.1]])
    with pytest.raises(ValueError, match="at least 2 methods"):
        critical_difference(1, 5)
    with pytest.raises(ValueError, match="finite"):
        mean_ranks([[0.1, math.nan]])

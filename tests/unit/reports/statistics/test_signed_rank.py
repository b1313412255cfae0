"""The signed-rank test against SciPy's exact and enumerated ones, and against enumeration from the definition."""

import itertools

import numpy as np
import pytest
from scipy import stats

from reports.statistics import can_reach, pairs_needed, signed_rank, smallest_p


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 10, 20, 40])
def test_without_ties_it_is_scipys_exact_test(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(20):
        a, b = rng.normal(0.7, 0.1, n), rng.normal(0.65, 0.1, n)
        theirs = stats.wilcoxon(a, b, method="exact", zero_method="pratt")
        assert signed_rank(a, b).p == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize("n", [2, 4, 7, 9])
def test_with_ties_and_zeros_it_is_scipys_enumeration_with_pratts_zeros(n: int) -> None:
    rng = np.random.default_rng(n)
    every_sign = stats.PermutationMethod(n_resamples=2**n)
    compared = 0
    for _ in range(10):
        d = rng.integers(-2, 4, n) / 8
        if not d.any():
            continue
        compared += 1
        theirs = stats.wilcoxon(d, zero_method="pratt", method=every_sign)
        assert signed_rank(0.5 + d, np.full(n, 0.5)).p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert compared > 5


def test_p_is_the_share_of_signs_with_a_statistic_as_extreme() -> None:
    """From the definition: ranks 3.5, 3.5, 1, 5, 2 of |d|, the zero at rank 1 left out; W+ of all 16 signs."""
    a, b = [0.75, 0.25, 0.5, 1.0, 0.625], [0.5, 0.5, 0.5, 0.5, 0.5]
    ours = signed_rank(a, b)
    ranks = [3.5, 3.5, 5, 2]
    sums = [sum(r for r, up in zip(ranks, ups, strict=True) if up) for ups in itertools.product([0, 1], repeat=4)]
    assert (ours.statistic, ours.n, ours.zeros, ours.wins) == (10.5, 5, 1, 3)
    assert ours.p == 2 * min(np.mean(np.asarray(sums) >= 10.5), np.mean(np.asarray(sums) <= 10.5))


def test_swapping_the_sides_changes_nothing_but_the_winner() -> None:
    a, b = [0.9, 0.7, 0.5, 0.6], [0.8, 0.75, 0.2, 0.6]
    there, back = signed_rank(a, b), signed_rank(b, a)
    assert there.p == back.p
    assert (there.wins, back.wins, there.zeros) == (2, 1, 1)


def test_rounding_noise_breaks_no_tie() -> None:
    """0.3 - 0.2 and 0.8 - 0.7 tie; as floats they do not, and W+ would be 3 or 4 by accident."""
    assert signed_rank([0.3, 0.7, 0.9], [0.2, 0.8, 0.7]).statistic == 4.5


def test_lower_values_are_never_more_significantly_higher() -> None:
    """Pratt's example (1959): with its zero dropped, this sample is less significant than itself shifted down."""
    sample = np.asarray([0.0, 2, 3, 4, 6, 7, 8, 9, 11, 14, 15, 17, -18])
    shifted = sample - 0.5
    dropped = stats.wilcoxon(sample, zero_method="wilcox", method="exact").pvalue
    assert dropped == pytest.approx(2 * 70 / 2**12)
    assert signed_rank(shifted, np.zeros(13)).p == pytest.approx(2 * 109 / 2**13)
    assert dropped > signed_rank(shifted, np.zeros(13)).p >= signed_rank(sample, np.zeros(13)).p


def test_large_samples_keep_to_the_normal_approximation() -> None:
    rng = np.random.default_rng(5)
    d = rng.normal(0.1, 1, 400)
    assert signed_rank(d, np.zeros(400)).p == pytest.approx(stats.wilcoxon(d, method="approx").pvalue, rel=0.01)


@pytest.mark.parametrize(("n", "smallest"), [(3, 0.25), (5, 0.0625), (6, 0.03125), (8, 0.0078125)])
def test_smallest_p_is_reached_when_all_differences_have_one_sign(n: int, smallest: float) -> None:
    assert smallest_p(n) == smallest
    assert signed_rank(np.arange(1, n + 1), np.zeros(n)).p == smallest


def test_can_reach_says_what_a_run_of_the_test_would_find() -> None:
    for n, m in itertools.product(range(1, 14), range(1, 12)):
        best = signed_rank(np.arange(1, n + 1), np.zeros(n)).p
        assert can_reach(n, m) == (best * m <= 0.05)  # Holm's first step
        assert (n >= pairs_needed(m)) == can_reach(n, m)


def test_numbers_are_checked() -> None:
    with pytest.raises(ValueError, match="at least one pair"):
        smallest_p(0)
    with pytest.raises(ValueError, match="at least one comparison"):
        can_reach(5, 0)
    with pytest.raises(ValueError, match="expected pairs"):
        signed_rank([0.1], [0.1, 0.2])

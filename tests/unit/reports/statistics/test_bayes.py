"""The Bayesian signed-rank test against baycomp (draw by draw), its limits and its symmetry."""

import baycomp
import numpy as np
import pytest

from reports.statistics import bayesian_signed_rank
from reports.statistics.bayes import PRIOR, regions


def cases() -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [(rng.normal(0.7 + shift, 0.02, n), rng.normal(0.7, 0.02, n)) for n in (3, 10, 30) for shift in (0, 0.01)]


@pytest.mark.parametrize("case", range(6))
@pytest.mark.parametrize("rope", [0.0, 0.005, 0.02])
def test_each_draw_is_baycomps(case: int, rope: float) -> None:
    """The same posterior weights give the same three masses; baycomp's a and b stand the other way round."""
    a, b = cases()[case]
    theirs = baycomp.SignedRankTest.sample(b, a, rope=rope, nsamples=200, random_state=1)
    weights = np.random.RandomState(1).dirichlet([PRIOR, *np.ones(len(a))], 200)
    np.testing.assert_allclose(regions(weights, a - b, rope), theirs, atol=1e-12)


@pytest.mark.parametrize("case", range(6))
@pytest.mark.parametrize("rope", [0.005, 0.02])
def test_probabilities_are_baycomps_within_monte_carlo_error(case: int, rope: float) -> None:
    a, b = cases()[case]
    ours = bayesian_signed_rank(a, b, rope)
    theirs = baycomp.SignedRankTest.probs(b, a, rope=rope, nsamples=10_000, random_state=2)
    error = 4 * np.sqrt(0.25 / 10_000 + 0.25 / 20_000)
    assert (ours.worse, ours.equal, ours.better) == pytest.approx(theirs, abs=error)


def test_probabilities_sum_to_one_and_swap_with_the_sides() -> None:
    a, b = cases()[3]
    there, back = bayesian_signed_rank(a, b), bayesian_signed_rank(b, a)
    assert there.worse + there.equal + there.better == pytest.approx(1)
    assert (there.worse, there.equal, there.better) == (back.better, back.equal, back.worse)  # the same draws


def test_clear_cases_are_certain() -> None:
    b = np.linspace(0.5, 0.7, 20)
    assert bayesian_signed_rank(b + 0.05, b).better > 0.999
    assert bayesian_signed_rank(b - 0.05, b).worse > 0.999
    assert bayesian_signed_rank(b + 0.001, b).equal > 0.999


def test_equal_methods_without_a_rope_are_undecided() -> None:
    """baycomp says 1 to 0 for the first here, because argmax takes the first of two equals."""
    same = bayesian_signed_rank([0.5, 0.6], [0.5, 0.6], rope=0)
    assert (same.worse, same.equal, same.better) == (0.5, 0.0, 0.5)


def test_the_same_seed_gives_the_same_bits_and_another_gives_others() -> None:
    a, b = cases()[2]
    assert bayesian_signed_rank(a, b) == bayesian_signed_rank(a, b)
    assert bayesian_signed_rank(a, b) != bayesian_signed_rank(a, b, seed=1)
    assert bayesian_signed_rank(a, b, draws=100).n == 10


def test_numbers_are_checked() -> None:
    with pytest.raises(ValueError, match="rope >= 0"):
        bayesian_signed_rank([0.5], [0.4], rope=-0.1)
    with pytest.raises(ValueError, match="at least one draw"):
        bayesian_signed_rank([0.5], [0.4], draws=0)
    with pytest.raises(ValueError, match="expected pairs"):
        bayesian_signed_rank([0.5], [0.4, 0.3])

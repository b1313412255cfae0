"""The Bayesian signed-rank test: how probable it is that one method is better, practically equal, or worse."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.arrays import SEED, Floats, differences
from reports.statistics.verdicts import ROPE

DRAWS = 20_000
"""From the posterior: a probability of one half is then right within 0.7 points (two standard errors)."""
PRIOR = 0.5
"""The weight of the pseudo-pair that says "no difference", in pairs; the authors' value."""
_AT_ONCE = 2_000  # draws: with 1000 pairs 16 MB


@dataclass(frozen=True)
class Posterior:
    """Probabilities that a is worse than, practically equal to, and better than b; they sum to 1."""

    worse: float
    equal: float
    better: float
    n: int  # pairs


def bayesian_signed_rank(
    a: ArrayLike, b: ArrayLike, rope: float = ROPE, draws: int = DRAWS, seed: int = SEED
) -> Posterior:
    """The Bayesian signed-rank test with a region of practical equivalence, from one pair per cell [n].

    With ``z_0 = 0`` (the prior's pseudo-pair), ``z_i = a_i - b_i``, ``w ~ Dirichlet(s, 1, ..., 1)`` and s = 0.5,
    ``theta_better = sum_ij w_i w_j [z_i + z_j > 2 rope]``; theta_worse likewise below ``-2 rope``; theta_equal is the
    rest. Sums on the very border count half on either side. A probability is the share of posterior draws in which its
    theta is the largest of the three. `rope` is in the unit of the values; the same seed gives the same bits.
    Like other bootstraps it is too sure of few pairs: without any difference and without a ROPE, "better" or "worse"
    comes out above .975 in 13, 8, 5 and 5 % of samples of 5, 10, 20 and 40 pairs (simulated; 5 % would be fair).
    Source: Benavoli et al. 2014, ICML; Benavoli, Corani, Demsar and Zaffalon 2017, JMLR 18(77):1-36, section 4.2.
    Deviations from baycomp: a draw in which two thetas are equally large counts half for each, not for the first (so
    two equal methods without a ROPE give one half, not 1); numpy's new generator; `DRAWS` draws for 50,000.
    Raises ValueError when a and b differ in length, hold what is not finite, or for rope < 0 or draws < 1.

    >>> bayesian_signed_rank([0.8, 0.7, 0.6], [0.8, 0.7, 0.6])
    Posterior(worse=0.0, equal=1.0, better=0.0, n=3)
    """
    each = differences(a, b)
    if not 0 <= rope < np.inf or draws < 1:
        raise ValueError(f"expected rope >= 0 and at least one draw, got rope = {rope} and {draws} draws")
    rng = np.random.default_rng(seed)
    prior = np.concatenate([[PRIOR], np.ones(len(each))])
    won = np.zeros(3)
    for start in range(0, draws, _AT_ONCE):
        thetas = regions(rng.dirichlet(prior, min(_AT_ONCE, draws - start)), each, rope)
        largest = thetas == thetas.max(axis=1, keepdims=True)
        won += (largest / largest.sum(axis=1, keepdims=True)).sum(axis=0)
    worse, equal, better = (float(share) for share in won / draws)
    return Posterior(worse, equal, better, len(each))


def regions(weights: Floats, differences: Floats, rope: float) -> Floats:
    """theta_worse, theta_equal, theta_better [draws, 3] from weights [draws, n + 1], the pseudo-pair's first."""
    z = np.concatenate([[0.0], differences])
    sums = z[:, None] + z[None, :]
    worse = _mass(weights, np.heaviside(-sums - 2 * rope, 0.5))
    better = _mass(weights, np.heaviside(sums - 2 * rope, 0.5))
    return np.stack([worse, 1 - worse - better, better], axis=1)


def _mass(weights: Floats, counted: Floats) -> Floats:
    return np.asarray(((weights @ counted) * weights).sum(axis=1))

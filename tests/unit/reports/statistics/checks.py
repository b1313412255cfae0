"""What a right formula passes and a wrong one fails: each check takes the function it is to judge.

A simulated share is held to its expectation within four standard errors of the simulation. The data are as runs were
measured to be: two methods share the draw of a replicate (deviation 2 points) and each has its own noise (0.5 points).
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

Floats = NDArray[np.float64]
Intervals = Callable[[Floats], tuple[Floats, Floats]]  # n samples in columns [n, runs] -> low, high [runs]
Pairs = Callable[[Floats, Floats], tuple[Floats, Floats]]

SIZES = (3, 5, 10)
SHARED, OWN = 0.02, 0.005
RUNS = 20_000


def within(share: float, expected: float, runs: int) -> bool:
    return abs(share - expected) <= 4 * math.sqrt(expected * (1 - expected) / runs)


def covers(intervals: Intervals, n: int, level: float = 0.95) -> None:
    """Intervals of a normal mean hold it as often as they say."""
    low, high = intervals(np.random.default_rng(n).normal(0.7, 0.05, (n, RUNS)))
    share = float(((low <= 0.7) & (high >= 0.7)).mean())
    assert within(share, level, RUNS), f"n = {n}: covers {share:.3f}"


def holds_its_level_and_sees(differences: Pairs, n: int, power: float) -> None:
    """No true difference: 5 % are called one. One point: so many are seen, for pairing takes the shared draw out."""
    rng = np.random.default_rng(n)
    shared = rng.normal(0.7, SHARED, (n, RUNS))
    a, b = shared + rng.normal(0, OWN, (n, RUNS)), shared + rng.normal(0, OWN, (n, RUNS))
    low, high = differences(a, b)
    false = float(((low > 0) | (high < 0)).mean())
    assert within(false, 0.05, RUNS), f"n = {n}: {false:.3f} false positives"
    found = float((differences(a + 0.01, b)[0] > 0).mean())
    assert within(found, power, RUNS), f"n = {n}: a power of {found:.3f} instead of {power:.3f}"


def p_values() -> Iterator[Floats]:
    rng = np.random.default_rng(0)
    for m in (1, 2, 3, 6, 20):
        yield rng.random(m) ** 3
        yield rng.integers(0, 6, m) / 100  # with ties, and zeros


def holm_is_that_of_statsmodels(adjust: Callable[[Floats], Floats]) -> None:
    for p in p_values():
        np.testing.assert_allclose(adjust(p), multipletests(p, method="holm")[1], rtol=1e-12)


def keeps_the_family_wise_error(adjust: Callable[[Floats], Floats], m: int) -> None:
    """m independent true nulls: the chance of any rejection is ``1 - (1 - .05 / m)^m``, just under .05."""
    p = np.random.default_rng(m).random((RUNS // 4, m))
    share = float(np.mean([(adjust(row) <= 0.05).any() for row in p]))
    assert within(share, 1 - (1 - 0.05 / m) ** m, len(p)), f"m = {m}: {share:.3f} families with a false positive"

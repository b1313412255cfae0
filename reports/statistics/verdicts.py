"""A difference in fixed words, by rule."""

from typing import Literal

from reports.statistics.intervals import Estimate

Verdict = Literal["better", "worse", "practically equal", "undecided"]
ROPE = 0.005
"""Half a percentage point of accuracy: differences up to this, either way, are called practically equal."""


def verdict(interval: Estimate, rope: float = ROPE) -> Verdict:
    """What the interval of a difference a - b says about a, given the region of practical equivalence [-rope, rope].

    *better*: the interval lies above rope. *worse*: below -rope. *practically equal*: inside [-rope, rope], its ends
    included. *undecided*: anything else, and wherever there is no interval. `rope` is in the unit of the difference.
    One interval decides all: no test of difference and no pair of equivalence tests (TOST) is run. At 95 % a true
    difference of exactly rope is called better in 2.5 % of cases, one of 0 better or worse in fewer than 5 %, and one
    outside the region practically equal in fewer than 2.5 %: TOST at 5 % would take the 90 % interval, so this is
    stricter. Give simultaneous intervals where several pairs are judged.
    Source: Kruschke 2018, Advances in Methods and Practices in Psychological Science 1:270-280, with a confidence
    interval in place of the highest-density one. Raises ValueError for rope < 0.

    >>> verdict(Estimate(0.02, 0.006, 0.034, 5)), verdict(Estimate(0.0, -0.004, 0.004, 5))
    ('better', 'practically equal')
    >>> verdict(Estimate(0.02, 0.001, 0.039, 5)), verdict(Estimate(0.02, None, None, 1))
    ('undecided', 'undecided')
    """
    if not rope >= 0:
        raise ValueError(f"expected rope >= 0, got {rope}")
    if interval.low is None or interval.high is None:
        return "undecided"
    if interval.low > rope:
        return "better"
    if interval.high < -rope:
        return "worse"
    return "practically equal" if -rope <= interval.low and interval.high <= rope else "undecided"

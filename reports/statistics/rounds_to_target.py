"""Rounds until a target accuracy, where some runs end before they reach it (they are censored, not left out)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.arrays import pairs


@dataclass(frozen=True)
class Reach:
    """When one run reached the target."""

    round: int  # the first evaluated round at the target or above; the last evaluated round where there is none
    reached: bool  # False: it would have taken more than `round` rounds, if ever


@dataclass(frozen=True)
class MedianRounds:
    """The median over runs."""

    round: int  # where not reached: the last round that is known of
    reached: bool  # False: the median lies beyond `round`
    runs: int
    runs_reached: int

    def __str__(self) -> str:
        """As it stands in a table: "12", or "> 30"."""
        return f"{self.round}" if self.reached else f"> {self.round}"


def rounds_to_target(rounds: ArrayLike, accuracy: ArrayLike, target: float) -> Reach:
    """The first evaluated round with at least the target accuracy, of one run's curve.

    `rounds` [T] are finished rounds, ascending from 1 or more; `accuracy` [T] and `target` are fractions. The round is
    known only to the grid on which the run was evaluated: it is never early, and late by less than one step of it.
    Falling below the target later changes nothing. Source: McMahan et al. 2017, AISTATS (arXiv 1602.05629), table 2;
    deviation: they interpolate between evaluations and make the curve monotone first (the same, for a first crossing).
    Raises ValueError when rounds and accuracy differ in length, or rounds do not ascend.

    >>> rounds_to_target([2, 4, 6], [0.5, 0.8, 0.7], 0.75)
    Reach(round=4, reached=True)
    >>> rounds_to_target([2, 4, 6], [0.5, 0.8, 0.7], 0.9)
    Reach(round=6, reached=False)
    """
    when, curve = pairs(rounds, accuracy)
    if (np.diff(when) <= 0).any() or not np.isfinite(target):
        raise ValueError(f"expected ascending rounds and a finite target, got {when.tolist()} and {target}")
    there = np.flatnonzero(curve >= target)
    return Reach(int(when[there[0]]), True) if len(there) else Reach(int(when[-1]), False)


def median_rounds(runs: Sequence[Reach]) -> MedianRounds:
    """The median rounds to target over runs, censored ones included: the first round by which half of them arrived.

    Kaplan and Meier's ``S(r) = product over rounds r_i <= r of (1 - arrivals_i / still running_i)``; the median is the
    first r with ``S(r) <= 1/2``. Runs censored at a round were still running in it. Where all runs have the same length
    this is the lower median, and it exists once half of the runs arrived; a mean would need all of them to.
    No interval: below six runs there is no distribution-free one at 95 %.
    Source: Kaplan and Meier 1958, JASA 53:457-481. Raises ValueError without runs.

    >>> str(median_rounds([Reach(4, True), Reach(9, True), Reach(30, False)]))
    '9'
    >>> str(median_rounds([Reach(4, True), Reach(30, False), Reach(30, False)]))
    '> 30'
    """
    if not runs:
        raise ValueError("expected at least one run, got none")
    arrived = sum(run.reached for run in runs)
    surviving = 1.0
    for when in sorted({run.round for run in runs if run.reached}):
        at_risk = sum(run.round >= when for run in runs)
        surviving *= 1 - sum(run.reached and run.round == when for run in runs) / at_risk
        if surviving <= 0.5 + 1e-12:  # a product of fractions: one half up to rounding
            return MedianRounds(when, True, len(runs), arrived)
    return MedianRounds(max(run.round for run in runs), False, len(runs), arrived)

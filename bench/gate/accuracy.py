"""The accuracy gate: a paired non-inferiority test with three outcomes.

The baseline and the present meet the same draws, so each replicate gives a difference. Passing means to have *shown*
that little was lost: an interval, not the absence of a significant loss, which too few replicates would give for free.

* All cells together: the mean difference lies above minus half the margin, with an error of `ERROR`.
* Each cell: its mean difference lies above minus the margin.

What is not shown at few replicates is looked at again with more; the error is shared out over the looks.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from reports.statistics import Estimate, Floats, mean_interval

START = 3
"""Replicates of the first look."""
LEAST = 3
"""Replicates that a baseline must hold."""
ERROR = 0.05
"""Chance to pass, at any look, a change that loses half the margin."""


class Outcome(StrEnum):
    """What is known after a look."""

    PASSED = "pass"
    FAILED = "fail"
    OPEN = "inconclusive"


@dataclass(frozen=True)
class Finding:
    """The outcome for all cells together or for one."""

    difference: Estimate  # with the one-sided bounds, each at `ERROR` over the looks
    outcome: Outcome
    identical: bool


@dataclass(frozen=True)
class Judgement:
    """The outcome of one look."""

    overall: Finding
    cells: tuple[Finding, ...]  # in the order of the columns
    last: bool  # whether no more replicates can follow

    @property
    def outcome(self) -> Outcome:
        """Failed where anything failed, passed where all passed."""
        outcomes = {self.overall.outcome, *(cell.outcome for cell in self.cells)}
        return next(o for o in (Outcome.FAILED, Outcome.OPEN, Outcome.PASSED) if o in outcomes)


def looks(replicates: int) -> tuple[int, ...]:
    """At how many replicates the gate looks, of those that the baseline holds.

    >>> looks(10), looks(3), looks(4)
    ((3, 5, 10), (3,), (3, 4))
    """
    if replicates < LEAST:
        raise ValueError(f"expected at least {LEAST} replicates, got {replicates}")
    return tuple(sorted({START, max(START, replicates // 2), replicates}))


def judge(baseline: Floats, now: Floats, margin: float, number_of_looks: int, *, last: bool) -> Judgement:
    """One look at accuracies [replicates, cells] (fractions) of the same draws, with at least two replicates.

    At the last look what is still open has failed: the gate does not pass what was not shown.
    """
    differences = now - baseline
    level = 1 - 2 * ERROR / number_of_looks  # of a two-sided interval whose ends are the one-sided bounds
    together = mean_interval(differences.mean(axis=1), level)
    overall = _finding(together, bool((differences == 0).all()), margin / 2, shown=_above(together, -margin / 2))
    cells = []
    for column in differences.T:
        alone = mean_interval(column, level)
        cells.append(_finding(alone, bool((column == 0).all()), margin, shown=alone.mean >= -margin))
    return Judgement(overall, tuple(map(_closed, cells)) if last else tuple(cells), last)


def _finding(difference: Estimate, identical: bool, margin: float, *, shown: bool) -> Finding:
    """Identical results pass without a test; a loss beyond the margin fails as soon as it is sure."""
    if identical or shown:
        return Finding(difference, Outcome.PASSED, identical)
    lost = difference.high is not None and difference.high < -margin
    return Finding(difference, Outcome.FAILED if lost else Outcome.OPEN, identical)


def _above(difference: Estimate, bound: float) -> bool:
    return difference.low is not None and difference.low > bound


def _closed(cell: Finding) -> Finding:
    """The last word on a cell: what is still below its margin has failed."""
    return replace(cell, outcome=Outcome.FAILED) if cell.outcome is Outcome.OPEN else cell


def table(accuracies: list[list[float]]) -> Floats:
    """Accuracies by cell and replicate as [replicates, cells]."""
    return np.asarray(accuracies, dtype=np.float64).T

"""Every algorithm against the reference: verdicts, cell by cell, and the Bayesian test. Other minus reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reports.analysis.pairs import Index, Measure, Pair, client_accuracy, honest, pair
from reports.results import Setting
from reports.statistics import (
    FEW,
    LEVEL,
    TOLERATED,
    Bounds,
    Estimate,
    Posterior,
    Verdict,
    bayesian_signed_rank,
    benjamini_hochberg,
    minimum_detectable_effect,
    paired_difference,
    paired_p,
    simultaneous_intervals,
    verdict,
)

SIGNIFICANT = 1 - LEVEL


@dataclass(frozen=True)
class Judged:
    """One algorithm against the reference, over cells that both finished."""

    pair: Pair
    where: str  # "" over everything; else the block that this is about
    estimate: Estimate  # of the difference, simultaneous with its siblings'
    verdict: Verdict
    detectable: float | None  # the true difference that would have been found four times in five; None: one replicate
    bounds: Bounds | None  # where too many pairs are missing, what they could at most have changed
    why: str = ""  # why there is no interval

    @property
    def cells(self) -> int:
        """How many settings count."""
        return len(self.pair.kept_settings)

    @property
    def descriptive(self) -> bool:
        """Whether there are too few replicates for any claim."""
        return self.estimate.n < FEW


@dataclass(frozen=True)
class CellDifference:
    """One algorithm against the reference in one setting, over the replicates that both finished there."""

    algorithm: str
    setting: Setting
    estimate: Estimate  # its own 95 % interval, not adjusted
    p: float | None  # of the paired t test; None: too few or no variation
    adjusted: float | None  # Benjamini and Hochberg's, among all cells of the report
    replicates: Sequence[int]

    @property
    def discovered(self) -> bool:
        """Whether this cell is called different."""
        return self.adjusted is not None and self.adjusted <= SIGNIFICANT


@dataclass(frozen=True)
class Bayes:
    """The Bayesian signed-rank test of one algorithm against the reference, over cells."""

    pair: Pair
    posterior: Posterior


def pairs(
    reference: str, algorithms: Sequence[str], runs: Index, settings: Sequence[Setting],
    measure: Measure = client_accuracy,
) -> list[Pair]:  # fmt: skip
    """The pairs of every other algorithm with the reference that hold anything."""
    found = (pair(name, reference, runs, settings, measure) for name in algorithms if name != reference)
    return [each for each in found if each.any]


def judge(found: Sequence[Pair], where: Sequence[str] = ()) -> list[Judged]:
    """One verdict per pair; together their intervals hold with 95 %.

    A pair whose difference is the same in all replicates, but not 0, gets no interval: see `paired_p`.
    """
    if not found:
        return []
    columns = [np.subtract(*each.by_replicate()) for each in found]
    judged = []
    for place, (each, interval) in enumerate(zip(found, simultaneous_intervals(columns), strict=True)):
        why, detectable = "", None
        interval = honest(interval, *each.by_replicate())
        if interval.n == 1:
            why = "one replicate has no interval"
        elif interval.low is None:
            why = "the difference is the same in every replicate, as if they were copies of one another"
        else:
            detectable = minimum_detectable_effect(columns[place], len(found))
        bounds = each.bounds
        judged.append(
            Judged(
                pair=each,
                where=where[place] if where else "",
                estimate=interval,
                verdict=verdict(interval),
                detectable=detectable,
                bounds=bounds if bounds.share > TOLERATED else None,
                why=why,
            )
        )
    return judged


def by_block(found: Sequence[Pair], blocks: Mapping[str, Sequence[Setting]]) -> list[Judged]:
    """The verdicts within each block (name -> its settings), simultaneous over all of them."""
    parts = [(name, each.within(settings)) for name, settings in blocks.items() for each in found]
    held = [(name, each) for name, each in parts if each.any]
    return judge([each for _, each in held], [name for name, _ in held])


def cell_differences(found: Sequence[Pair]) -> list[CellDifference]:
    """Each pair in each of its cells, with Benjamini and Hochberg over all that could be tested."""
    raw = []
    for each in found:
        for place, setting in enumerate(each.settings):
            a, b = each.in_cell(place)
            if len(a):
                replicates = [r for r, held in zip(each.replicates, each.held[:, place], strict=True) if held]
                raw.append((each.first, setting, honest(paired_difference(a, b), a, b), paired_p(a, b), replicates))
    tested = [p for _, _, _, p, _ in raw if p is not None]
    adjusted = iter(benjamini_hochberg(tested).tolist() if tested else [])
    return [
        CellDifference(name, setting, estimate, p, None if p is None else next(adjusted), replicates)
        for name, setting, estimate, p, replicates in raw
    ]


def bayes(found: Sequence[Pair]) -> list[Bayes]:
    """P(worse), P(practically equal), P(better) over the cells of each pair that has more than one."""
    return [Bayes(each, bayesian_signed_rank(*each.by_cell())) for each in found if len(each.kept_settings) > 1]

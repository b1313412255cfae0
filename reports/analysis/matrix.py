"""All algorithms against all: mean difference, wins over cells, tests where they can say something, sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from reports.analysis.pairs import Index, Pair, honest, pair
from reports.results import Setting
from reports.statistics import (
    ROPE,
    Estimate,
    can_reach,
    holm,
    pairs_needed,
    signed_rank,
    simultaneous_intervals,
    standardised,
    superiority,
)


@dataclass(frozen=True)
class Entry:
    """One pair of algorithms, first minus second."""

    pair: Pair
    difference: Estimate  # simultaneous over all pairs of the matrix
    wins: int  # cells where the first is ahead by more than the region of practical equivalence
    ties: int
    losses: int
    p: float | None  # Wilcoxon's over cell means, Holm-adjusted over all pairs; None: too few cells to be significant
    superiority: Estimate | None  # P(first > second) over replicates; None: one replicate
    effect: Estimate | None  # d_z over replicates; None: fewer than 3, or no variation


@dataclass(frozen=True)
class Matrix:
    """The comparison of all algorithms that finished anything."""

    algorithms: Sequence[str]  # the best first
    entries: Sequence[Entry]  # the better algorithm's name first; pairs that share no cell are left out
    needed: int  # cells that a test needs to be able to reach significance among so many pairs

    def entry(self, first: str, second: str) -> Entry | None:
        """The entry of two algorithms in either order; look at `Entry.pair` for its direction."""
        wanted = {first, second}
        return next((each for each in self.entries if {each.pair.first, each.pair.second} == wanted), None)

    @property
    def untested(self) -> list[Entry]:
        """The pairs with too few cells."""
        return [each for each in self.entries if each.p is None]


def matrix(algorithms: Sequence[str], runs: Index, settings: Sequence[Setting]) -> Matrix | None:
    """The matrix; None where fewer than two algorithms share a finished cell.

    The family of tests is all pairs of the matrix, those without a test too: whether a pair is tested depends on its
    number of cells alone, and one that is not tested counts as p = 1.
    """
    order = _ordered(algorithms, _pairs(algorithms, runs, settings))
    found = _pairs(order, runs, settings)
    if not found:
        return None
    intervals = simultaneous_intervals([np.subtract(*each.by_replicate()) for each in found])
    p = [_p(each, len(found)) for each in found]
    adjusted = holm([1.0 if value is None else value for value in p])
    entries = []
    for each, interval, raw, corrected in zip(found, intervals, p, adjusted.tolist(), strict=True):
        by_cell = np.subtract(*each.by_cell())
        wins, losses = int((by_cell > ROPE).sum()), int((by_cell < -ROPE).sum())
        a, b = each.by_replicate()
        entries.append(
            Entry(
                pair=each,
                difference=honest(interval, a, b),
                wins=wins,
                ties=len(by_cell) - wins - losses,
                losses=losses,
                p=None if raw is None else corrected,
                superiority=superiority(a, b) if len(a) > 1 else None,
                effect=standardised(a, b),
            )
        )
    return Matrix(order, entries, pairs_needed(len(found)))


def _pairs(algorithms: Sequence[str], runs: Index, settings: Sequence[Setting]) -> list[Pair]:
    every = (pair(first, second, runs, settings) for first, second in combinations(algorithms, 2))
    return [each for each in every if each.any]


def _p(each: Pair, comparisons: int) -> float | None:
    a, b = each.by_cell()
    test = signed_rank(a, b)
    if can_reach(len(a), comparisons):
        return test.p  # zeros only raise it: a pair that ties in many cells is tested and not found different
    return None


def _ordered(algorithms: Sequence[str], found: Sequence[Pair]) -> list[str]:
    """Best first, by the mean of their differences to the others; at a tie as declared."""
    gains: dict[str, list[float]] = {}
    for each in found:
        mean = float(np.subtract(*each.by_replicate()).mean())
        gains.setdefault(each.first, []).append(mean)
        gains.setdefault(each.second, []).append(-mean)
    return sorted((name for name in algorithms if name in gains), key=lambda name: -float(np.mean(gains[name])))

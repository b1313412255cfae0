"""Two algorithms beside each other: the cells and replicates that both met, and what may be averaged.

A pair of numbers is one setting (data set, partition, alpha, zoo) in one replicate: the same draw, two algorithms.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reports.results import Run, Score, Setting
from reports.statistics import Bounds, Estimate, Floats, complete, missing_bounds, paired_p

Measure = Callable[[Score], float | None]
Index = Mapping[tuple[str, Setting], Mapping[int, Run]]  # algorithm and setting -> replicate -> its run


def client_accuracy(score: Score) -> float | None:
    """The headline measure."""
    return score.accuracy


def global_accuracy(score: Score) -> float | None:
    """The general model on the global test set."""
    return score.global_accuracy


@dataclass(frozen=True)
class Hole:
    """A pair that lacks a side."""

    setting: Setting
    replicate: int
    lacking: tuple[str, ...]  # the algorithms that did not finish there


@dataclass(frozen=True)
class Pair:
    """All pairs of two algorithms, those that lack a side too. Differences are `first` minus `second`."""

    first: str
    second: str
    settings: Sequence[Setting]  # [C] where both were meant to run
    replicates: Sequence[int]  # [n]
    a: Floats  # [n, C] of `first`; NaN where it did not finish
    b: Floats  # [n, C] of `second`
    begun: NDArray[np.bool_]  # [n, C] whether either side has a record: what nobody began is not missing

    @cached_property
    def held(self) -> np.ndarray:
        """[n, C] whether both sides finished."""
        return np.asarray(~(np.isnan(self.a) | np.isnan(self.b)))

    @cached_property
    def _kept(self) -> tuple[np.ndarray, np.ndarray]:
        return complete(self.held)

    @property
    def kept_settings(self) -> list[Setting]:
        """The cells that count: each of the counting replicates has all of them."""
        return [setting for setting, keep in zip(self.settings, self._kept[1], strict=True) if keep]

    @property
    def kept_replicates(self) -> list[int]:
        """The replicates that count."""
        return [replicate for replicate, keep in zip(self.replicates, self._kept[0], strict=True) if keep]

    @property
    def any(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.held.any())

    def counted(self) -> tuple[Floats, Floats]:
        """Both sides [n', C'] over what counts, without a gap."""
        where = np.ix_(*self._kept)
        return self.a[where], self.b[where]

    def by_replicate(self) -> tuple[Floats, Floats]:
        """Both sides' means over cells [n'], one per replicate: the unit of every interval."""
        a, b = self.counted()
        return a.mean(axis=1), b.mean(axis=1)

    def by_cell(self) -> tuple[Floats, Floats]:
        """Both sides' means over replicates [C'], one per cell: the unit of rank tests over cells."""
        a, b = self.counted()
        return a.mean(axis=0), b.mean(axis=0)

    def in_cell(self, place: int) -> tuple[Floats, Floats]:
        """Both sides in one cell [m], over the replicates that finished there, whether or not they count elsewhere."""
        there = self.held[:, place]
        return self.a[there, place], self.b[there, place]

    @property
    def bounds(self) -> Bounds:
        """What the mean over all pairs that were begun could at most have been, had none been missing."""
        return missing_bounds(self.a[self.begun], self.b[self.begun])

    @property
    def holes(self) -> list[Hole]:
        """The pairs that lack a side."""
        return [
            Hole(self.settings[c], self.replicates[r], self._lacking(r, c))
            for r, c in zip(*np.nonzero(self.begun & ~self.held), strict=True)
        ]

    def _lacking(self, r: int, c: int) -> tuple[str, ...]:
        sides = ((self.first, self.a), (self.second, self.b))
        return tuple(name for name, side in sides if np.isnan(side[r, c]))

    def within(self, chosen: Iterable[Setting]) -> "Pair":
        """The same pair over some of its cells."""
        wanted = set(chosen)
        keep = [place for place, setting in enumerate(self.settings) if setting in wanted]
        settings = [self.settings[place] for place in keep]
        a, b = self.a[:, keep], self.b[:, keep]
        return Pair(self.first, self.second, settings, self.replicates, a, b, self.begun[:, keep])


def honest(estimate: Estimate, a: Floats, b: Floats) -> Estimate:
    """The estimate of ``a - b`` without its interval where the difference never varies, but is not 0 (see `paired_p`).

    Such an interval has no width, and would claim certainty from what are most likely copies of one replicate.
    """
    return estimate if paired_p(a, b) is not None else Estimate(estimate.mean, None, None, estimate.n)


def index(runs: Iterable[Run]) -> Index:
    """The runs by algorithm and setting, then by replicate."""
    found: dict[tuple[str, Setting], dict[int, Run]] = {}
    for run in runs:
        found.setdefault((run.algorithm, run.setting), {})[run.replicate] = run
    return found


def pair(first: str, second: str, runs: Index, settings: Sequence[Setting], measure: Measure = client_accuracy) -> Pair:
    """The pairs of two algorithms over the settings that both were meant to run.

    A setting that either always skipped (FedAvg on a mixed zoo), or where it has nothing to measure, has no pair to
    miss. A replicate in which neither side has a record was not begun and is not missing either; one that a run or a
    failure left half done is.
    """
    shared = [each for each in settings if all(_meant(runs.get((name, each)), measure) for name in (first, second))]
    replicates = sorted({r for name in (first, second) for each in shared for r in runs[name, each]})
    shape = (len(replicates), len(shared))
    a, b = (
        np.asarray([[_value(runs[name, each].get(r), measure) for each in shared] for r in replicates]).reshape(shape)
        for name in (first, second)
    )
    there = [[any(r in runs[name, each] for name in (first, second)) for each in shared] for r in replicates]
    return Pair(first, second, shared, replicates, a, b, np.asarray(there, dtype=bool).reshape(shape))


def _meant(runs: Mapping[int, Run] | None, measure: Measure) -> bool:
    """Whether an algorithm was to give a number in a setting: it has finished ones with it, or none at all yet."""
    if not runs or all(run.status == "skipped" for run in runs.values()):
        return False
    finished = [run.score for run in runs.values() if run.score]
    return not finished or any(measure(score) is not None for score in finished)


def _value(run: Run | None, measure: Measure) -> float:
    value = measure(run.score) if run and run.score else None
    return float("nan") if value is None else value

"""Which cells may be compared, and the numbers of the headline table.

A *block* is one data set, partition and zoo; a *level* of it one alpha. Means are taken only over replicates that
every algorithm of the level finished: an algorithm that fails on hard draws must not look good by its absence.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from reports.results import Results, Run, Score, common
from reports.statistics import Estimate, mean_interval, paired_difference

LOCAL = "local"
"""The baseline that a federation has to beat; its rows give the column of differences."""


@dataclass(frozen=True)
class Level:
    """One alpha of a block: its runs, of whatever status."""

    alpha: float | None
    algorithms: Sequence[str]  # all that were declared here, in the suite's order
    runs: Sequence[Run]

    @cached_property
    def done(self) -> Mapping[str, Mapping[int, Score]]:
        """Algorithm -> replicate -> score; algorithms that finished nothing here are left out."""
        table: dict[str, dict[int, Score]] = {}
        for name in self.algorithms:
            scores = {run.replicate: run.score for run in self.runs if run.algorithm == name and run.score}
            if scores:
                table[name] = scores
        return table

    @cached_property
    def replicates(self) -> Sequence[int]:
        """Those that every algorithm of `done` finished."""
        return common(self.done.values())

    def scores(self, algorithm: str) -> list[Score]:
        """One per common replicate."""
        return [self.done[algorithm][replicate] for replicate in self.replicates]

    @property
    def floor(self) -> float | None:
        """The majority floor, mean over the common replicates: the draws are the same for every algorithm."""
        return _mean([score.floor for score in self.scores(next(iter(self.done)))]) if self.replicates else None


@dataclass(frozen=True)
class Row:
    """One algorithm in one group of the headline table. Accuracies are fractions; None: there is none."""

    algorithm: str
    accuracy: Estimate | None
    worst10: float | None = None
    global_accuracy: float | None = None
    personal_global: float | None = None
    to_local: Estimate | None = None  # difference of client accuracies, paired by replicate
    note: str = ""  # why there are no numbers


@dataclass(frozen=True)
class Group:
    """The rows of one alpha, or of the mean over several."""

    alphas: Sequence[float | None]
    replicates: Sequence[int]
    floor: float | None
    rows: Sequence[Row]


@dataclass(frozen=True)
class Gap:
    """A cell that is missing beside finished ones of the same level and replicate."""

    algorithm: str
    alpha: float | None
    replicate: int
    status: str  # "not run" where there is no record
    reason: str


@dataclass(frozen=True)
class Block:
    """One data set, partition and zoo."""

    dataset: str
    partition: str
    zoo: str
    algorithms: Sequence[str]
    levels: Sequence[Level]

    @cached_property
    def finishers(self) -> Sequence[str]:
        """The algorithms with a finished cell."""
        return [name for name in self.algorithms if any(name in level.done for level in self.levels)]

    @property
    def absent(self) -> Sequence[tuple[str, str]]:
        """The other algorithms, and how their cells ended."""
        runs = [run for level in self.levels for run in level.runs]
        others = [name for name in self.algorithms if name not in self.finishers]
        return [(name, _outcome([run for run in runs if run.algorithm == name])) for name in others]

    @cached_property
    def groups(self) -> Sequence[Group]:
        """The headline table of the finishers: one group per alpha, then the mean over them where there are several."""
        if not self.finishers:
            return []
        each = [_group(level, self.finishers) for level in self.levels]
        mean = _mean_group(self)
        return [*each, mean] if mean else each

    @property
    def gaps(self) -> Sequence[Gap]:
        """Missing pairs, over all levels."""
        return [gap for level in self.levels for gap in _gaps(level)]

    @property
    def dropped(self) -> Sequence[tuple[float | None, int]]:
        """(alpha, replicate) with finished cells that yet count nowhere, because some algorithm lacks its own."""
        return [
            (level.alpha, replicate)
            for level in self.levels
            for replicate in sorted(set().union(*level.done.values()) - set(level.replicates))
        ]


def blocks(results: Results) -> list[Block]:
    """The blocks of a result folder, in the suite's order."""
    algorithms, alphas = results.axis("algorithm"), results.axis("alpha")
    by_place: dict[tuple[str, str, str], list[Run]] = {}
    for run in results.runs:
        by_place.setdefault((run.dataset, run.partition, run.zoo), []).append(run)
    found = []
    for dataset in results.axis("dataset"):
        for partition in results.axis("partition"):
            for zoo in results.axis("zoo"):
                runs = by_place.get((dataset, partition, zoo))
                if runs:
                    names = [name for name in algorithms if any(run.algorithm == name for run in runs)]
                    levels = [Level(alpha, names, here) for alpha in alphas if (here := _at(runs, alpha))]
                    found.append(Block(dataset, partition, zoo, names, levels))
    return found


def _at(runs: Sequence[Run], alpha: float | None) -> list[Run]:
    return [run for run in runs if run.alpha == alpha]


def _outcome(runs: Sequence[Run]) -> str:
    """How the cells of an algorithm that finished nothing ended: "5 diverged", or why they were skipped."""
    reasons = {run.reason for run in runs}
    if runs and all(run.status == "skipped" for run in runs) and len(reasons) == 1:
        return f"skipped: {reasons.pop()}"
    counts = Counter(run.status for run in runs)
    return ", ".join(f"{count} {status}" for status, count in counts.items()) or "not run"


def _group(level: Level, names: Sequence[str]) -> Group:
    scores = {name: level.scores(name) for name in level.done}
    rows = []
    for name in names:
        if name not in scores:
            rows.append(Row(name, None, note=_outcome([run for run in level.runs if run.algorithm == name])))
        elif not level.replicates:
            rows.append(Row(name, None, note="no replicate was finished by all algorithms"))
        else:
            rows.append(_row(name, [[score] for score in scores[name]], [[s] for s in scores.get(LOCAL, [])]))
    return Group([level.alpha], level.replicates, level.floor, rows)


def _mean_group(block: Block) -> Group | None:
    """The mean over alphas: those that all algorithms of the block finished, by replicates that hold all of these."""
    names = block.finishers
    levels = [level for level in block.levels if len(level.done) == len(names) and level.replicates]
    replicates = common(level.replicates for level in levels)
    if len(levels) < 2 or not replicates:
        return None

    def scores(name: str) -> list[list[Score]]:
        return [[level.done[name][replicate] for level in levels] for replicate in replicates] if name in names else []

    rows = [_row(name, scores(name), scores(LOCAL)) for name in names]
    floors = [score.floor for of_replicate in scores(rows[0].algorithm) for score in of_replicate]
    return Group([level.alpha for level in levels], replicates, _mean(floors), rows)


def _row(algorithm: str, scores: Sequence[Sequence[Score]], local: Sequence[Sequence[Score]]) -> Row:
    """One row from each replicate's scores; the replicate's mean over its cells is the unit."""
    accuracy = [_mean([score.accuracy for score in cells]) for cells in scores]
    beside = [_mean([score.accuracy for score in cells]) for cells in local]
    flat = [score for cells in scores for score in cells]
    return Row(
        algorithm,
        accuracy=mean_interval(accuracy),
        worst10=_mean([score.worst10 for score in flat]),
        global_accuracy=_mean_or_none([score.global_accuracy for score in flat]),
        personal_global=_mean_or_none([score.personal_global for score in flat]),
        to_local=paired_difference(accuracy, beside) if beside and algorithm != LOCAL else None,
    )


def _gaps(level: Level) -> list[Gap]:
    present = sorted(set().union(*level.done.values()))
    known = {(run.algorithm, run.replicate): run for run in level.runs}
    gaps = []
    for name in level.algorithms:
        statuses = {run.status for run in level.runs if run.algorithm == name}
        if statuses == {"skipped"}:
            continue  # never of this level: the skips are listed on their own
        for replicate in present:
            run = known.get((name, replicate))
            if run is None:
                gaps.append(Gap(name, level.alpha, replicate, "not run", ""))
            elif run.score is None:
                gaps.append(Gap(name, level.alpha, replicate, run.status, run.reason))
    return gaps


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _mean_or_none(values: Sequence[float | None]) -> float | None:
    held = [value for value in values if value is not None]
    return _mean(held) if held and len(held) == len(values) else None

"""Which cells may be compared, and the numbers of the headline table.

A *block* is one data set, partition and zoo; a *level* of it one alpha. Means are taken only over replicates that
every algorithm of the level finished: an algorithm that fails on hard draws must not look good by its absence.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np

from reports.results import Results, Run, Score, Setting, common
from reports.statistics import (
    Estimate,
    MedianRounds,
    best_subset,
    complete,
    mean_interval,
    median_rounds,
    paired_difference,
    rounds_to_target,
)

LOCAL = "local"
"""The baseline that a federation has to beat; its rows give the column of differences."""


@dataclass(frozen=True)
class Level:
    """One alpha of a block: its runs, of whatever status."""

    alpha: float | None
    algorithms: Sequence[str]  # all that were declared here, in the suite's order
    runs: Sequence[Run]

    @cached_property
    def finished(self) -> Mapping[str, Mapping[int, Run]]:
        """Algorithm -> replicate -> its finished cell; algorithms that finished nothing here are left out."""
        table: dict[str, dict[int, Run]] = {}
        for name in self.algorithms:
            runs = {run.replicate: run for run in self.runs if run.algorithm == name and run.score}
            if runs:
                table[name] = runs
        return table

    @cached_property
    def present(self) -> Sequence[int]:
        """The replicates that at least one algorithm finished."""
        return sorted(set().union(*self.finished.values()))

    @cached_property
    def done(self) -> Mapping[str, Mapping[int, Score]]:
        """Algorithm -> replicate -> score, of the algorithms that count here.

        One that finished fewer than half of the replicates does not: what all must have finished would otherwise be
        next to nothing, on account of the one that failed.
        """
        return {
            name: {replicate: run.score for replicate, run in runs.items() if run.score}
            for name, runs in self.finished.items()
            if 2 * len(runs) >= len(self.present)
        }

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
    rounds: MedianRounds | None = None  # until the suite's target accuracy
    sent: float | None = None  # bytes of a whole run, up and down, all clients
    seconds: float | None = None  # of training, wall-clock, of a whole run
    best: frozenset[str] = frozenset()  # the measures in which nothing is separably better: names of fields above
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
    target: float | None = None  # the suite's target accuracy

    @property
    def name(self) -> str:
        """As headings have it."""
        return f"{self.dataset}, {self.partition}, zoo {self.zoo}"

    @property
    def tasks(self) -> Sequence[str]:
        """The names of the clients' own tasks; none: all have the data set's."""
        return [str(task["name"]) for task in self.levels[0].runs[0].tasks]

    def setting(self, level: Level) -> Setting:
        """The cell of the comparison that a level is."""
        return Setting(self.dataset, self.partition, level.alpha, self.zoo)

    @cached_property
    def finishers(self) -> Sequence[str]:
        """The algorithms that count in some level."""
        return [name for name in self.algorithms if any(name in level.done for level in self.levels)]

    @property
    def absent(self) -> Sequence[tuple[str, str]]:
        """The algorithms that do not count in any level, and how their cells ended."""
        runs = [run for level in self.levels for run in level.runs]
        others = [name for name in self.algorithms if name not in self.finishers]
        return [(name, _outcome([run for run in runs if run.algorithm == name])) for name in others]

    @cached_property
    def common(self) -> tuple[Sequence[Level], Sequence[int]]:
        """The levels and replicates that all finishers finished: what means over alphas are over."""
        replicates = sorted({replicate for level in self.levels for replicate in level.present})
        held = [[_all_done(level, self.finishers, r) for level in self.levels] for r in replicates]
        if not held:
            return [], []
        rows, columns = complete(held)
        return list(compress(self.levels, columns)), list(compress(replicates, rows))

    @cached_property
    def groups(self) -> Sequence[Group]:
        """The headline table of the finishers: one group per alpha, then the mean over them where there are several."""
        if not self.finishers:
            return []
        each = [_group(level, self.finishers, self.target) for level in self.levels]
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
            for replicate in level.present
            if replicate not in level.replicates
        ]


def blocks(results: Results) -> list[Block]:
    """The blocks of a result folder, in the suite's order."""
    algorithms, alphas = results.axis("algorithm"), results.axis("alpha")
    target = results.suite.get("target_accuracy")
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
                    found.append(Block(dataset, partition, zoo, names, levels, target))
    return found


def _at(runs: Sequence[Run], alpha: float | None) -> list[Run]:
    return [run for run in runs if run.alpha == alpha]


def _outcome(runs: Sequence[Run]) -> str:
    """How the cells of an algorithm that does not count ended: "5 diverged", or why they were skipped."""
    reasons = {run.reason for run in runs}
    if runs and all(run.status == "skipped" for run in runs) and len(reasons) == 1:
        return f"skipped: {reasons.pop()}"
    counts = Counter(run.status for run in runs)
    ended = ", ".join(f"{count} {status}" for status, count in counts.items()) or "not run"
    return f"{ended}: too few to compare" if counts["done"] else ended


def _all_done(level: Level, names: Sequence[str], replicate: int) -> bool:
    return all(replicate in level.done.get(name, {}) for name in names)


def _group(level: Level, names: Sequence[str], target: float | None) -> Group:
    scores = {name: [[score] for score in level.scores(name)] for name in level.done if level.replicates}
    counting = {row.algorithm: row for row in _rows(scores, target)}
    rows = []
    for name in names:
        if name in counting:
            rows.append(counting[name])
        elif name in level.done:
            rows.append(Row(name, None, note="no replicate was finished by all algorithms"))
        else:
            rows.append(Row(name, None, note=_outcome([run for run in level.runs if run.algorithm == name])))
    return Group([level.alpha], level.replicates, level.floor, rows)


def _mean_group(block: Block) -> Group | None:
    """The mean over alphas."""
    levels, replicates = block.common
    if len(levels) < 2:
        return None
    scores = {name: [[level.done[name][r] for level in levels] for r in replicates] for name in block.finishers}
    floors = [score.floor for cells in next(iter(scores.values())) for score in cells]
    return Group([level.alpha for level in levels], replicates, _mean(floors), _rows(scores, block.target))


MEASURES = ("accuracy", "worst10", "global_accuracy", "personal_global")
"""What a headline table judges: where the best, and all that is not separable from it, is bold."""


def _rows(scores: Mapping[str, Sequence[Sequence[Score]]], target: float | None) -> list[Row]:
    """One row per algorithm from its scores [replicates, cells]; the replicate's mean over its cells is the unit."""
    means = {
        measure: {name: values for name, cells in scores.items() if (values := _by_replicate(cells, measure))}
        for measure in MEASURES
    }
    bold = {measure: _bold(columns) for measure, columns in means.items()}
    local = means["accuracy"].get(LOCAL)
    rows = []
    for name, cells in scores.items():
        flat = [score for of_replicate in cells for score in of_replicate]
        known = {measure: _mean(columns[name]) for measure, columns in means.items() if name in columns}
        accuracy = means["accuracy"][name]
        rows.append(
            Row(
                name,
                accuracy=mean_interval(accuracy),
                worst10=known["worst10"],
                global_accuracy=known.get("global_accuracy"),
                personal_global=known.get("personal_global"),
                to_local=paired_difference(accuracy, local) if local and name != LOCAL else None,
                rounds=_rounds(flat, target),
                sent=_mean([float((score.bytes_up + score.bytes_down).sum()) for score in flat]),
                seconds=_mean([score.train_seconds for score in flat]),
                best=frozenset(measure for measure, names in bold.items() if name in names),
            )
        )
    return rows


def _by_replicate(cells: Sequence[Sequence[Score]], measure: str) -> list[float] | None:
    """Each replicate's mean over its cells; None where an algorithm has no such number."""
    values = [[getattr(score, measure) for score in of_replicate] for of_replicate in cells]
    if any(value is None for of_replicate in values for value in of_replicate):
        return None
    return [_mean(of_replicate) for of_replicate in values]


def _bold(columns: Mapping[str, Sequence[float]]) -> set[str]:
    """The algorithms that may be the best one; none where nothing could be told apart: alone, or one replicate."""
    if len(columns) < 2 or len(next(iter(columns.values()))) < 2:
        return set()
    stays = best_subset(np.stack([np.asarray(values) for values in columns.values()], axis=1))
    return set(compress(columns, stays))


def _rounds(scores: Sequence[Score], target: float | None) -> MedianRounds | None:
    if target is None:
        return None
    return median_rounds([rounds_to_target(score.rounds, score.curve, target) for score in scores])


def _gaps(level: Level) -> list[Gap]:
    present = level.present
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

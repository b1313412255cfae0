"""Where clients have tasks of their own: each task by itself, since a mean over tasks may hide who pays for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from reports.analysis.against import Judged, judge, pairs
from reports.analysis.pairs import Index
from reports.blocks import LOCAL, Block, Level
from reports.results import Score, Setting
from reports.statistics import Estimate, mean_interval, paired_difference


@dataclass(frozen=True)
class TaskRow:
    """One algorithm on one task of a block. Accuracies are fractions: means over the clients that have the task."""

    task: str
    algorithm: str
    accuracy: Estimate  # over replicates
    to_local: Estimate | None  # difference to training alone, paired by replicate; None: no such baseline


@dataclass(frozen=True)
class TaskTable:
    """One block, over the levels and replicates that all its algorithms finished."""

    block: Block
    replicates: int
    rows: Sequence[TaskRow]  # task by task


def task_tables(blocks: Sequence[Block]) -> list[TaskTable]:
    """One per block whose clients have tasks of their own and in which any draw was finished by all."""
    return [_table(block) for block in blocks if block.tasks and all(block.common)]


def _table(block: Block) -> TaskTable:
    levels, replicates = block.common
    rows = []
    for task in block.tasks:
        values = {name: [_mean(levels, name, r, task) for r in replicates] for name in block.finishers}
        local = values.get(LOCAL)
        rows += [
            TaskRow(
                task,
                name,
                accuracy=mean_interval(own),
                to_local=paired_difference(own, local) if local and name != LOCAL else None,
            )
            for name, own in values.items()
        ]
    return TaskTable(block, len(replicates), rows)


def _mean(levels: Sequence[Level], algorithm: str, replicate: int, task: str) -> float:
    """A replicate's mean over alphas."""
    return float(np.mean([level.done[algorithm][replicate].tasks[task] for level in levels]))


def task_verdicts(
    reference: str, algorithms: Sequence[str], runs: Index, settings: Sequence[Setting], blocks: Sequence[Block]
) -> list[Judged]:
    """Each algorithm against the reference on each task, over all cells: simultaneous over all of these."""
    names = list(dict.fromkeys(name for block in blocks for name in block.tasks))
    found = [
        (name, each)
        for name in names
        for each in pairs(reference, algorithms, runs, settings, partial(_accuracy, name))
    ]
    return judge([each for _, each in found], [name for name, _ in found])


def _accuracy(task: str, score: Score) -> float | None:
    return score.tasks.get(task)

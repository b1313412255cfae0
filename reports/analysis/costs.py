"""What a run costs: bytes, seconds, rounds to the target accuracy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reports.blocks import Block
from reports.results import Score
from reports.statistics import MedianRounds, median_rounds, rounds_to_target


@dataclass(frozen=True)
class CostRow:
    """One algorithm in one block: means over its draws, of a whole run with all its clients."""

    algorithm: str
    rounds: MedianRounds | None  # until the target; None: the suite names no target
    sent_until: float | None  # bytes, up and down, in that many rounds; None: not reached in half of the runs
    up: float  # bytes
    down: float
    train_seconds: float  # wall-clock
    seconds: float  # with evaluation
    shared: bool  # whether seconds are a share of what several cells took together


class Machine(NamedTuple):
    """What seconds depend on."""

    engine: str
    device: str
    precision: str
    processor: str


@dataclass(frozen=True)
class CostTable:
    """One block's costs, over the draws that all its algorithms finished."""

    block: Block
    draws: int
    rows: Sequence[CostRow]
    machines: Sequence[Machine]  # more than one: the seconds are not of one kind


def cost_tables(blocks: Sequence[Block]) -> list[CostTable]:
    """One per block in which any draw was finished by all."""
    return [table for block in blocks if (table := _table(block))]


def _table(block: Block) -> CostTable | None:
    levels, replicates = block.common
    draws = [(level, replicate) for level in levels for replicate in replicates]
    if not draws:
        return None
    runs = [level.finished[name][r] for name in block.finishers for level, r in draws]
    machines = {
        Machine._make([*(str(run.identity.get(key, "")) for key in ("engine", "device", "precision")), run.processor])
        for run in runs
    }
    rows = [_row(name, [level.done[name][r] for level, r in draws], block.target) for name in block.finishers]
    return CostTable(block, len(draws), rows, sorted(machines))


def _row(name: str, scores: Sequence[Score], target: float | None) -> CostRow:
    rounds = None
    if target is not None:
        rounds = median_rounds([rounds_to_target(score.rounds, score.curve, target) for score in scores])
    until = None
    if rounds is not None and rounds.reached:
        until = float(np.mean([(s.bytes_up + s.bytes_down)[: rounds.round].sum() for s in scores]))
    return CostRow(
        algorithm=name,
        rounds=rounds,
        sent_until=until,
        up=float(np.mean([score.bytes_up.sum() for score in scores])),
        down=float(np.mean([score.bytes_down.sum() for score in scores])),
        train_seconds=float(np.mean([score.train_seconds for score in scores])),
        seconds=float(np.mean([score.seconds for score in scores])),
        shared=any(score.shared for score in scores),
    )

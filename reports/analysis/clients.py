"""How an algorithm treats the clients of a run: descriptive, because clients share a run and are no replicates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.blocks import LOCAL, Block
from reports.results import Score
from reports.statistics import Floats, gini, share_below, worst_tenth


@dataclass(frozen=True)
class ClientRow:
    """One algorithm in one block: means over its draws of what each draw's clients show. Accuracies are fractions."""

    algorithm: str
    accuracy: float
    worst10: float
    lowest: float  # the worst client of a draw
    deviation: float  # sample standard deviation over clients
    gini: float
    below_local: float | None  # share of clients below their own accuracy when training alone; None: no such baseline


@dataclass(frozen=True)
class ClientTable:
    """One block's clients, over the draws that all its algorithms finished."""

    block: Block
    draws: int
    rows: Sequence[ClientRow]


def client_tables(blocks: Sequence[Block]) -> list[ClientTable]:
    """One per block in which any draw was finished by all."""
    return [table for block in blocks if (table := _table(block))]


def _table(block: Block) -> ClientTable | None:
    levels, replicates = block.common
    draws = [(level, replicate) for level in levels for replicate in replicates]
    if not draws:
        return None
    held = {name: [level.done[name][r] for level, r in draws] for name in block.finishers}
    local = [score.clients for score in held[LOCAL]] if LOCAL in held else None
    return ClientTable(block, len(draws), [_row(name, scores, local) for name, scores in held.items()])


def _row(name: str, scores: Sequence[Score], local: Sequence[Floats] | None) -> ClientRow:
    each = [score.clients for score in scores]
    below = None
    if local is not None and name != LOCAL:
        below = float(np.mean([share_below(a, b) for a, b in zip(each, local, strict=True)]))
    return ClientRow(
        algorithm=name,
        accuracy=float(np.mean([values.mean() for values in each])),
        worst10=float(np.mean([worst_tenth(values) for values in each])),
        lowest=float(np.mean([values.min() for values in each])),
        deviation=float(np.mean([values.std(ddof=1) if len(values) > 1 else 0.0 for values in each])),
        gini=float(np.mean([gini(values) for values in each])),
        below_local=below,
    )

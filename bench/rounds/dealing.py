"""Who gets which rows: the clients' splits of a cell, and the figures that describe them."""

from dataclasses import asdict
from typing import Any

import numpy as np

from bench.data import DataError, Rows
from bench.declaration.cell import Cell
from bench.registry import PARTITIONS
from bench.rounds import pool, reserved
from bench.rounds.pool import Pool
from bench.seeds import stream
from datasets import heterogeneity, split
from datasets.split import Split


def deal(cell: Cell, there: Pool) -> list[Split]:
    """The clients' splits (train, validation, test) of a cell, as rows of the pool: each task's by itself.

    Raises DataError when no draw is possible.
    """
    plan = PARTITIONS.get(cell.partition)(**cell.partition_params)
    rng = stream("partition", **cell.axes("partition"))  # one for all tasks, in turn
    dealt: list[Rows | Split] = []
    for part, rows in zip(there.parts, pool.owned(cell, there), strict=True):
        try:
            drawn = plan.deal(there.train.y[rows], part.given_of(rows), part.clients, cell.alpha, rng)
        except DataError as error:
            raise DataError(f"task '{part.name}': {error}" if part.name else str(error)) from error
        dealt += [Split(*(rows[each] for each in own)) if isinstance(own, tuple) else rows[own] for own in drawn]
    untested = np.empty(0, dtype=np.int64) if cell.tuning else reserved.rows(cell, there)  # trials test nobody
    return [_split(cell, k, own, untested) for k, own in enumerate(dealt)]


def _split(cell: Cell, client: int, made: Rows | Split, untested: Rows) -> Split:
    """A client's split: the one that its partition brings, or the protocol's.

    A trial of tuning has no test rows: it is judged by its validation rows, which stand in both places. The protocol
    keeps rows that trials may see out of results' tests (`untested`); test rows that a data set brings no trial sees.
    """
    if not isinstance(made, Split):
        rng = stream("split", client=client, **cell.axes("partition"))
        return split.split_for_tuning(made, rng) if cell.tuning else split.split(made, rng, untested)
    apart = not np.isin(made.validation, made.train).any()
    if cell.tuning and not apart:
        raise DataError(f"client {client} would be judged on rows that it trains on: tuning needs rows set apart")
    if cell.training["selection"] == "validation" and not apart:
        raise DataError(
            f'client {client} would be validated on rows that it trains on: selection = "validation" needs others. '
            'Set selection = "last", or set rows apart to validate on'
        )
    return made._replace(test=made.validation) if cell.tuning else made


def describe(cell: Cell, there: Pool, splits: list[Split]) -> dict[str, Any]:
    """Identity and heterogeneity figures of a partition, as the record holds them.

    Where tasks differ, so do their classes: counts have a column for each class of each task.
    """
    could = np.concatenate(pool.owned(cell, there))  # what was there to deal, ascending
    labels = there.distinct
    whole = [np.searchsorted(could, np.unique(np.concatenate(own))) for own in splits]
    figures = asdict(heterogeneity.describe(labels[could], whole, sum(part.classes for part in there.parts)))
    figures["counts"] = np.asarray(figures["counts"]).tolist()
    floors = [heterogeneity.floor(labels[s.train], labels[s.test]) for s in splits]
    return figures | {
        "floor": float(np.mean(floors)),
        "floors": [float(f) for f in floors],
        "train_sizes": [len(s.train) for s in splits],
        "validation_sizes": [len(s.validation) for s in splits],
        "test_sizes": [len(s.test) for s in splits],
    }

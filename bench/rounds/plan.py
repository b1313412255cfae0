"""Which rows each step of local training sees: the only place where data order is decided.

A plan is a value, handed to every engine, so engines can differ in float order only.
"""

import math

import numpy as np
from numpy.typing import NDArray

from bench.data import Rows
from bench.seeds import Axis, stream


def epoch(rows: Rows, batch_size: int, rng: np.random.Generator) -> Rows:
    """One pass over `rows` in random order as full batches [ceil(n / B), B].

    A short last batch is filled from the start of the epoch (again and again where a client is smaller than a batch),
    so that every batch has one size: BatchNorm gets the statistics of a full batch, and unequal clients stack. Each
    row is as likely as any other to be seen twice.

    >>> epoch(np.arange(5), 2, np.random.default_rng(0)).shape
    (3, 2)
    """
    steps = math.ceil(len(rows) / batch_size)
    around = np.arange(steps * batch_size)  # as np.resize, in half its time
    return rng.permutation(rows).take(around, mode="wrap").reshape(steps, batch_size)


def batches(
    rows: Rows, batch_size: int, *, epochs: int | None = None, steps: int | None = None, **axes: Axis
) -> NDArray[np.int64]:
    """The batches of one client's local stage [steps, B]: whole epochs, or exactly `steps` batches.

    `axes` name client and round (and all that a cell's training streams depend on); each epoch has a stream of its
    own. Exactly one of `epochs` and `steps` is given.
    """
    if (epochs is None) == (steps is None):
        raise ValueError(f"expected exactly one of epochs and steps, got epochs={epochs}, steps={steps}")
    per_epoch = math.ceil(len(rows) / batch_size)
    needed = epochs if epochs is not None else math.ceil((steps or 0) / per_epoch)
    drawn = [epoch(rows, batch_size, stream("batches", epoch=number, **axes)) for number in range(needed)]
    return np.concatenate(drawn)[:steps]


def filled(rows: int, batch_size: int) -> bool:
    """Whether an epoch over so many rows has a batch that was filled."""
    return rows % batch_size != 0

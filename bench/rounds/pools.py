"""Which training rows tuning may use: set aside once for each data set, so that no result tests a client on them."""

import numpy as np

from bench.data import Rows
from bench.declaration.cell import Cell
from bench.seeds import stream


def set_aside(cell: Cell, size: int) -> Rows:
    """The reserved rows among `size` training rows, ascending; none where the cell's suite reserves none.

    One draw for each data set: no replicate, seed, partition or suite has another, and a smaller share is a part of a
    larger one.
    """
    order = stream("reserved", dataset=cell.dataset).permutation(size)
    return np.sort(order[: round(cell.reserved * size)])


def drawn_from(cell: Cell, size: int) -> Rows:
    """The rows that a cell deals to its clients: all for a result, the reserved ones for a trial of tuning.

    Where none are reserved, trials draw from all, and the report says that the pools overlap.
    """
    return set_aside(cell, size) if cell.tuning and cell.reserved else np.arange(size)

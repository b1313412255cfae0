"""Which training rows tuning may use: set aside once for each data set, so that no result tests a client on them."""

import numpy as np

from bench.data import Rows
from bench.declaration.cell import Cell
from bench.seeds import stream


def rows(cell: Cell, size: int) -> Rows:
    """The reserved rows among `size` training rows, ascending; none where the cell's suite reserves none.

    One draw for each data set: no replicate, seed, partition or suite has another, and a smaller share is a part of a
    larger one. Suites whose clients have tasks of their own reserve none (see `bench.declaration.suite`).
    """
    order = stream("reserved", dataset=cell.dataset).permutation(size)
    return np.sort(order[: round(cell.reserved * size)])

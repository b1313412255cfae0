"""Which training rows tuning may use: set aside once for each data set, so that no result tests a client on them."""

from typing import TYPE_CHECKING

import numpy as np

from bench.data import Rows
from bench.declaration.cell import Cell
from bench.seeds import stream

if TYPE_CHECKING:
    from bench.rounds.pool import Pool


def rows(cell: Cell, there: "Pool") -> Rows:
    """The reserved rows of a pool, ascending; none where the cell's suite reserves none.

    One draw for each data set: no replicate, seed, partition or suite has another, nor do tasks. An image is reserved
    in each task that has it, or in none. A smaller share is a part of a larger one.
    """
    if not cell.reserved:
        return np.empty(0, dtype=np.int64)
    names = [task.dataset for task in cell.tasks] or [cell.dataset]
    sizes = {name: part.size for name, part in zip(names, there.parts, strict=True)}
    drawn = {name: _drawn(name, size, cell.reserved) for name, size in sizes.items()}
    return np.concatenate(
        [
            part.train.start + np.flatnonzero(np.isin(part.original, drawn[name]))
            for name, part in zip(names, there.parts, strict=True)
        ]
    )


def _drawn(dataset: str, size: int, share: float) -> Rows:
    """The reserved ones among all `size` training rows of a data set."""
    return stream("reserved", dataset=dataset).permutation(size)[: round(share * size)]

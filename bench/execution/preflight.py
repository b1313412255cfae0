"""What can be known to fail before the first round: data that is not there, nets that do not fit, hopeless draws."""

import json
from collections.abc import Sequence
from pathlib import Path

from bench.data import DataError
from bench.declaration.cell import Cell
from bench.execution.published import Published, publish
from bench.rounds import loading
from bench.rounds.dealing import deal
from bench.rounds.loading import gather
from bench.rounds.nets import look


def check(cells: Sequence[Cell], root: Path | None, *, share: bool = False) -> dict[str, Published]:
    """Load each data set, build each net once and draw every partition. Raises DataError at the first that fails.

    A data set that is not there yet is downloaded here, before workers would all try to. What was loaded comes back in
    memory that workers can share, by name, where that is asked for (`share`) and the system has such memory.
    """
    draws = {json.dumps(cell.axes("partition")): cell for cell in cells}
    zoos = {(cell.dataset, cell.zoo): cell for cell in cells}
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        for cell in zoos.values():
            if cell.dataset == dataset:
                look(cell, gather(cell, root))
        for cell in draws.values():
            if cell.dataset == dataset:
                there = gather(cell, root)  # cheap: what was loaded is kept, and classes may be divided anew
                try:
                    deal(cell, there)
                except DataError as error:
                    raise DataError(f"{_draw(cell)} cannot be drawn: {error}") from error
    names = dict.fromkeys(name for cell in cells for name in cell.data) if share else {}
    shared = {name: publish(name, loading.load(name, root)) for name in names}
    return {name: published for name, published in shared.items() if published is not None}


def _draw(cell: Cell) -> str:
    alpha = "" if cell.alpha is None else f", alpha {cell.alpha:g}"
    return f"{cell.partition} of {cell.dataset}{alpha}, {cell.clients} clients, replicate {cell.replicate}"

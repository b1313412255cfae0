"""What can be known to fail before the first round: data that is not there, nets that do not fit, hopeless draws."""

import json
from collections.abc import Sequence
from pathlib import Path

from bench.data import DataError
from bench.declaration.cell import Cell
from bench.rounds.setting import deal, inspect, load


def check(cells: Sequence[Cell], root: Path | None) -> None:
    """Load each data set, build each net once and draw every partition. Raises DataError at the first that fails.

    A data set that is not there yet is downloaded here, before workers would all try to.
    """
    draws = {json.dumps(cell.axes("partition")): cell for cell in cells}
    nets = {(cell.dataset, name): cell for cell in cells for name in (*cell.architectures, cell.shared)}
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        data = load(dataset, root)
        shape = (data.train_x.shape[1], data.train_x.shape[2], data.train_x.shape[3])
        for (source, net), cell in nets.items():
            if source == dataset:
                try:
                    inspect(net, shape, data.classes)
                except DataError as error:
                    raise DataError(f"zoo '{cell.zoo}' on {dataset}, {_role(cell, net)}: {error}") from error
        for cell in draws.values():
            if cell.dataset == dataset:
                try:
                    deal(cell, data)
                except DataError as error:
                    raise DataError(f"{_draw(cell)} cannot be drawn: {error}") from error


def _role(cell: Cell, net: str) -> str:
    return "the shared net, for global model and meme" if net == cell.shared else "a client's own net"


def _draw(cell: Cell) -> str:
    alpha = "" if cell.alpha is None else f", alpha {cell.alpha:g}"
    return f"{cell.partition} of {cell.dataset}{alpha}, {cell.clients} clients, replicate {cell.replicate}"

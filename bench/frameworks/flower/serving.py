"""Whether a cell can be served at all: found out before any process is started."""

from pathlib import Path

from bench.declaration.cell import Cell
from bench.registry import ALGORITHMS
from bench.rounds.federation import Federation
from bench.rounds.group import Skip, one_thread
from bench.rounds.setting import prepare


def refuse(cell: Cell, root: Path | None) -> None:
    """Raise Skip where the algorithm cannot serve the cell, DataError where its data is not there."""
    with one_thread():
        setting = prepare(cell, root)
        algorithm = ALGORITHMS.get(cell.plugin)(**cell.params)
        if reason := algorithm.skip(setting.task):
            raise Skip(reason)
        Federation(setting, algorithm)  # raises Skip where clients cannot share what the algorithm shares

"""Whether a cell can be served at all: found out before any process is started."""

from pathlib import Path

from bench.declaration.cell import Cell
from bench.registry import ALGORITHMS
from bench.rounds.group import Skip
from bench.rounds.setting import prepare


def refuse(cell: Cell, root: Path | None) -> None:
    """Raise Skip where the algorithm cannot serve the cell, DataError where its data is not there."""
    setting = prepare(cell, root)
    if reason := ALGORITHMS.get(cell.plugin)(**cell.params).skip(setting.task):
        raise Skip(reason)

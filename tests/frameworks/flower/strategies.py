"""A cell by a strategy of Flower's own and by our reference engine, both in this process, and what is between them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.declaration.cell import Cell
from bench.frameworks.flower import node
from bench.frameworks.flower.node import Order, settle
from bench.frameworks.flower.own import client_app, server_app
from bench.rounds import group
from tests.frameworks.flower.grid import Heard, OneProcess

Arrays = dict[int, dict[str, np.ndarray]]  # round -> name -> values


def flowers(cell: Cell, folder: Path, heard: Heard | None = None) -> tuple[dict[str, Any], Arrays]:
    """The outcome of a cell by Flower's strategy, on a grid in this process, and its models after each round."""
    cell = replace(cell, framework="flower-own")
    folder.mkdir(parents=True)
    Order(cell, None, (), trace=folder).write(folder)
    node.settle.cache_clear()
    grid = OneProcess(str(folder), cell.clients, client_app.app)
    outcome = server_app.run(grid, settle(str(folder)), heard or Heard())
    assert isinstance(outcome, dict)
    return outcome, models(folder / cell.hash)


def ours(cell: Cell, folder: Path) -> tuple[dict[str, Any], Arrays]:
    """The same by the reference engine."""
    return group.run(cell, None, None, folder), models(folder / cell.hash)


def models(folder: Path) -> Arrays:
    rounds = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            rounds[int(path.stem.removeprefix("round-"))] = dict(arrays)
    return rounds


def gap(mine: dict[str, np.ndarray], other: dict[str, np.ndarray], *, without: str = "-") -> float:
    assert mine.keys() == other.keys()
    return max(float(np.abs(mine[n] - other[n]).max()) for n in mine if without not in n)


def largest(mine: Arrays, other: Arrays) -> float:
    assert list(mine) == list(other)
    return max(gap(mine[number], other[number]) for number in mine)

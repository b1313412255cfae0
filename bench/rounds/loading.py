"""Loading a cell's data, each data set once in a process."""

import functools
from pathlib import Path

from bench.data import Data, DataError, Source
from bench.declaration.cell import Cell
from bench.declaration.tasks import ClientTask
from bench.registry import DATASETS
from bench.rounds import pool
from bench.rounds.pool import Pool

_offered: dict[str, Data] = {}


def offer(name: str, data: Data) -> None:
    """Have `load` return this instead of reading the data set: another process has read it."""
    _offered[name] = data


def load(name: str, root: Path | None) -> Data:
    """A data set by name, kept for the next cell."""
    return _offered[name] if name in _offered else _read(name, root)


@functools.lru_cache(maxsize=4)  # cells of one data set follow one another, and tasks may be of several
def _read(name: str, root: Path | None) -> Data:
    source: Source = DATASETS.get(name)()
    return source.load(root)


def gather(cell: Cell, root: Path | None) -> Pool:
    """Load what a cell's clients may get. Raises DataError where it is missing or other than declared."""
    sources = {name: load(name, root) for name in cell.data}
    for name, expected in cell.data.items():
        if (found := sources[name].md5) != expected:
            raise DataError(f"data set '{name}': expected content md5 {expected}, got {found}")
    return _gathered(cell.tasks, root) if cell.tasks else pool.of_one(sources[cell.dataset], cell.clients)


@functools.lru_cache(maxsize=1)  # every replicate has the same: one copy for all that run side by side
def _gathered(tasks: tuple[ClientTask, ...], root: Path | None) -> Pool:
    return pool.of_tasks(tasks, {task.dataset: load(task.dataset, root) for task in tasks})

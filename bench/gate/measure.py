"""What a suite gives now: accuracies of some replicates, and the witness of replicate 0 on every engine."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from typing import Any

from bench.declaration.cell import Cell, cells
from bench.declaration.suite import Suite
from bench.engines import NAMES
from bench.execution import preflight
from bench.execution.execute import execute
from bench.execution.worker import Job
from bench.gate.witness import WITNESS
from bench.records.store import Store

REFERENCE = NAMES[0]
"""The engine whose accuracies and fingerprints are the baseline's."""


class Stopped(Exception):
    """A signal ended the work."""

    def __init__(self, signal: Signals) -> None:
        super().__init__(signal.name)
        self.signal = signal


@dataclass
class Measured:
    """What is known of the present so far; grows with every look."""

    replicates: int = 0
    accuracy: dict[str, dict[int, float]] = field(default_factory=dict)  # view of a cell -> by replicate
    headline: dict[str, str] = field(default_factory=dict)  # cell -> the view that counts
    skipped: dict[str, str] = field(default_factory=dict)  # cell -> reason
    broken: dict[str, str] = field(default_factory=dict)  # engine, cell and replicate -> what became of it
    witnesses: dict[str, dict[str, Any]] = field(default_factory=dict)  # engine -> cell -> its witness
    cells: dict[str, Cell] = field(default_factory=dict)  # by name

    def of_cell(self, name: str) -> dict[int, float]:
        """The accuracies of a cell in the view that counts, by replicate."""
        return self.accuracy.get(view_of(name, self.headline[name]), {}) if name in self.headline else {}


def cell_name(cell: Cell) -> str:
    """A cell without its replicate: "fml digits dirichlet-capped 0.3 mixed"."""
    alpha = () if cell.alpha is None else (f"{cell.alpha:g}",)
    return " ".join((cell.algorithm, cell.dataset, cell.partition, *alpha, cell.zoo))


def view_of(cell: str, view: str) -> str:
    """The name of one view of a cell."""
    return f"{cell}, {view}"


@dataclass(frozen=True)
class Bench:
    """Where and how cells are run."""

    suite: Suite
    jobs: int
    data_root: Path | None = None
    plugins: tuple[str, ...] = ()

    def measure(self, measured: Measured, upto: int) -> None:
        """Run the replicates that are missing up to `upto`; the first time, replicate 0 of every other engine too.

        Raises DataError, StoreError, WorkersError, Stopped.
        """
        new = range(measured.replicates, upto)
        todo = [cell for cell in cells(self.suite, engine=REFERENCE) if cell.replicate in new]
        if 0 in new:
            for engine in NAMES[1:]:
                todo += [cell for cell in cells(self.suite, engine=engine) if cell.replicate == 0]
        preflight.check(todo, self.data_root)
        # A folder of its own, gone afterwards: a cell's hash does not cover the referee, so nothing may be kept.
        with tempfile.TemporaryDirectory(prefix="bench-gate-") as folder:
            out = Path(folder)
            suite = {"name": self.suite.name, "version": self.suite.version}
            job = Job(out=out, suite=suite, data_root=self.data_root, plugins=self.plugins, function=WITNESS)
            ordered = sorted(todo, key=lambda cell: cell.replicate)
            ended = execute(ordered, job, jobs=self.jobs, time_limit=self.suite.time_limit)
            if ended.stopped:
                raise Stopped(ended.stopped)
            store = Store(out)
            for cell in todo:
                _take_in(measured, cell, store.read(cell.hash))
        measured.replicates = upto


def _take_in(measured: Measured, cell: Cell, record: dict[str, Any] | None) -> None:
    name = cell_name(cell)
    measured.cells.setdefault(name, cell)
    status = "lost" if record is None else record["status"]
    if record is None or status not in ("done", "skipped"):
        reason = "no record" if record is None else record["reason"]
        measured.broken[f"{cell.engine} {name} #{cell.replicate}"] = f"{status}: {reason}"
        return
    if status == "skipped":
        measured.skipped[name] = record["reason"]
        return
    result = record["result"]
    if cell.replicate == 0:
        measured.witnesses.setdefault(cell.engine, {})[name] = result["witness"]
    if cell.engine == REFERENCE:
        measured.headline[name] = result["headline"]["view"]
        for view, figures in result["at_headline"].items():
            measured.accuracy.setdefault(view_of(name, view), {})[cell.replicate] = float(figures["accuracy"])


def replicates(values: dict[int, float], numbers: Iterable[int]) -> list[float] | None:
    """The accuracies of these replicates in order; None where one is missing."""
    wanted = list(numbers)
    return [values[r] for r in wanted] if all(r in values for r in wanted) else None

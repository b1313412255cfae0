"""On a node of a cluster: a bundle comes in, the records of its cells go back.

The cells are computed by a worker process of the same kind as on one machine (crew.py), so that a cell that hangs,
dies or takes all memory has the same end here as there. The process is kept for the next bundle of the same run.
"""

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.execution.crew import Crew
from bench.execution.executor import Finished, Lost, Unfit, WorkersError, dispatch
from bench.execution.worker import Job
from bench.host.provenance import provenance

if TYPE_CHECKING:
    from bench.declaration.cell import Cell

PROVENANCE = ("commit", "dirty", "versions", "processor", "threads")
"""What a record tells of the machine that computed it."""


@dataclass(frozen=True)
class Order:
    """What all bundles of a run have in common, for a node."""

    run: str  # a name for this run
    job: Job
    time_limit: float | None


@dataclass(frozen=True)
class Answer:
    """What became of a bundle on a node."""

    node: str  # of Ray: a long hexadecimal number
    ends: tuple[Finished | Lost, ...] = ()  # one for each cell; `Finished` with its record
    unfit: str | None = None  # why this node must not compute it; then there are no ends


_kept: dict[tuple[str, str], Crew] = {}  # the worker process of the run that this process works for


def compute(order: Order, cells: "Sequence[Cell]", node: str) -> Answer:
    """Compute a bundle. Never raises for a cell's or this node's sake."""
    ends: list[Finished | Lost] = []
    with _main_unknown():
        try:
            for event in dispatch([tuple(cells)], _crew(order)):
                if isinstance(event, Unfit):
                    return Answer(node, unfit=event.reason)
                if isinstance(event, Finished | Lost):
                    ends.append(event)
        except WorkersError as error:
            return Answer(node, unfit=str(error))
    return Answer(node, tuple(ends))


def _crew(order: Order) -> Crew:
    """The worker process of a run, on the GPUs that are this task's; that of an earlier one is let go."""
    key = (order.run, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    if key not in _kept:
        for crew in _kept.values():
            crew.__exit__(None, None, None)
        _kept.clear()
        _kept[key] = Crew(_here(order.job), 1, order.time_limit)
    return _kept[key]


def _here(job: Job) -> Job:
    """The job as it is on this machine: where its data lies, and what its records tell of it."""
    root, named = job.data_root, os.environ.get("BENCH_DATA")
    if root is not None and named and not root.is_dir():
        root = Path(named)
    origin = provenance()
    told = {name: origin[name] for name in PROVENANCE} | {"node": platform.node()}
    return replace(job, data_root=root, provenance=told)


@contextmanager
def _main_unknown() -> Iterator[None]:
    """New processes import the main program's file; Ray's is none of theirs and takes a second."""
    main = sys.modules["__main__"].__dict__
    path = main.pop("__file__", None)
    try:
        yield
    finally:
        if path is not None:
            main["__file__"] = path

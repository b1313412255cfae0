"""Cells to records: on several processes or machines, with an end for every cell, whatever it does.

A cell that raises, runs out of time or takes its process with it becomes a record with its reason; the others go on.
Who computes a cell, and when, has no influence on its result.
"""

import contextlib
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from bench.execution.crew import Crew
from bench.execution.executor import Executor, Finished, Lost, News, dispatch
from bench.execution.progress import Progress
from bench.execution.worker import UNSAVED, Job, headline, record
from bench.records.store import UNFINISHED, Store, StoreError

if TYPE_CHECKING:
    from bench.declaration.cell import Cell

RERUN = {"failed": UNFINISHED, "all": UNFINISHED | {"done", "skipped"}}
"""What ``--rerun`` computes again, by status."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    counts: Counter[str]  # status -> cells that ended so in this run
    stopped: signal.Signals | None = None  # the signal that ended it early


def pending(cells: Iterable["Cell"], store: Store, rerun: str | None = None) -> tuple[list["Cell"], Counter[str]]:
    """The cells without a record, in order and each once, and how many have a record of each status.

    With `rerun`, records of its statuses are removed first.
    """
    again = RERUN[rerun] if rerun else frozenset()
    todo, kept = [], Counter[str]()
    for cell in {cell.hash: cell for cell in cells}.values():
        entry = store.read(cell.hash)
        if entry is not None and entry["status"] in again:
            store.remove(cell.hash)
            entry = None
        if entry is None:
            todo.append(cell)
        else:
            kept[entry["status"]] += 1
    return todo, kept


def execute(
    work: Sequence["Cell | Sequence[Cell]"],
    job: Job,
    *,
    jobs: int = 1,
    time_limit: float | None = None,
    show: Progress | None = None,
    executor: Executor | None = None,
) -> Outcome:
    """Compute cells in this order on `jobs` processes; each leaves a record. Call it in the main thread.

    An entry of `work` is one cell, or several that run side by side (see `bench.execution.bundles`). `time_limit` is in
    seconds for each cell. With an `executor`, which its owner enters and leaves, that one has the say in both. SIGINT
    and SIGTERM end the run within two seconds: what is finished stays, what is running is lost. Raises StoreError when
    a record cannot be written and WorkersError when no worker comes to life; in every case no worker is left behind.
    """
    bundles = [tuple(entry) if isinstance(entry, Sequence) else (entry,) for entry in work]
    store, by_hash = Store(job.home), {cell.hash: cell for cells in bundles for cell in cells}
    counts: Counter[str] = Counter()
    owned = Crew(job, jobs, time_limit) if executor is None else contextlib.nullcontext(executor)
    with _signals() as caught, owned as at_work:
        for event in dispatch(bundles, at_work):
            if event is None and caught:
                break
            if isinstance(event, News) and show:
                show.round(event.cell.hash, event.rounds)
            if isinstance(event, Lost) and caught:
                continue  # the signal went to the workers too
            if not isinstance(event, Finished | Lost):
                continue
            finished = _kept(event, job, store)
            if finished.status == UNSAVED:
                raise StoreError(finished.reason)
            counts[finished.status] += 1
            if show:
                show.finish(finished, by_hash[finished.cell])
        if caught:
            at_work.abandon()
    return Outcome(counts, caught[0] if caught else None)


def _kept(event: Finished | Lost, job: Job, store: Store) -> Finished:
    """The end of a cell, once its record is on the disk: a worker here writes it itself, others are written down now.

    If a lost worker did so with its last breath, that record counts.
    """
    if isinstance(event, Lost):
        cell = event.cells[0].hash
        entry = record(event.cells[0], job, event.status, event.reason, started=event.started)
    elif event.record is None:
        return event
    else:
        cell, entry = event.cell, event.record
    if (there := store.read(cell)) is not None:
        entry = there
    else:
        store.write(entry)
    return Finished(cell, entry["status"], entry["reason"], event.seconds, headline(entry))


@contextlib.contextmanager
def _signals() -> Iterator[list[signal.Signals]]:
    """Collect SIGINT and SIGTERM instead of being torn out of work by them."""
    caught: list[signal.Signals] = []

    def note(number: int, frame: FrameType | None) -> None:
        caught.append(signal.Signals(number))

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

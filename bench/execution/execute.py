"""Cells to records: on several processes, with an end for every cell, whatever it does.

A cell that raises, runs out of time or takes its process with it becomes a record with its reason; the others go on.
Cells that run side by side and come to grief together run again one by one, so that only the culprit is recorded.
Which process computes a cell, and when, has no influence on its result.
"""

import contextlib
import signal
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from bench.execution.crew import Crew, Lost, News
from bench.execution.progress import Progress
from bench.execution.worker import UNSAVED, Broken, Finished, Job, headline, record
from bench.records.store import UNFINISHED, Store, StoreError

if TYPE_CHECKING:
    from bench.declaration.cell import Cell

RERUN = {"failed": UNFINISHED, "all": UNFINISHED | {"done", "skipped"}}
"""What ``--rerun`` computes again, by status."""

_TICK = 0.2  # seconds until a signal or the end of a time limit is noticed, at most


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
) -> Outcome:
    """Compute cells in this order on `jobs` processes; each leaves a record. Call it in the main thread.

    An entry of `work` is one cell, or several that run side by side (see `bench.execution.bundles`). `time_limit` is in
    seconds for each cell. SIGINT and SIGTERM end the run within two seconds: what is finished stays, what is running is
    lost. Raises StoreError when a record cannot be written and WorkersError when no worker comes to life; in every case
    no worker is left behind.
    """
    waiting = deque(tuple(entry) if isinstance(entry, Sequence) else (entry,) for entry in work)
    store, by_hash = Store(job.out), {cell.hash: cell for cells in waiting for cell in cells}
    counts: Counter[str] = Counter()
    with _signals() as caught, Crew(job, jobs, time_limit) as crew:
        while (waiting or crew.busy) and not caught:
            crew.staff(len(waiting))
            while waiting and crew.give(waiting[0]):
                waiting.popleft()
            for event in crew.listen(_TICK):
                if isinstance(event, News):
                    if show:
                        show.round(event.cell.hash, event.rounds)
                    continue
                if isinstance(event, Lost) and caught:
                    continue  # the signal went to the workers too
                if isinstance(event, Broken) or (isinstance(event, Lost) and len(event.cells) > 1):
                    waiting.extendleft((cell,) for cell in reversed(event.cells))
                    continue
                finished = _lost(event, job, store) if isinstance(event, Lost) else event
                if finished.status == UNSAVED:
                    raise StoreError(finished.reason)
                counts[finished.status] += 1
                if show:
                    show.finish(finished, by_hash[finished.cell])
        if caught:
            crew.abandon()
    return Outcome(counts, caught[0] if caught else None)


def _lost(event: Lost, job: Job, store: Store) -> Finished:
    """Write the record that a lost worker could not write; if it did so with its last breath, that one counts."""
    (cell,) = event.cells
    entry = store.read(cell.hash)
    if entry is None:
        status = "timeout" if event.exitcode is None else "failed"
        entry = record(cell, job, status, event.reason, started=event.started)
        store.write(entry)
    return Finished(cell.hash, entry["status"], entry["reason"], event.seconds, headline(entry))


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

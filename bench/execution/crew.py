"""The executor of one machine: worker processes, each with a pipe of its own. Whatever happens to one cannot
reach another, or us.

A worker is new (it imports), idle, or has cells in hand: one, or a few that run side by side. It may raise, hang, be
killed or end itself, at any moment and with any exit code, even in the middle of a message: its pipe then closes, and
another takes its place.
"""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bench.execution.executor import Broken, Event, Finished, Lost, News, Unfit, WorkersError
from bench.execution.worker import READY, Job, serve
from bench.host.provenance import now

if TYPE_CHECKING:
    from bench.declaration.cell import Cell

ENVIRONMENT = {
    # One thread each: how sums are split over threads would show in the numbers.
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"),
    # glibc keeps freed memory instead of giving it back between batches; 32 MiB is a threshold that every glibc takes.
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(512 << 20),
}
"""What workers find in their environment before they import anything."""

_CONTEXT = multiprocessing.get_context("spawn")  # a fork would copy torch's state and our threads' locks
_PATIENCE = 3  # workers that may end before they are ready, in a row
_FAREWELL = 1.0  # seconds that idle workers have to end by themselves


def ending(exitcode: int) -> str:
    """How a worker ended, for people; negative: the signal that killed it."""
    if exitcode >= 0:
        return f"the worker process ended with exit code {exitcode}"
    known = {number.value: number.name for number in signal.Signals}
    hint = " (out of memory?)" if -exitcode == signal.SIGKILL else ""
    return f"the worker process was killed by {known.get(-exitcode, f'signal {-exitcode}')}{hint}"


class _Worker:
    """One process, our end of its pipe, and what it has in hand."""

    def __init__(self, job: Job) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=serve, args=(job, theirs), daemon=True)
        with _worker_surroundings():
            self.process.start()
        theirs.close()  # so that the pipe closes with the worker
        self.ready = False  # its imports are done
        self.cells: dict[str, Cell] = {}  # hash -> what is in hand and not finished
        self.taken = 0  # how many it was given
        self.clock, self.started = 0.0, ""

    def take(self, cells: "Sequence[Cell]") -> None:
        """Hand it cells. Raises OSError if it has just ended."""
        self.pipe.send(tuple(cells))
        self.cells, self.taken = {cell.hash: cell for cell in cells}, len(cells)
        self.clock, self.started = time.monotonic(), now()

    @property
    def seconds(self) -> float:
        """How long it has had its cells."""
        return time.monotonic() - self.clock

    def lost(self, status: str, reason: str) -> Lost:
        """What went with it."""
        return Lost(tuple(self.cells.values()), status, reason, self.seconds, self.started)

    def end(self) -> int:
        """See it off, by force if need be; returns its exit code."""
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return self.process.exitcode or 0


class Crew:
    """Up to `size` workers for one job. A context manager: on leaving, no worker is left behind."""

    def __init__(self, job: Job, size: int, time_limit: float | None = None) -> None:
        """`time_limit`: seconds a cell may take, n of them together n times that; a worker's imports do not count."""
        self.job, self.size, self.time_limit = job, size, time_limit
        self._workers: list[_Worker] = []
        self._stillborn = 0  # workers that ended before they were ready, in a row

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            if worker.cells or not worker.ready:
                worker.process.kill()
            else:
                worker.pipe.close()  # an idle one reads that and ends
        deadline = time.monotonic() + _FAREWELL
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            worker.end()
        self._workers.clear()

    def abandon(self) -> None:
        """Kill every worker, idle ones too: there is no time for farewells."""
        for worker in self._workers:
            worker.process.kill()

    @property
    def busy(self) -> bool:
        """Whether any cell is in hand."""
        return any(worker.cells for worker in self._workers)

    def staff(self, bundles: int) -> None:
        """Start workers for `bundles` waiting ones, as far as there is room."""
        free = sum(not worker.cells for worker in self._workers)
        for _ in range(min(bundles - free, self.size - len(self._workers))):
            self._workers.append(_Worker(self.job))

    def give(self, cells: "Sequence[Cell]") -> bool:
        """Hand cells that run side by side to an idle worker; False where there is none."""
        for worker in list(self._workers):
            if worker.ready and not worker.cells:
                try:
                    worker.take(cells)
                except OSError:  # it ended while it had nothing to do
                    self._dismiss(worker)
                else:
                    return True
        return False

    def listen(self, seconds: float) -> list[Event]:
        """What happened within the next `seconds`; returns as soon as anything did.

        Raises WorkersError when one worker after the other ends before it is ready.
        """
        events: list[Event] = []
        heard = wait([worker.pipe for worker in self._workers], seconds)
        for worker in [worker for worker in self._workers if worker.pipe in heard]:
            try:
                message = worker.pipe.recv()
            except (EOFError, OSError):
                events += self._gone(worker)
                continue
            if message == READY:
                worker.ready, self._stillborn = True, 0
            elif isinstance(message, Finished):
                worker.cells.pop(message.cell, None)
                events.append(message)
            elif isinstance(message, Broken):
                events.append(Broken(tuple(worker.cells.values())))
                worker.cells = {}
            elif isinstance(message, Unfit):
                events.append(Unfit(tuple(worker.cells.values()), message.reason))
                worker.cells = {}
            elif (told := worker.cells.get(message[0])) is not None:
                events.append(News(told, message[1]))
        for worker in list(self._workers):
            if worker.cells and self.time_limit is not None and worker.seconds > self.time_limit * worker.taken:
                events.append(worker.lost("timeout", f"no result within {worker.seconds:.1f} s"))
                self._dismiss(worker)
        return events

    def _gone(self, worker: _Worker) -> list[Lost]:
        """A worker's pipe has closed."""
        worker.process.join(_FAREWELL)
        code = self._dismiss(worker)
        if worker.cells:
            return [worker.lost("failed", ending(code))]
        if not worker.ready:
            self._stillborn += 1
        if self._stillborn >= _PATIENCE:
            raise WorkersError(
                f"{self._stillborn} worker processes in a row ended while they started (exit code {code})"
            )
        return []

    def _dismiss(self, worker: _Worker) -> int:
        self._workers.remove(worker)
        return worker.end()


@contextlib.contextmanager
def _worker_surroundings() -> Iterator[None]:
    """The environment of workers, and SIGINT held back: they inherit both.

    A terminal sends Ctrl-C to all processes; a worker that is still importing would answer with a traceback.
    """
    resource_tracker.ensure_running()  # spawning starts it, which would let SIGINT through again
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

"""Where cells are computed, as an interface: processes of this machine (crew.py) or a Ray cluster (cluster.py).

An executor takes bundles of cells as long as it has room, and tells what became of them. `dispatch` drives one: it
sees to it that every cell comes to its end, alone if its bundle came to grief.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from bench.declaration.cell import Cell

TICK = 0.2  # seconds until a signal or the end of a time limit is noticed, at most


class WorkersError(Exception):
    """Nobody takes up work; the message says why."""


@dataclass(frozen=True)
class Finished:
    """A cell has ended. Its record is on the disk, or comes with the news."""

    cell: str  # hash
    status: str
    reason: str | None
    seconds: float  # of wall-clock time
    accuracy: float | None = None  # of the headline view at the headline round, a fraction
    record: dict[str, Any] | None = None  # None: it is on the disk


@dataclass(frozen=True)
class News:
    """A running cell has finished this many rounds."""

    cell: "Cell"
    rounds: int


@dataclass(frozen=True)
class Broken:
    """Cells that could not be computed side by side and have no record: each is to run alone."""

    cells: "tuple[Cell, ...]"


@dataclass(frozen=True)
class Lost:
    """Cells whose worker is gone, or had its time."""

    cells: "tuple[Cell, ...]"
    status: str  # of a record: "failed" or "timeout"
    reason: str
    seconds: float
    started: str  # ISO time


@dataclass(frozen=True)
class Unfit:
    """Cells that this machine must not compute: it would give other numbers, or none."""

    cells: "tuple[Cell, ...]"
    reason: str


Event = Finished | News | Broken | Lost | Unfit


class Executor(Protocol):
    """A context manager: on leaving, nothing that it started is left behind."""

    @property
    def size(self) -> int:
        """How many bundles it computes at a time."""
        ...

    @property
    def busy(self) -> bool:
        """Whether any cell is in hand."""
        ...

    def staff(self, bundles: int) -> None:
        """Get ready for `bundles` waiting ones, as far as there is room."""
        ...

    def give(self, cells: "Sequence[Cell]") -> bool:
        """Hand over cells that run side by side; False where there is no room for them now."""
        ...

    def listen(self, seconds: float) -> list[Event]:
        """What happened within the next `seconds`; returns as soon as anything did. Raises WorkersError."""
        ...

    def abandon(self) -> None:
        """Let go of everything at once: there is no time for farewells."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def dispatch(work: "Sequence[Sequence[Cell]]", executor: Executor) -> "Iterator[Event | None]":
    """Bundles in this order through an executor, until each cell has its end; None now and then, when nothing happened.

    Cells that run side by side and come to grief together run again one by one, at once, so that only the culprit is
    blamed: a `Lost` that is yielded has one cell, a `Broken` never comes out.
    """
    waiting = deque(tuple(bundle) for bundle in work)
    while waiting or executor.busy:
        executor.staff(len(waiting))
        while waiting and executor.give(waiting[0]):
            waiting.popleft()
        for event in executor.listen(TICK):
            if isinstance(event, Broken) or (isinstance(event, Lost) and len(event.cells) > 1):
                waiting.extendleft((cell,) for cell in reversed(event.cells))
            else:
                yield event
        yield None

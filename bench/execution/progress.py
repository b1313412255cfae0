"""What a person sees while cells run: a live display on a terminal, one line per finished cell elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bench.execution.executor import Finished

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from bench.declaration.cell import Cell

Cost = Callable[["Cell"], float]


def label(cell: "Cell") -> str:
    """One cell for people: "fml  digits dirichlet-capped 0.1 cnn #3"; of a trial its setting as well."""
    alpha = "" if cell.alpha is None else f" {cell.alpha:g}"
    place = f"{cell.algorithm}  {cell.dataset} {cell.partition}{alpha} {cell.zoo} #{cell.replicate}"
    if not getattr(cell, "tuning", False):
        return place
    setting = {"lr": cell.training["optimizer"]["lr"], **cell.params}
    values = (f"{value:g}" if isinstance(value, float) else str(value) for value in setting.values())
    return f"{place}  {', '.join(map(' '.join, zip(setting, values, strict=True)))}"


def line(finished: Finished, cell: "Cell", number: int, total: int) -> str:
    """One finished cell in one line of text."""
    figure = f"acc {finished.accuracy:.3f}" if finished.accuracy is not None else finished.reason or ""
    count = f"[{number:>{len(str(total))}}/{total}]"
    return f"{count} {finished.status:8}  {label(cell)}  {figure}  {duration(finished.seconds)}"


def duration(seconds: float) -> str:
    """A time span for people.

    >>> duration(4.14), duration(75), duration(7260)
    ('4.1 s', '1 min 15 s', '2 h 01 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


class Progress:
    """Counts what is finished and foretells the end. This class prints a line per cell; `Live` draws a display."""

    def __init__(self, cells: Sequence["Cell"], todo: Sequence["Cell"], cost: Cost | None = None) -> None:
        """`cells`: all of the declaration; `todo`: those still to be computed; `cost`: expected seconds of one."""
        self.total, self.number = len(cells), len(cells) - len(todo)
        self.counts: Counter[str] = Counter()
        self._rounds = {cell.hash: int(cell.training["rounds"]) for cell in todo}
        self._cost = {cell.hash: max(cost(cell), 1e-9) if cost else 1.0 for cell in todo}
        self._share: dict[str, float] = dict.fromkeys(self._cost, 0.0)  # of each cell that is done
        self._begin = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def round(self, cell: str, finished: int) -> None:
        """`finished` rounds of a running cell are done."""
        if cell in self._share:
            self._share[cell] = min(1.0, finished / self._rounds[cell])

    def finish(self, finished: Finished, cell: "Cell") -> None:
        """A cell has ended, in whatever way."""
        self.number += 1
        self.counts[finished.status] += 1
        self._share[cell.hash] = 1.0
        if finished.status != "done":
            self._cost[cell.hash] = 0.0  # it says nothing about the pace
        self.show(line(finished, cell, self.number, self.total), finished.status)

    def show(self, text: str, status: str) -> None:
        """Put one finished cell before the person's eyes."""
        print(text, flush=True)

    def rounds(self) -> tuple[int, int]:
        """(finished, all) rounds of the cells of this run."""
        done = sum(round(self._share[cell] * rounds) for cell, rounds in self._rounds.items())
        return done, sum(self._rounds.values())

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begin

    def remaining(self) -> float | None:
        """Seconds until the end, at the pace so far, where cells and rounds weigh what they are expected to cost.

        None before the first round is finished.
        """
        weights = [(cost, self._share[cell]) for cell, cost in self._cost.items()]
        done = sum(cost * share for cost, share in weights)
        left = sum(cost * (1 - share) for cost, share in weights)
        if not left:
            return 0.0
        return self.elapsed() * left / done if done else None


class Live(Progress):
    """A display that renews itself: counts, rounds, time passed and time left. Troubles stay readable above it."""

    def __init__(
        self,
        cells: Sequence["Cell"],
        todo: Sequence["Cell"],
        cost: Cost | None = None,
        console: "Console | None" = None,
    ) -> None:
        super().__init__(cells, todo, cost)
        from rich.live import Live as Display

        self._display = Display(console=console, get_renderable=self.draw, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def show(self, text: str, status: str) -> None:
        """Only troubles are printed; the rest is in the counts."""
        if status not in ("done", "skipped"):
            self._display.console.print(text, markup=False, highlight=False)

    def draw(self) -> "RenderableType":
        """The display at this moment."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        done, rounds = self.rounds()
        left = self.remaining()
        others = "".join(f", {count} {status}" for status, count in sorted(self.counts.items()) if status != "done")
        grid = Table.grid(padding=(0, 2))
        grid.add_row(
            ProgressBar(total=max(rounds, 1), completed=done, width=24),
            f"{self.number}/{self.total} cells{others}",
            f"{done}/{rounds} rounds",
            duration(self.elapsed()),
            "" if left is None else f"about {duration(left)} left",
        )
        return grid


def progress(cells: Sequence["Cell"], todo: Sequence["Cell"], cost: Cost | None = None) -> Progress:
    """The way to show progress that fits where standard output goes."""
    if sys.stdout.isatty():
        from rich.console import Console

        if not (console := Console()).is_dumb_terminal:
            return Live(cells, todo, cost, console)
    return Progress(cells, todo, cost)

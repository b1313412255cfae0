"""What a run would do, and how long that may take: the answer to ``--dry-run``."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.declaration.cell import Cell
from bench.execution.progress import duration

START = 3.0  # seconds for imports, in each process


def expected(cells: Iterable[Cell]) -> dict[str, float]:
    """Expected seconds of each cell by its hash. Loads no data."""
    from bench.costs import estimate

    found: dict[str, float] = {}
    for cell in cells:
        try:
            found[cell.hash] = estimate(cell)
        except Exception:  # a plugin's mistake: the cell itself will meet it and record it
            found[cell.hash] = 1.0
    return found


def resolved(cells: Iterable[Cell], engine: str | None) -> list[Cell]:
    """The cells with the engine that was asked for; None: for each the one that the committed costs say is faster."""
    return [replace(cell, engine=engine or _engine(cell)) for cell in cells]


def _engine(cell: Cell) -> str:
    """Nodes of a framework train one client at a time, as the reference does; side by side there is nothing to gain."""
    from bench.costs import engine_for

    return engine_for(cell) if cell.framework == "native" else "reference"


def wall_clock(seconds: Mapping[str, float], jobs: int) -> float:
    """Seconds until the last of these cells ends on `jobs` processes, started longest first."""
    if not seconds:
        return 0.0
    ends = [START] * min(jobs, len(seconds))
    for cost in sorted(seconds.values(), reverse=True):
        ends[ends.index(min(ends))] += cost
    return max(ends)


def table(cells: Sequence[Cell]) -> str:
    """How many cells there are of each kind: a row per data set, partition, zoo and algorithm, a column per alpha."""
    count = Counter((_row(cell), _column(cell)) for cell in cells)
    columns = list(dict.fromkeys(_column(cell) for cell in cells))
    head = ("data set", "partition", "zoo", "algorithm")
    rows = [(*head, *columns)]
    rows += [(*row, *(str(count[row, c] or "-") for c in columns)) for row in dict.fromkeys(_row(c) for c in cells)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if i < len(head) else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def estimate_line(seconds: Mapping[str, float], jobs: int) -> str:
    """The time estimate in one line."""
    time = duration(wall_clock(seconds, jobs))
    return f"estimated time on {processes(jobs)}: {time}, right within a factor of two or so"


def processes(number: int) -> str:
    """How many, for people."""
    return "1 process" if number == 1 else f"{number} processes"


def _row(cell: Cell) -> tuple[str, str, str, str]:
    return (cell.dataset, cell.partition, cell.zoo, cell.algorithm)


def _column(cell: Cell) -> str:
    return "no alpha" if cell.alpha is None else f"alpha {cell.alpha:g}"

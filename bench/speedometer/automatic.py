"""``python -m bench.speedometer.automatic``: is ``--engine auto`` anywhere slower than the reference engine?

Of every built-in suite, each kind of cells that may run side by side and for which auto is not the reference engine: a
few cells of it, both engines in turns, CPU time of one thread, rounds without evaluation. Few cells are the hard case,
since more of them share what a step costs. Exit codes: 0 nowhere by more than 5 %, 1 somewhere, 2 data is missing.
"""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import thread_time

from bench.declaration.cell import Cell, cells
from bench.declaration.studies import load
from bench.execution.bundles import kind
from bench.execution.forecast import resolved
from bench.registry import ALGORITHMS, ROOT
from bench.speedometer.process import Worker, WorkerError
from bench.speedometer.results import Spread

SUITES = tuple(sorted(path.stem for path in (ROOT / "bench" / "suites").glob("*.toml")))
CELLS, REPEATS = 4, 3
MOST = 0.05


@dataclass(frozen=True)
class Found:
    """How a kind of cells fared."""

    suite: str
    cell: Cell
    ratio: Spread  # reference over auto: above 1, auto is faster

    def __str__(self) -> str:
        cell = self.cell
        what = f"{self.suite}: {cell.algorithm}, {cell.dataset}, {cell.zoo}, batch {cell.training['batch_size']}"
        return f"{self.ratio.median:5.2f} ({self.ratio.low:.2f}-{self.ratio.high:.2f})  {what}"


def kinds(suite: str) -> list[list[Cell]]:
    """Of each kind of stacked cells of a suite that some algorithm serves, the first few."""
    found: dict[str, list[Cell]] = {}
    for declared in load(suite, {}).suites:
        for cell in resolved(cells(declared), None):
            if cell.engine != "reference":
                some = found.setdefault(kind(cell), [])
                if len(some) < CELLS and cell not in some:
                    some.append(cell)
    return list(found.values())


class Pair:
    """The same cells on both engines; lives in a worker process, see `bench.speedometer.process`."""

    def __init__(self, root: str | None) -> None:
        self.root = Path(root) if root else None
        self.of: dict[str, list[list[Cell]]] = {}

    def race(self, suite: str, place: int) -> list[float] | None:
        """Reference over auto in each of some rounds of a kind of cells; None where its zoo cannot be served."""
        from bench.rounds.group import Skip
        from bench.speedometer.ours import Ours

        some = self.of.setdefault(suite, kinds(suite))[place]
        try:
            auto = Ours(some, self.root)
            plain = Ours([replace(cell, engine="reference") for cell in some], self.root)
        except Skip:
            return None
        if ALGORITHMS.get(some[0].plugin)(**some[0].params).skip(auto.federations[0].setting.task):
            return None
        ratios = []
        for _ in range(REPEATS + 1):
            seconds = []
            for each in (plain, auto):
                begin = thread_time()
                each.round()
                seconds.append(thread_time() - begin)
            ratios.append(seconds[0] / seconds[1])
        return ratios[1:]  # the first round makes what later ones find


def measure(suites: Sequence[str], root: str | None) -> Iterator[Found]:
    """One kind after the other. Raises WorkerError where data is missing."""
    with Worker("bench.speedometer.automatic:Pair", root=root) as worker:
        for suite in suites:
            for place, some in enumerate(kinds(suite)):
                ratios = worker.call("race", suite=suite, place=place)
                if ratios:
                    yield Found(suite, some[0], Spread.of(ratios))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the slowest first."""
    parser = argparse.ArgumentParser(prog="python -m bench.speedometer.automatic", description=__doc__)
    parser.add_argument("--suites", default=",".join(SUITES), help="only these, written a,b")
    parser.add_argument("--data-root", help="copies of the data sets")
    asked = parser.parse_args(argv)
    root = str(Path(asked.data_root).absolute()) if asked.data_root else None
    found: list[Found] = []
    try:
        for one in measure(asked.suites.split(","), root):
            print(one, file=sys.stderr, flush=True)
            found.append(one)
    except WorkerError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(str(one) for one in sorted(found, key=lambda one: one.ratio.median)))
    slow = [one for one in found if one.ratio.median < 1 - MOST]
    middle = math.exp(sum(math.log(one.ratio.median) for one in found) / max(1, len(found)))
    print(f"{len(found)} kinds of cells: auto is {middle:.2f} times as fast (geometric mean), slower in {len(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())

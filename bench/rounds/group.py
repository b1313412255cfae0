"""Running cells: one alone, or several that are alike side by side in one engine.

Cells are alike when they differ only in what a stack of clients does not see: replicate, partition, alpha and the
numbers among the hyper-parameters. A cell's result is its own to the bit, whoever else is in its group.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from bench.declaration.cell import Cell
from bench.engines.job import Job, Trained
from bench.plugin import Algorithm
from bench.registry import ALGORITHMS
from bench.rounds.federation import Federation
from bench.rounds.scorer import Diverged
from bench.rounds.setting import prepare
from bench.rounds.sharing import Skip

__all__ = ["Diverged", "Group", "Skip", "result", "run", "run_together"]

OnRound = Callable[[Cell, int], None]
Outcome = dict[str, Any] | Exception  # {"result", "timing"} of a record, or why there is none


def run(
    cell: Cell,
    root: Path | None = None,
    on_round: Callable[[int], None] | None = None,
    trace: Path | None = None,
) -> dict[str, Any]:
    """Run a cell: {"result": ..., "timing": ...} of its record. A pure function of the declaration, but for the timing.

    `on_round` is told of each finished round, from 1: the progress display listens. `trace`: a folder for the models of
    each scored round, see `bench.rounds.trace`. Raises Skip, Diverged, DataError, or whatever a plugin raises.
    """
    (outcome,) = run_together([cell], root, None if on_round is None else lambda _, number: on_round(number), trace)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def run_together(
    cells: Sequence[Cell], root: Path | None = None, on_round: OnRound | None = None, trace: Path | None = None
) -> list[Outcome]:
    """Run cells that are alike side by side; outcomes in their order.

    What goes wrong in one cell's own part (it cannot be served, it diverges, its aggregation raises) is its outcome
    and leaves the others alone. What goes wrong in the work they share raises: then they must run one by one.
    """
    with one_thread():
        outcomes: list[Outcome | None] = []
        federations: list[Federation] = []
        seconds: list[float] = []
        for cell in cells:
            begin = time.perf_counter()
            setting = prepare(cell, root)
            if federations:
                setting = setting.beside(federations[0].setting)
            algorithm: Algorithm = ALGORITHMS.get(cell.plugin)(**cell.params)
            try:
                if reason := algorithm.skip(setting.task):
                    raise Skip(reason)
                engine = federations[0].engine if federations else None
                federations.append(Federation(setting, algorithm, engine, trace))
            except Skip as skip:
                outcomes.append(skip)
                continue
            seconds.append(time.perf_counter() - begin)
            outcomes.append(None)
        ran = iter(Group(federations, seconds).run(on_round))
        return [next(ran) if outcome is None else outcome for outcome in outcomes]


def result(federation: Federation, on_round: OnRound | None = None) -> dict[str, Any]:
    """Run one federation to its end; the deterministic part of its record. Raises what goes wrong."""
    (outcome,) = Group([federation]).run(on_round)
    if isinstance(outcome, Exception):
        raise outcome
    found: dict[str, Any] = outcome["result"]
    return found


class Group:
    """Federations that train side by side."""

    def __init__(self, federations: Sequence[Federation], seconds: Sequence[float] = ()) -> None:
        """`seconds`: what making each of them took."""
        self.federations = list(federations)
        self.outcomes: dict[Federation, Outcome] = {}
        self.seconds = dict.fromkeys(self.federations, 0.0) | dict(zip(self.federations, seconds, strict=False))

    def run(self, on_round: OnRound | None = None) -> list[Outcome]:
        """All rounds; one outcome per federation, in order."""
        if self.federations:
            for number in range(int(self.federations[0].training["rounds"])):
                self.round(number)
                for federation in self._alive():
                    with self._own(federation):
                        federation.evaluate(number)
                        if on_round:
                            on_round(federation.cell, number + 1)
        for federation in self._alive():
            with self._own(federation):
                result = federation.result()
                self.outcomes[federation] = {"result": result, "timing": {}}
        return [self._timed(federation) for federation in self.federations]

    def round(self, number: int) -> None:
        """One round of every federation that still runs: all their clients' local work is one call to the engine."""
        jobs: list[Job] = []
        places: list[tuple[Federation, slice]] = []
        for federation in self._alive():
            with self._own(federation):
                own = federation.open_round(number)
                places.append((federation, slice(len(jobs), len(jobs) + len(own))))
                jobs += own
        if not jobs:
            return
        begin = time.perf_counter()
        trained = places[0][0].engine.train(jobs)
        self._share(time.perf_counter() - begin, [(federation, trained[part]) for federation, part in places])
        for federation, part in places:
            with self._own(federation, training=True):
                federation.close_round(number, trained[part])

    def _alive(self) -> list[Federation]:
        return [federation for federation in self.federations if federation not in self.outcomes]

    def _share(self, seconds: float, work: Sequence[tuple[Federation, Sequence[Trained]]]) -> None:
        """Divide the time of shared training by the steps that each federation's clients took."""
        steps = [sum(len(trained.losses) for trained in own) for _, own in work]
        for (federation, _), own in zip(work, steps, strict=True):
            federation.train_seconds += seconds * own / sum(steps)
            self.seconds[federation] += seconds * own / sum(steps)

    @contextmanager
    def _own(self, federation: Federation, training: bool = False) -> Iterator[None]:
        """What a federation does by itself: its time is its own, and so is what goes wrong."""
        begin = time.perf_counter()
        try:
            yield
        except Exception as error:
            self.outcomes[federation] = error
        spent = time.perf_counter() - begin
        self.seconds[federation] += spent
        if training:
            federation.train_seconds += spent

    def _timed(self, federation: Federation) -> Outcome:
        outcome = self.outcomes[federation]
        if isinstance(outcome, dict):
            outcome["timing"] = {
                "train_seconds": federation.train_seconds,
                "evaluate_seconds": federation.evaluate_seconds,
                "total_seconds": self.seconds[federation],
                "shared": len(self.federations) > 1,  # then training is apportioned by steps
            }
        return outcome


@contextmanager
def one_thread() -> Iterator[None]:
    """Results must not depend on how many threads split a sum."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

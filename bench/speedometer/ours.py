"""The adapter: how our engines are made to train the cells of a workload, round by round, without evaluation."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bench.declaration.cell import Cell
from bench.plugin import State
from bench.registry import ALGORITHMS
from bench.rounds.federation import Federation
from bench.rounds.setting import prepare


class Ours:
    """The cells of a workload on one engine."""

    def __init__(self, cells: Sequence[Cell], root: Path | None) -> None:
        self.federations = [
            Federation(prepare(cell, root), ALGORITHMS.get(cell.algorithm)(**cell.params)) for cell in cells
        ]
        self.number = 0

    def round(self) -> None:
        """Train and aggregate all cells for one round."""
        for federation in self.federations:
            federation._round(self.number)
        self.number += 1

    def plans(self, number: int) -> list[list[Tensor]]:
        """The batches of a round: per cell and client, row numbers [steps, B]."""
        return [
            [federation._job(k, number, {}).plans[0] for k in range(federation.cell.clients)]
            for federation in self.federations
        ]

    def states(self) -> list[tuple[State, list[State]]]:
        """Per cell: the server's state and each client's."""
        return [(f.server, [client.state for client in f.clients]) for f in self.federations]

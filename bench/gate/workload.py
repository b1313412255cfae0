"""The work whose time is taken: one communication round of a cell, and its scoring, as often as one likes."""

from pathlib import Path

from torch import nn

from bench.declaration.cell import Cell, cells
from bench.declaration.suite import Suite
from bench.plugin import Algorithm
from bench.registry import ALGORITHMS
from bench.rounds.federation import Federation
from bench.rounds.group import Group
from bench.rounds.scorer import Scorer
from bench.rounds.setting import prepare

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def first_cell(suite: Suite, engine: str, algorithm: str, zoo: str) -> Cell:
    """The first cell of a suite that has this algorithm and zoo."""
    return next(c for c in cells(suite, engine=engine) if (c.algorithm, c.zoo) == (algorithm, zoo))


class Workload:
    """The first round of a cell, again and again from the same state: states are never changed in place."""

    def __init__(self, cell: Cell, root: Path | None = None) -> None:
        self.setting = prepare(cell, root)
        algorithm: Algorithm = ALGORITHMS.get(cell.plugin)(**cell.params)
        self.skipped = algorithm.skip(self.setting.task)
        if self.skipped:
            return
        self.federation = Federation(self.setting, algorithm)
        self._server, self._clients = self.federation.server, list(self.federation.clients)

    def __call__(self) -> None:
        """Train, aggregate, score."""
        federation = self.federation
        federation.server, federation.clients = self._server, list(self._clients)
        Group([federation]).round(0)
        Scorer(self.setting).note(1, federation.models(0))

    @property
    def trained(self) -> bool:
        """Whether any step was taken."""
        return not self.skipped and self.federation.journal.steps > 0

    @property
    def convolutional(self) -> bool:
        """Whether any net has convolutions."""
        return any(isinstance(part, _CONVOLUTIONS) for net in self.setting.nets.values() for part in net.modules())

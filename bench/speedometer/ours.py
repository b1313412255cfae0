"""The adapter: how our engines are made to train the cells of a workload, round by round, without evaluation.

All that this room knows of the engines' insides is in this file.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bench import engines
from bench.declaration.cell import Cell
from bench.execution.bundles import kind
from bench.plugin import State
from bench.registry import ALGORITHMS
from bench.rounds import group
from bench.rounds.federation import Federation
from bench.rounds.group import Group
from bench.rounds.setting import prepare

ENGINES = (*engines.NAMES, "auto")


class Ours:
    """The cells of a workload on one engine: side by side where it stacks, as in a run, else each by itself.

    All of a kind train in one group, where a run divides them among its processes.
    """

    def __init__(self, cells: Sequence[Cell], root: Path | None) -> None:
        if len(used := {cell.engine for cell in cells}) != 1:
            raise ValueError(f"expected cells that run on one engine, got {', '.join(sorted(used))}")
        alike: dict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            alike[kind(cell)].append(cell)
        self.groups = [Group(_side_by_side(some, root)) for some in alike.values()]
        of_all = [federation for each in self.groups for federation in each.federations]
        self.federations = sorted(of_all, key=lambda federation: cells.index(federation.cell))
        self.number = 0

    def prepare(self) -> None:
        """Nothing: drawing batches is part of a round."""

    def round(self) -> None:
        """Train and aggregate all cells for one round. Raises what goes wrong in any of them."""
        for together in self.groups:
            together.round(self.number)
            for outcome in together.outcomes.values():
                if isinstance(outcome, Exception):
                    raise outcome
        self.number += 1

    def plans(self, number: int) -> list[list[Tensor]]:
        """The batches of a round: per cell and client, row numbers [steps, B]."""
        return [[each._job(k, number, {}).plans[0] for k in range(each.cell.clients)] for each in self.federations]

    def states(self) -> list[tuple[State, list[State]]]:
        """Per cell: the server's state and each client's own."""
        return [(each.server, [client.state for client in each.clients]) for each in self.federations]

    def models(self) -> list[list[Tensor]]:
        """The tensors of every model that lives between rounds: per cell the global one, then clients' own."""
        nets = [net for server, clients in self.states() for state in (server, *clients) for net in state.values()]
        return [list(net.values()) for net in nets]


def _side_by_side(cells: Sequence[Cell], root: Path | None) -> list[Federation]:
    """Federations of cells that are alike, which share an engine."""
    made: list[Federation] = []
    for cell in cells:
        setting = prepare(cell, root)
        first = made[0] if made else None
        if first:
            setting = setting.beside(first.setting)
        algorithm = ALGORITHMS.get(cell.plugin)(**cell.params)
        made.append(Federation(setting, algorithm, first.engine if first else None))
    return made


def run_cell(cell: Cell, root: Path | None) -> None:
    """A whole cell as a run does it: data, rounds, evaluation."""
    group.run(cell, root)

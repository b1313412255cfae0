"""``--framework flower-own``: Flower's own FedAvg and FedProx, in Flower's simulation runtime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.declaration.cell import Cell
from bench.frameworks.flower import simulation
from bench.rounds.group import Diverged, Skip

__all__ = ["Diverged", "Skip", "run"]

OWN = ("fedavg", "fedprox")
_APPS = __package__  # whose server_app and client_app are run


def run(
    cell: Cell, root: Path | None = None, on_round: Callable[[int], None] | None = None, trace: Path | None = None
) -> dict[str, Any]:
    """Run a cell; see `bench.rounds.group.run`. Raises FrameworkError, too."""
    if reason := unserved(cell):
        raise Skip(reason)
    return simulation.run(cell, root, on_round, trace, apps=_APPS)


def unserved(cell: Cell) -> str | None:
    """Why Flower has nothing of its own for a cell, or None."""
    if cell.plugin not in OWN:
        return f"Flower's own strategies are run for {' and '.join(OWN)} only"
    if cell.tasks:
        return "Flower's strategies average one net for all, but clients have tasks of their own here"
    if cell.precision != "fp32":
        return f"Flower's strategies average what NumPy has a type for: expected fp32, got {cell.precision}"
    return None

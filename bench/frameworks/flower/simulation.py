"""``--framework flower``: Flower's simulation runtime, on a Ray of its own on this machine."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.declaration.cell import Cell
from bench.frameworks.flower.host import APPS, Host, hosted, options
from bench.frameworks.flower.serving import refuse
from bench.host.provenance import cores
from bench.rounds.group import Diverged, Skip

__all__ = ["Diverged", "Skip", "run"]


def run(
    cell: Cell,
    root: Path | None = None,
    on_round: Callable[[int], None] | None = None,
    trace: Path | None = None,
    *,
    apps: str = APPS,
) -> dict[str, Any]:
    """Run a cell; see `bench.rounds.group.run`. Raises FrameworkError, too. `apps`: see `Host.start_run`."""
    refuse(cell, root)
    return hosted(cell, root, on_round, functools.partial(_begin, apps=apps), trace)


def _begin(host: Host, apps: str) -> None:
    host.start_link("--simulation")
    settings: dict[str, object] = {
        "num-supernodes": host.cell.clients,
        "client-resources-num-cpus": 1,
        "client-resources-num-gpus": 0.0,
        "init-args-num-cpus": min(cores(), host.cell.clients),
        "init-args-num-gpus": 0,
        "init-args-log-to-driver": "false",
    }
    host.start_run(*options("--federation-config", settings), apps=apps)

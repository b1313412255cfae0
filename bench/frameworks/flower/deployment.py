"""``--framework flower-grpc``: a SuperLink and one SuperNode per client, processes that talk over TLS on loopback.

A SuperNode that is lost ends the cell: a result is a pure function of the declaration, and a round without one of its
clients would be another experiment. The record says which node was lost, and ``--rerun failed`` computes it again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.declaration.cell import Cell
from bench.frameworks.flower.host import LOOPBACK, Host, free_port, hosted
from bench.frameworks.flower.serving import refuse
from bench.rounds.group import Diverged, Skip

__all__ = ["Diverged", "Skip", "run"]


def run(
    cell: Cell, root: Path | None = None, on_round: Callable[[int], None] | None = None, trace: Path | None = None
) -> dict[str, Any]:
    """Run a cell; see `bench.rounds.group.run`. Raises FrameworkError, too."""
    refuse(cell, root)
    return hosted(cell, root, on_round, _begin, trace)


def _begin(host: Host) -> None:
    host.start_link()
    for k in range(host.cell.clients):
        _start_node(host, k)
    host.start_run()


def _start_node(host: Host, k: int) -> None:
    """Start the SuperNode that is client k."""
    command = [
        *("flower-supernode", "--superlink", host.address, "--root-certificates", str(host.tls.authority)),
        *("--host", LOOPBACK, "--port", str(free_port()), *host.tls.options),
        *("--node-config", f"partition-id={k} num-partitions={host.cell.clients}"),
    ]
    host.processes.start(f"SuperNode of client {k}", command, host.environment)

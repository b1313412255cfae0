"""How much memory a cell with many clients takes, and whether it grows with rounds.

`Watched` lives in a worker process of its own, so that what it reports is the cell's and nobody else's.
"""

import resource
import sys
from pathlib import Path
from typing import Any

from bench.speedometer import ours, workloads
from bench.speedometer.process import Worker
from bench.speedometer.results import Memory
from bench.speedometer.workloads import Workload

CELL = Workload(
    "lenet5-100-clients", "MNIST, LeNet5, 100 clients, FedAvg",
    dataset="mnist", zoo="lenet5", algorithm="fedavg", clients=100, batch=10, alphas=(0.5,), partition="dirichlet",
)  # fmt: skip
CELL_ROUNDS = 2
SHORT = Workload(
    "lenet5-short-rounds", "the same with one step a round",
    dataset="mnist", zoo="lenet5", algorithm="fedavg", clients=100, batch=10, alphas=(0.5,), partition="dirichlet",
    local_steps=1,
)  # fmt: skip
EARLY, LATE = 20, 200


class Watched:
    """Trains in this process and looks at its memory."""

    def __init__(self, workload: dict[str, Any], engine: str, root: str | None, rounds: int | None = None) -> None:
        """With `rounds`: a whole cell of so many; without: rounds one by one."""
        self.root = Path(root) if root else None
        work = workloads.workload(workload)
        (self.cell,) = work.cells(engine, 0.0, *([rounds] if rounds else []))
        self.imports = resident()
        self.team = None if rounds else ours.Ours([self.cell], self.root)

    def whole(self) -> dict[str, int]:
        """Run the whole cell; bytes before it, and at most."""
        ours.run_cell(self.cell, self.root)
        return {"imports": self.imports, "peak": peak()}

    def rounds(self, count: int) -> int:
        """Bytes after so many more rounds."""
        assert self.team
        for _ in range(count):
            self.team.round()
        return resident()


def measure(engine: str, root: str | None) -> Memory:
    """Both figures of an engine. Raises WorkerError."""
    with Worker(WATCHED, workload=CELL.plain(), engine=engine, root=root, rounds=CELL_ROUNDS) as worker:
        whole = worker.call("whole")
    with Worker(WATCHED, workload=SHORT.plain(), engine=engine, root=root) as worker:
        early = worker.call("rounds", count=EARLY)
        late = worker.call("rounds", count=LATE - EARLY)
    return Memory(engine, CELL.title, whole["peak"], whole["imports"], early, late)


WATCHED = "bench.speedometer.memory:Watched"


def resident() -> int:
    """Bytes of this process that are in memory now; where the system does not tell, the most so far."""
    return _told("VmRSS") or peak()


def peak() -> int:
    """The most bytes of this process that were in memory at once."""
    # Not ru_maxrss where it can be helped: on Linux a child starts with its parent's.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _told("VmHWM") or most * (1 if sys.platform == "darwin" else 1024)


def _told(name: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)

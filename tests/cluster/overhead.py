"""What a cell costs that computes nothing: through Ray and through processes of one machine.

    python -m tests.cluster.overhead --cells 1000 --jobs 2

Each cell is a bundle of its own, and its record (of the size of a real one) is written to the disk. Wall-clock time
depends on the machine's other work; CPU time hardly does. Start-up is told apart: it is paid once.
"""

import argparse
import importlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.execution.cluster import Cluster, Share
from bench.execution.crew import Crew
from bench.execution.execute import execute
from bench.execution.executor import Executor
from bench.execution.ray_session import LOOPBACK, QUIET
from bench.execution.worker import Job
from tests.unit.bench.faults import cells, job


@dataclass(frozen=True)
class Cost:
    """What a run of empty cells took, in seconds."""

    start: float  # until the first record
    wall: float  # from the first record to the last
    ours: float  # CPU of this process meanwhile
    others: float  # CPU of all processes that it started


class _Clock:
    """Notes when the first and the last record came; stands in for the display."""

    def __init__(self) -> None:
        self.begin = time.perf_counter()
        self.first: float | None = None
        self.cpu = (0.0, 0.0)

    def round(self, cell: str, finished: int) -> None:
        pass

    def finish(self, finished: object, cell: object) -> None:
        if self.first is None:
            self.first, self.cpu = time.perf_counter(), _cpu()


def _cpu() -> tuple[float, float]:
    """CPU seconds so far of this process and of those that it started and that live."""
    import psutil  # comes with Ray, and can be found once Ray is imported

    us, others = psutil.Process(), 0.0
    for process in us.children(recursive=True):
        try:
            others += sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return sum(us.cpu_times()[:2]), others


def measure(executor: Executor, made: Job, number: int) -> Cost:
    """Run so many empty cells."""
    clock = _Clock()
    with executor:
        execute(cells("works", replicates=number), made, executor=executor, show=clock)  # type: ignore[arg-type]
        end, cpu = time.perf_counter(), _cpu()
    assert clock.first is not None
    return Cost(clock.first - clock.begin, end - clock.first, cpu[0] - clock.cpu[0], cpu[1] - clock.cpu[1])


def main() -> None:
    """Measure in turns and print the best of each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    asked = parser.parse_args()
    os.environ.update(QUIET | LOOPBACK)
    importlib.import_module("ray")
    found: dict[str, list[Cost]] = {"processes": [], "ray": []}
    for _ in range(asked.turns):
        for name, costs in found.items():
            with tempfile.TemporaryDirectory(prefix="fml-overhead-") as folder:
                made = job(Path(folder))
                crew = Crew(made, asked.jobs) if name == "processes" else Cluster(made, Share(), jobs=asked.jobs)
                costs.append(measure(crew, made, asked.cells))
    print(f"{asked.cells} cells, {asked.jobs} at a time, best of {asked.turns}; load {os.getloadavg()[0]:.1f}")
    print("executor   start s   per cell, ms: wall   CPU here   CPU of workers and Ray")
    for name, costs in found.items():
        each = [min(getattr(cost, part) for cost in costs) * 1000 / asked.cells for part in ("wall", "ours", "others")]
        print(
            f"{name:9}  {min(cost.start for cost in costs):7.1f}   {each[0]:18.2f}   {each[1]:8.2f}   {each[2]:12.2f}"
        )


if __name__ == "__main__":
    main()

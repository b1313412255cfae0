"""The executors by name."""

from dataclasses import dataclass, replace

from bench.execution.crew import Crew
from bench.execution.executor import Executor
from bench.execution.fitness import Expected
from bench.execution.worker import Job
from bench.host.provenance import cores


@dataclass(frozen=True)
class Where:
    """Which executor, and what it is told."""

    name: str = "processes"  # or "ray"
    address: str | None = None  # of a Ray cluster's head node, HOST:PORT; None: one on this machine, for this run
    cpus: float = 1.0  # of a task on Ray
    gpus: float = 0.0


HERE = Where()
"""Processes of this machine."""


def executor(where: Where, job: Job, jobs: int | None, time_limit: float | None) -> Executor:
    """The executor for a job, still to be entered; `jobs` bundles at a time (None: as many as there is room for)."""
    if where.name == "processes":
        return Crew(job, jobs or cores(), time_limit)
    from bench.execution.cluster import Cluster, Share

    if where.address is None and jobs is None:
        jobs = max(1, int(cores() / where.cpus))
    sent = replace(job, expects=Expected.here())
    return Cluster(sent, Share(where.cpus, where.gpus), address=where.address, jobs=jobs, time_limit=time_limit)

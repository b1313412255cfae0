"""Whole jobs by the clock: ``bench.run`` with a process per core beside the naive loop with torch's own threads.

Everything counts that a user waits for: start-up, data, training, one evaluation at the end; for us the records too.
The naive loop is handed its data, partition, batches and weights in one file.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

from bench.registry import ROOT
from bench.speedometer import workloads
from bench.speedometer.comparison import Say
from bench.speedometer.process import Worker, WorkerError, surroundings
from bench.speedometer.results import Job
from bench.speedometer.workloads import SUBSETS, Workload

REPLICATES = 4  # of workloads with one cell: a job has something for every core
JOBS: dict[str, tuple[int, float | None]] = {
    "digits-mlp": (150, 7.0),
    "digits-cnn": (30, None),
    "mnist-mlp-fedavg": (50, 7.0),
    "mnist-mlp-fml": (50, 7.0),
    "mnist-lenet5-fedavg": (30, 2.0),
    "mnist-cnn": (15, 1.5),
}
"""By workload: rounds, for a minute or so of the naive loop, and how many times as fast we want to be on two cores."""
SUITE, SUITE_LIMIT = "noniid", 60.0  # seconds on two cores, without the report


def run(
    into: list[Job], names: Sequence[str], repeats: int, processes: int, root: str | None, *, say: Say
) -> Iterator[Job]:
    """The jobs of these workloads, and the default suite. Raises WorkerError."""
    for workload in workloads.find(names):
        yield _compared(into, workload, repeats, processes, root, say)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / SUITE
        say(f"the suite {SUITE}")
        seconds = _ours(["--suite", SUITE, "--out", str(out)], processes, root)
        cells = len(list((out / "cells").glob("*.json")))
        into.append(Job(SUITE, f"the suite {SUITE}", cells, 0, processes, [], [seconds], most=SUITE_LIMIT))
    yield into[-1]


def _compared(into: list[Job], workload: Workload, repeats: int, processes: int, root: str | None, say: Say) -> Job:
    rounds, floor = JOBS[workload.name]
    work = replace(workload, replicates=max(workload.replicates, REPLICATES if len(workload.alphas) == 1 else 1))
    job = Job(work.name, work.title, 0, rounds, processes, [], [], floor=floor)
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        say(f"{work.name}: writing down what the naive loop needs")
        with Worker(PREPARATION, workload=work.plain(), rounds=rounds, root=root) as worker:
            job.cells = worker.call("write", path=str(where / "job.pt"))
        declared = where / "suite.toml"
        declared.write_text(toml(work.declaration(0.0, rounds)), encoding="utf-8")
        for repeat in range(repeats):
            say(f"{work.name}: naive loop, {repeat + 1} of {repeats}")
            seconds, job.naive_accuracy = _naive(where / "job.pt")
            job.naive.append(seconds)
            say(f"{work.name}: ours, {repeat + 1} of {repeats}")
            out = where / f"out-{repeat}"
            options = ["--suite", str(declared), "--plugin", str(SUBSETS), "--out", str(out)]
            job.ours.append(_ours(options, processes, root))
            job.our_accuracy = _accuracy(out)
            if repeat == 0:
                into.append(job)
    return job


PREPARATION = "bench.speedometer.naive_job:Preparation"


def _naive(path: Path) -> tuple[float, float]:
    """Seconds and mean accuracy of the naive loop, with as many threads as torch likes."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "bench.speedometer.naive_job", str(path)]
    said = _told(command, surroundings(threads=False))
    return time.perf_counter() - begin, float(json.loads(said.splitlines()[-1]))


def _ours(options: Sequence[str], processes: int, root: str | None) -> float:
    """Seconds of ``bench.run``."""
    command = [sys.executable, "-m", "bench.run", *options, "--jobs", str(processes), "--no-report"]
    begin = time.perf_counter()
    _told([*command, *(["--data-root", root] if root else [])], None)
    return time.perf_counter() - begin


def _told(command: Sequence[str], environment: dict[str, str] | None) -> str:
    """What a command prints. Raises WorkerError where it fails."""
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        words = " ".join(command[1:4])
        raise WorkerError(f"{words} ended with exit code {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _accuracy(out: Path) -> float:
    """The mean over cells of the global model's accuracy on the global test set."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((out / "cells").glob("*.json"))]
    return mean(float(record["result"]["at_headline"]["global"]["global_accuracy"]) for record in records)


def toml(declared: dict[str, object]) -> str:
    """A declaration as TOML: JSON's scalars and arrays are TOML's; tables within a table stand in braces.

    >>> print(toml({"name": "x", "training": {"rounds": 2, "optimizer": {"lr": 0.1}}}))
    name = "x"
    [training]
    rounds = 2
    optimizer = {lr = 0.1}
    """

    def value(item: object) -> str:
        if isinstance(item, dict):
            return "{" + ", ".join(f"{key} = {value(inner)}" for key, inner in item.items()) + "}"
        return json.dumps(item)

    top = [f"{key} = {value(item)}" for key, item in declared.items() if not isinstance(item, dict)]
    tables = [(name, table) for name, table in declared.items() if isinstance(table, dict)]
    for name, table in tables:
        top += [f"[{name}]", *(f"{key} = {value(item)}" for key, item in table.items())]
    return "\n".join(top)

"""Cells that end in every possible way, and a run of them as a program of its own. Imports no torch.

The algorithm's name says what a cell does. `run` stands in for `bench.rounds.group.run`; the folder that it is
given as data root holds a log of what was computed, and a file "open" that lets cells go on which wait at the gate.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.execution.bundles import bundles
from bench.execution.cluster import Cluster, Share
from bench.execution.crew import Crew
from bench.execution.execute import execute, pending
from bench.execution.executor import Executor
from bench.execution.progress import progress
from bench.execution.worker import Job
from bench.records.store import Store

HERE = "tests.unit.bench.faults:run"
TOGETHER = "tests.unit.bench.faults:run_together"
SUITE = {"name": "faults", "version": "1.0", "datasets": ["none"]}
PATIENCE = 20.0  # seconds: what a loaded machine may need to start Python; no test waits that long when all is well
ROUNDS = 3


class Skip(Exception):
    """As in bench.rounds.group."""


class Diverged(Exception):
    """As in bench.rounds.group."""


@dataclass(frozen=True)
class FaultyCell:
    """As much of a cell as running it takes."""

    algorithm: str
    replicate: int = 0
    alpha: float | None = 0.1
    params: dict[str, Any] = field(default_factory=dict)
    dataset: str = "none"
    data_md5: str = "-"
    partition: str = "iid"
    zoo: str = "mlp"
    clients: int = 2
    architectures: tuple[str, ...] = ("mlp",)
    shared: str = "mlp"
    engine: str = "reference"
    device: str = "cpu"
    precision: str = "fp32"
    framework: str = "native"
    training: dict[str, Any] = field(default_factory=lambda: {"rounds": ROUNDS})
    tasks: tuple[Any, ...] = ()

    @property
    def data(self) -> dict[str, str]:
        return {self.dataset: self.data_md5}

    def identity(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def hash(self) -> str:
        return sha256(repr(self).encode()).hexdigest()[:16]


def cells(*algorithms: str, replicates: int = 1) -> list[FaultyCell]:
    return [FaultyCell(name, replicate) for replicate in range(replicates) for name in algorithms]


def job(folder: Path, **changes: Any) -> Job:
    suite = {"name": SUITE["name"], "version": SUITE["version"]}
    return Job(
        **{
            "out": folder / "out",
            "suite": suite,
            "data_root": folder,
            "function": HERE,
            "together": TOGETHER,
            **changes,
        }
    )


def run(cell: FaultyCell, data_root: Path, on_round: Callable[[int], None] = print) -> dict[str, Any]:
    with (data_root / "log").open("a") as log:
        log.write(f"{cell.hash}\n")
    return _ACTS[cell.algorithm.partition("-")[0]](cell, data_root, on_round)


def run_together(
    made: Sequence[FaultyCell], data_root: Path, on_round: Callable[[FaultyCell, int], None]
) -> list[dict[str, Any] | Exception]:
    """As bench.rounds.group.run_together: what is a cell's own is its outcome, what is shared raises or kills."""
    found: list[dict[str, Any] | Exception] = []
    for cell in made:
        try:
            found.append(run(cell, data_root, lambda finished, cell=cell: on_round(cell, finished)))  # type: ignore[misc]
        except (Skip, Diverged) as error:
            found.append(error)
    return found


def result(cell: FaultyCell) -> dict[str, Any]:
    """A result whose numbers depend on the cell alone."""
    score = int(cell.hash[:4], 16) / 0xFFFF
    figures = {"accuracy": score, "loss": 1 - score, "worst10": score / 2, "accuracy_std": 0.1}
    general = {"global_accuracy": score / 3, "global_loss": 2.0}
    curves = figures | general | {"validation_accuracy": score, "validation_loss": 1.0}
    each = {"accuracy": [score] * 2, "loss": [1.0] * 2, "global_accuracy": None}
    return {
        "partition": {
            **{"hash": "p", "effective_classes": 2.0, "size_cv": 0.0, "label_distance": 0.5, "floor": 0.5},
            **{"counts": [[3, 4], [4, 3]], "floors": [0.5, 0.5]},
            **{"train_sizes": [5, 5], "validation_sizes": [1, 1], "test_sizes": [1, 1]},
        },
        "views": {
            "global": {
                "rounds": list(range(1, ROUNDS + 1)),
                **{name: [value] * ROUNDS for name, value in curves.items()},
            }
        },
        "headline": {"view": "global", "round": ROUNDS, "rule": "last"},
        "at_headline": {"global": {"round": ROUNDS, **figures, **general, "clients": each}},
        "training_loss": [1.0] * ROUNDS,
        "bytes_up": [10] * ROUNDS,
        "bytes_down": [20] * ROUNDS,
        **{"steps": 6, "filled_batches": 0, "never_sampled": 0},
    }


def outcome(cell: FaultyCell) -> dict[str, Any]:
    seconds = {"train_seconds": 0.1, "evaluate_seconds": 0.1, "total_seconds": 0.2, "shared": False}
    return {"result": result(cell), "timing": seconds}


def _works(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    for finished in range(1, ROUNDS + 1):
        on_round(finished)
    return outcome(cell)


def _raises(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    raise ZeroDivisionError("no\nluck " + "x" * 2000)


def _skips(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    raise Skip("not for this zoo")


def _diverges(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    raise Diverged("the loss is not finite in round 2")


def _quits(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    sys.exit("enough")


def _exits(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    os._exit(0)


def _dies(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def _hangs(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    threading.Event().wait()
    raise AssertionError("unreachable")


def _gate(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    pause = threading.Event()
    while not (folder / "open").exists():
        pause.wait(0.01)
    return outcome(cell)


def _nan(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    found = outcome(cell)
    found["result"]["training_loss"][0] = float("nan")
    return found


def _nothing(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    return {}


def _testament(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    """Ends after its record is on the disk and before anybody is told."""
    entry = {"schema": 1, "cell": cell.hash, "status": "done", "reason": None, "suite": SUITE}
    Store(folder / "out").write(entry | {"identity": cell.identity()} | outcome(cell))
    os._exit(1)


def _sabotage(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    """Makes the folder of records a file: nothing can be written there any more."""
    (folder / "out" / "cells").rename(folder / "out" / "elsewhere")
    (folder / "out" / "cells").touch()
    return outcome(cell)


def _tells(cell: FaultyCell, folder: Path, on_round: Callable[[int], None]) -> dict[str, Any]:
    """Puts what it finds around it into its record's reason."""
    from bench.registry import ALGORITHMS

    found = [os.environ.get(name, "") for name in ("OMP_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_")]
    raise Skip(" ".join([*found, str("torch" in sys.modules), *sorted({"gift"} & set(ALGORITHMS.names()))]))


_ACTS: dict[str, Callable[[FaultyCell, Path, Callable[[int], None]], dict[str, Any]]] = {
    name[1:]: act for name, act in list(globals().items()) if name.startswith("_") and callable(act)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run cells in FOLDER as bench.run does, printing a line for each that ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("algorithms", nargs="+")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--time-limit", type=float)
    parser.add_argument("--ray", action="store_true", help="compute on Ray")
    parser.add_argument("--address", help="of a Ray cluster")
    parser.add_argument("--replicates", type=int, default=1)
    options = parser.parse_args(arguments)
    store, todo_of = Store(options.folder / "out"), cells(*options.algorithms, replicates=options.replicates)
    made = job(options.folder)
    executor: Executor = Crew(made, options.jobs, options.time_limit)
    if options.ray:
        executor = Cluster(made, Share(), address=options.address, jobs=options.jobs, time_limit=options.time_limit)
    with store.lock():
        todo, _ = pending(todo_of, store)
        with executor, progress(todo_of, todo) as show:
            ended = execute(bundles(todo, lambda _: 1.0, options.jobs), made, show=show, executor=executor)
    return 130 if ended.stopped else 0


if __name__ == "__main__":
    sys.exit(main())

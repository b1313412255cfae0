"""A small world for tests: synthetic images, a few clients of unequal size, small nets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.data import Data
from bench.declaration.cell import Cell
from bench.declaration.tasks import ClientTask
from bench.plugin import Algorithm
from bench.rounds import pool
from bench.rounds.federation import Federation
from bench.rounds.group import result
from bench.rounds.setting import Setting, assemble

TRAINING: dict[str, Any] = {
    "rounds": 3,
    "clients": 4,
    "participation": 1.0,
    "local_epochs": 2,
    "local_steps": None,
    "batch_size": 8,
    "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.0},
    "lr_schedule": {"name": "constant", "every": None, "gamma": None},
    "evaluate_every": 1,
    "selection": "validation",
}


def images(rows: int = 240, classes: int = 4, seed: int = 0) -> Data:
    """Noisy class patterns of 8x8, learnable but not trivially."""
    rng = np.random.default_rng(seed)
    patterns = rng.integers(0, 17, (classes, 1, 8, 8))

    def some(n: int) -> tuple[Any, Any]:
        y = np.arange(n) % classes
        x = np.clip(patterns[y] + rng.integers(-9, 10, (n, 1, 8, 8)), 0, 16)
        return x.astype(np.uint8), y.astype(np.int64)

    (train_x, train_y), (test_x, test_y) = some(rows), some(60)
    return Data(train_x, train_y, test_x, test_y, classes, shift=(8.0,), scale=(6.0,), md5="synthetic")


def cell(**changes: Any) -> Cell:
    """A cell over the synthetic images: four unequal clients, one architecture (`net`), full participation.

    Changes may name fields of a cell or of its training settings.
    """
    training = {**TRAINING, **{k: changes.pop(k) for k in list(changes) if k in TRAINING}}
    net = changes.pop("net", "mlp")
    fields: dict[str, Any] = {
        "algorithm": "fedavg",
        "params": {},
        "dataset": "synthetic",
        "data_md5": "synthetic",
        "partition": "dirichlet",
        "partition_params": {"minimum": 12},
        "alpha": 0.5,
        "zoo": net,
        "architectures": (net,),
        "shared": net,
        "clients": training["clients"],
        "training": training,
        "replicate": 0,
        "partition_seed": 0,
        "training_seed": 0,
        "precision": "fp32",
        "framework": "native",
        "engine": "reference",
        "device": "cpu",
        "numerics": 0,
        "digests": {},
    }
    return Cell(**{**fields, **changes})


def tasks(*of: ClientTask, **changes: Any) -> dict[str, Any]:
    """The changes that give a cell these tasks."""
    return {
        "dataset": "+".join(task.name for task in of),
        "tasks": of,
        "clients": sum(t.clients for t in of),
        **changes,
    }


def sources(of: Sequence[ClientTask]) -> dict[str, Data]:
    """The data sets that tasks may name: "synthetic" has 5 classes, "other" has 3, other images and other constants."""
    other = replace(images(240, classes=3, seed=1), shift=(5.0,), scale=(3.0,), md5="other")
    there = {"synthetic": images(300, classes=5), "other": other}
    return {name: there[name] for name in dict.fromkeys(task.dataset for task in of)}


LOW = ClientTask("low", "synthetic", "synthetic", (0, 1), 2)
HIGH = ClientTask("high", "synthetic", "synthetic", (4, 2, 3), 2)
OTHER = ClientTask("other", "other", "other", (0, 1, 2), 2)
UNEQUAL = tasks(LOW, HIGH)
"""Four clients, two tasks: two classes and three, of one data set."""
TWO_SOURCES = tasks(LOW, OTHER)
"""The same with three classes of another data set."""
EVENS = ClientTask("evens", "synthetic", "synthetic", (4, 0, 2), 3)
SMALL = ClientTask("small", "synthetic", "synthetic", (0, 1, 2), 1)
OVERLAPPING = tasks(EVENS, SMALL)
"""Two classes, 0 and 2, belong to both tasks."""


def setting(data: Data | None = None, **changes: Any) -> Setting:
    """A setting made of `cell(**changes)`; with tasks on `data`, or on `sources`."""
    made = cell(**changes)
    if made.tasks:
        there = dict.fromkeys(made.data, data) if data else sources(made.tasks)
        return assemble(made, pool.of_tasks(made.tasks, there))
    return assemble(made, data or images())


def play(algorithm: Algorithm, data: Data | None = None, **changes: Any) -> Federation:
    """Run an algorithm for all rounds; the federation that comes back holds server and clients."""
    federation = Federation(setting(data, **changes), algorithm)
    federation.outcome = result(federation)  # type: ignore[attr-defined] - tests look at it
    return federation

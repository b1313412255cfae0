"""Result folders without training: records of the real schema with plausible, seeded numbers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bench.records.store import SCHEMA, Store

ALGORITHMS = ("fml", "fedavg", "fedprox", "local")
PERSONAL = {"fml", "local"}
GLOBAL = {"fml", "fedavg", "fedprox"}
REASON = "averages whole models, but this zoo gives clients different architectures"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LIFT = {"local": -0.02, "fml": 0.02, "fedavg": 0.0, "fedprox": 0.005}


def generator(*axes: object) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(sha256(repr(axes).encode()).digest()[:8], "big"))


def suite(**changes: Any) -> dict[str, Any]:
    """A resolved suite as the manifest holds it."""
    base: dict[str, Any] = {
        "name": "noniid",
        "version": "1.0",
        "datasets": ["digits"],
        "partitions": ["dirichlet-capped"],
        "alphas": [0.1, 0.5, 1.0, 100.0],
        "zoos": ["cnn", "mixed"],
        "algorithms": list(ALGORITHMS),
        "replicates": 5,
        "reference": "fml",
        "target_accuracy": 0.8,
        "training": {
            "rounds": 30,
            "clients": 10,
            "participation": 1.0,
            "local_epochs": 2,
            "local_steps": None,
            "batch_size": 32,
            "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 0.0},
            "lr_schedule": {"name": "constant", "every": None, "gamma": None},
            "evaluate_every": 1,
            "selection": "validation",
        },
        "params": {"fedprox": {"mu": 0.01}, "fml": {"alpha": 0.5, "beta": 0.5}},
        "seeds": {"base": 0, "partition": None, "training": None},
        "time_limit": 7200.0,
    }
    return base | changes


def counts(alpha: float | None, clients: int, classes: int, *axes: object) -> list[list[int]]:
    """Images of each class on each client, uneven as a Dirichlet draw."""
    rng = generator("counts", alpha, clients, classes, *axes)
    shares = rng.dirichlet([alpha or 1e6] * clients, size=classes)
    return np.floor(shares.T * (1440 if clients < 50 else 60000) / classes + 1e-9).astype(int).tolist()


def spread(mean: float, clients: int) -> list[float]:
    """Accuracies of clients around their mean, within [0, 1]; one alone has the mean."""
    reach = min(0.15, mean, 1 - mean)
    return (mean + reach * np.linspace(-1, 1, clients)).tolist() if clients > 1 else [mean]


def curves(
    kind: str, algorithm: str, ease: float, draw: float, own: np.random.Generator, rounds: int
) -> dict[str, Any]:
    """The figures of one view, round by round: accuracy rises; global models are scored on all in every round."""
    numbers = np.arange(1, rounds + 1)
    top = 0.72 + 0.24 * ease if kind == "personal" else 0.93 - 0.3 * ease
    top += LIFT.get(algorithm, 0.01) + draw + 0.01 * float(own.normal())
    curve = np.clip(top - (top - 0.1) * np.exp(-numbers / (rounds / 6)) + 0.006 * own.normal(size=rounds), 0, 1)
    general = np.clip(curve - 0.02, 0, 1) if kind == "global" else np.clip(curve - 0.5 * ease, 0, 1)
    known = kind == "global"
    return {
        "rounds": numbers.tolist(),
        "accuracy": curve.tolist(),
        "loss": (1.5 - curve).tolist(),
        "worst10": np.clip(curve - 0.12, 0, 1).tolist(),
        "accuracy_std": [0.05] * rounds,
        "validation_accuracy": curve.tolist(),
        "validation_loss": (1.5 - curve).tolist(),
        "global_accuracy": [float(g) if known or i == rounds - 1 else None for i, g in enumerate(general)],
        "global_loss": [1.0 if known or i == rounds - 1 else None for i in range(rounds)],
    }


def last(kind: str, figures: Mapping[str, Any], clients: int) -> dict[str, Any]:
    """What a view has at the headline round, which is the last one here."""
    keys = ("accuracy", "loss", "worst10", "accuracy_std", "global_accuracy", "global_loss")
    return {
        "round": figures["rounds"][-1],
        **{key: figures[key][-1] for key in keys},
        "clients": {
            "accuracy": spread(figures["accuracy"][-1], clients),
            "loss": [0.5] * clients,
            "global_accuracy": [0.5] * clients if kind == "personal" else None,
        },
    }


def result(
    algorithm: str, alpha: float | None, replicate: int, *axes: object,
    rounds: int = 30, clients: int = 10, classes: int = 10, never_sampled: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """The "result" of a record: accuracy rises with the rounds; the floor falls as alpha grows."""
    ease = 1 / (1 + (alpha or 1000.0))  # near 1 where each client has few classes
    shared, own = generator("draw", alpha, replicate, *axes), generator("own", algorithm, alpha, replicate, *axes)
    floor = float(0.15 + 0.5 * ease + 0.03 * shared.normal())
    draw = 0.03 * float(shared.normal())  # what a replicate does to every algorithm alike
    kinds = [
        kind
        for kind, owners, others in (("personal", PERSONAL, GLOBAL), ("global", GLOBAL, PERSONAL))
        if algorithm in owners or algorithm not in others
    ]
    views = {kind: curves(kind, algorithm, ease, draw, own, rounds) for kind in kinds}
    table = counts(alpha, clients, classes, replicate, *axes)
    sizes = [sum(row) for row in table]
    return {
        "partition": {
            "hash": sha256(repr(table).encode()).hexdigest()[:16],
            "effective_classes": 3.0,
            "size_cv": 0.4,
            "label_distance": 0.5,
            "floor": floor,
            "counts": table,
            "train_sizes": sizes,
            "validation_sizes": sizes,
            "test_sizes": sizes,
            "floors": [floor] * clients,
        },
        "views": views,
        "headline": {"view": kinds[0], "round": rounds, "rule": "validation"},
        "at_headline": {kind: last(kind, figures, clients) for kind, figures in views.items()},
        "training_loss": [1.0] * rounds,
        "bytes_up": [1000] * rounds,
        "bytes_down": [1000] * rounds,
        "steps": 100,
        "filled_batches": 0,
        "never_sampled": never_sampled,
    }


def record(
    algorithm: str, alpha: float | None, replicate: int, *, dataset: str = "digits",
    partition: str = "dirichlet-capped", zoo: str = "cnn", status: str = "done", reason: str | None = None,
    params: Mapping[str, Any] | None = None, commit: str = COMMIT, changes: Mapping[str, Any] | None = None,
    **shape: int,
) -> dict[str, Any]:  # fmt: skip
    """One record, as bench.records.store keeps it; `changes` are to its identity."""
    identity = {
        "algorithm": algorithm,
        "params": dict(params or {}),
        "dataset": dataset,
        "data_md5": "0" * 32,
        "partition": partition,
        "partition_params": {},
        "alpha": alpha,
        "zoo": zoo,
        "architectures": ["cnn"],
        "shared": "cnn",
        "clients": shape.get("clients", 10),
        "training": {"rounds": shape.get("rounds", 30)},
        "replicate": replicate,
        "partition_seed": replicate,
        "training_seed": replicate,
        "digests": {"algorithm": "a", "partition": "b", "dataset": "c", "nets": "d"},
        "precision": "fp32",
        "framework": "native",
        "engine": "reference",
        "device": "cpu",
        "numerics": 1,
        **(changes or {}),
    }
    done = status == "done"
    place = (dataset, partition, zoo)
    return {
        "schema": SCHEMA,
        "cell": sha256(repr(sorted(identity.items())).encode()).hexdigest()[:16],
        "status": status,
        "reason": reason,
        "suite": {"name": "noniid", "version": "1.0"},
        "identity": identity,
        "result": result(algorithm, alpha, replicate, *place, **shape) if done else None,
        "timing": {"train_seconds": 2.0, "evaluate_seconds": 0.5, "total_seconds": 2.5, "shared": False}
        if done
        else None,
        "provenance": {"commit": commit, "versions": {}, "processor": "", "threads": 1, "started": ""},
    }


def scored(record: Mapping[str, Any], accuracy: float, general: float | None = None) -> dict[str, Any]:
    """A finished record whose client accuracy (every client's, in every round) is this, and global accuracy."""
    made = deepcopy(dict(record))
    result = made["result"]
    view = result["headline"]["view"]
    at = result["at_headline"][view]
    at["accuracy"] = at["worst10"] = accuracy
    at["clients"]["accuracy"] = [accuracy] * len(at["clients"]["accuracy"])
    result["views"][view]["accuracy"] = [accuracy] * len(result["views"][view]["rounds"])
    if general is not None:
        result["at_headline"]["global"]["global_accuracy"] = general
    return made


def ended(record: Mapping[str, Any], status: str, reason: str = "why") -> dict[str, Any]:
    """The record of a cell that did not finish."""
    return {**record, "status": status, "reason": reason, "result": None, "timing": None}


def records(declared: Mapping[str, Any], **shape: int) -> list[dict[str, Any]]:
    """Every cell of a suite, finished, but for FedAvg and FedProx on the zoo "mixed", which are skipped."""
    found = []
    axes = ("datasets", "partitions", "alphas", "zoos", "algorithms")
    for replicate in range(declared["replicates"]):
        for dataset, partition, alpha, zoo, algorithm in product(*(declared[axis] for axis in axes)):
            skipped = zoo == "mixed" and algorithm in ("fedavg", "fedprox")
            ending = {"status": "skipped", "reason": REASON} if skipped else {}
            params = {"fml": {"alpha": 0.5, "beta": 0.5}, "fedprox": {"mu": 0.01}}.get(algorithm)
            place = {"dataset": dataset, "partition": partition, "zoo": zoo}
            found.append(record(algorithm, alpha, replicate, params=params, **place, **ending, **shape))
    return found


def write(
    out: Path, cells: Iterable[Mapping[str, Any]], declared: Mapping[str, Any] | None = None,
    absent: Sequence[str] = (), argv: Sequence[str] = ("--suite", "noniid"),
) -> Path:  # fmt: skip
    """A result folder as bench.run leaves it; `absent` are declared cells without a record."""
    store, hashes = Store(out), []
    store.cells.mkdir(parents=True, exist_ok=True)
    for cell in cells:
        store.path(cell["cell"]).write_text(json.dumps(cell), encoding="utf-8")  # without the flush that a run needs
        hashes.append(cell["cell"])
    manifest = {
        "suite": dict(declared or suite()),
        "cells": [*hashes, *absent],
        "engine": "reference",
        "device": "cpu",
        "precision": "fp32",
        "data": {"digits": "0" * 32},
        "provenance": {
            "commit": COMMIT,
            "dirty": False,
            "versions": {"python": "3.11.9", "torch": "2.13.0"},
            "processor": "A processor",
            "threads": 1,
            "platform": "Linux",
            "started": "2026-11-22T07:42:26+00:00",
            "argv": list(argv),
        },
    }
    store.write_manifest(manifest)
    return out

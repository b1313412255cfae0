"""Result folders in which every accuracy is given, so that an analysis of them can be worked out beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reports.analysis import Analysis, analyse
from reports.results import read
from tests.unit.reports import synthetic

Table = Sequence[Sequence[float | None]]  # [replicates, alphas] accuracies; None: it failed
ALPHAS = (0.1, 0.5, 1.0, 10.0, 100.0, 1000.0, 2000.0, 5000.0)


def cells(tables: Mapping[str, Table], zoo: str = "cnn", dataset: str = "digits") -> list[dict[str, Any]]:
    made = []
    for name, table in tables.items():
        for replicate, row in enumerate(table):
            for alpha, accuracy in zip(ALPHAS, row, strict=False):
                raw = synthetic.record(name, alpha, replicate, zoo=zoo, dataset=dataset, rounds=2)
                made.append(synthetic.ended(raw, "failed") if accuracy is None else synthetic.scored(raw, accuracy))
    return made


def analysis(out: Path, made: Sequence[Mapping[str, Any]], reference: str = "fedavg", **changes: Any) -> Analysis:
    names = list(dict.fromkeys(cell["identity"]["algorithm"] for cell in made))
    declared = synthetic.suite(**({"algorithms": names, "reference": reference} | changes))
    return analyse(read(synthetic.write(out, made, declared)))


def noisy(mean: float, replicates: int = 5, alphas: int = 4, own: float = 0.002, seed: int = 0) -> list[list[float]]:
    """Accuracies whose replicates share a draw with those of every other such table, and have noise of their own."""
    shared = np.random.default_rng(99).normal(0, 0.02, (replicates, alphas))
    table = mean + shared + np.random.default_rng(seed).normal(0, own, (replicates, alphas))
    return [[float(value) for value in row] for row in table]

"""Cells whose validation accuracy is known beforehand: a peak in the settings, and noise that hides it a little.

`run` stands in for `bench.rounds.group.run`. Test accuracies say the opposite of validation ones, so that whoever
chooses by them chooses the worst. Imports no torch.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.declaration.cell import Cell

HERE = "tests.unit.bench.tuning.planted:run"
TOGETHER = "tests.unit.bench.tuning.planted:run_together"
BEST = {"lr": 0.1, "mu": 0.01, "alpha": 0.7, "beta": 0.3}


class Skip(Exception):
    """As in bench.rounds.group."""


class Diverged(Exception):
    """As in bench.rounds.group."""


def accuracy(cell: Cell) -> float:
    """Highest at `BEST`; noise of half a point that depends on the cell alone."""
    setting = {"lr": cell.training["optimizer"]["lr"], **cell.params}
    lost = sum(
        abs(math.log10(setting[name] / best)) if name in ("lr", "mu") else abs(setting[name] - best)
        for name, best in BEST.items()
        if name in setting
    )
    return 0.9 - 0.1 * lost + 0.005 * int(cell.hash[:4], 16) / 0xFFFF


def result(cell: Cell) -> dict[str, Any]:
    held_out = accuracy(cell)
    figures = {"accuracy": 1 - held_out, "loss": 1.0, "worst10": 0.1, "accuracy_std": 0.1}
    curves = figures | {"validation_accuracy": held_out, "validation_loss": 1.0}
    # The last round looks better, but the headline is the first.
    return {
        "views": {
            "global": {"rounds": [1, 2], **{name: [value, 1.0] for name, value in curves.items()}},
        },
        "headline": {"view": "global", "round": 1, "rule": "validation"},
        "at_headline": {"global": {"round": 1, **figures}},
    }


def run(cell: Cell, data_root: Path | None, on_round: Callable[[int], None] = print) -> dict[str, Any]:
    if data_root:
        with (data_root / "log").open("a") as log:
            log.write(f"{cell.hash}\n")
    if cell.algorithm == "fedavg" and cell.zoo == "mixed":
        raise Skip("not for this zoo")
    if cell.training["optimizer"]["lr"] > 1:
        raise Diverged("the loss is not finite in round 1")
    if cell.algorithm == "local" and data_root and (data_root / "broken").exists():
        raise ZeroDivisionError("no luck")
    timing = {"train_seconds": 0.1, "evaluate_seconds": 0.1, "total_seconds": 0.2, "shared": False}
    return {"result": result(cell), "timing": timing}


def run_together(
    cells: Sequence[Cell], data_root: Path | None, on_round: Callable[[Cell, int], None]
) -> list[dict[str, Any] | Exception]:
    found: list[dict[str, Any] | Exception] = []
    for cell in cells:
        try:
            found.append(run(cell, data_root))
        except Exception as error:
            found.append(error)
    return found

"""One cell, watched: what a run gives anyway, and beside it its fingerprint and its counts."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.declaration.cell import Cell
from bench.gate.counted import Passes, passes
from bench.gate.fingerprint import ROUNDS, Recorder, moves, norms, on_fixed_states
from bench.plugin import Algorithm
from bench.registry import ALGORITHMS
from bench.rounds import group
from bench.rounds.federation import Federation
from bench.rounds.group import Diverged, Skip, one_thread
from bench.rounds.setting import prepare

__all__ = ["WITNESS", "Diverged", "Skip", "run"]

WITNESS = "bench.gate.witness:run"
"""The name of `run` for `bench.execution.worker.Job`."""


def run(cell: Cell, root: Path | None = None, on_round: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Run a cell as `bench.rounds.group.run` does; replicate 0 is watched: ``result["witness"]``.

    Watching changes no number. Raises what running raises.
    """
    if cell.replicate:
        return group.run(cell, root, on_round)
    begin = time.perf_counter()
    with one_thread():
        setting = prepare(cell, root)
        algorithm: Algorithm = ALGORITHMS.get(cell.plugin)(**cell.params)
        if reason := algorithm.skip(setting.task):
            raise Skip(reason)
        fixed = on_fixed_states(setting, algorithm)
        watched = Federation(setting, algorithm)
        recorder = Recorder(watched.engine)
        watched.engine = recorder
        before = watched.server

        def after(number: int) -> None:
            nonlocal before
            if number <= ROUNDS:
                recorder.numbers[f"server {number}"] = norms(watched.server) + moves(watched.server, before)
                before = watched.server
            if on_round:
                on_round(number)

        with passes() as counted:
            result = group.result(watched, lambda _, number: after(number))
    return {
        "result": {**result, "witness": _witness(result, fixed, recorder, counted)},
        "timing": {
            "train_seconds": watched.train_seconds,
            "evaluate_seconds": watched.evaluate_seconds,
            "total_seconds": time.perf_counter() - begin,
            "shared": False,
        },
    }


def _witness(
    result: Mapping[str, Any], fixed: Mapping[str, Any], recorder: Recorder, counted: Passes
) -> dict[str, Any]:
    """What was watched: what must be the same, numbers that may differ in their last bits, and counts."""
    figures = result["partition"]
    return {
        "exact": {
            "partition": figures["hash"],
            "plans": recorder.plans.hexdigest()[:16],
            "headline": fixed["headline"],
        },
        "numbers": {
            **recorder.numbers,
            "metrics": fixed["metrics"],
            "hits": fixed["hits"],
            "partition": [float(figures[name]) for name in sorted(figures) if isinstance(figures[name], float)],
        },
        "one_image": 1.0 / min(*figures["validation_sizes"], *figures["test_sizes"]),
        "counts": {
            "steps": result["steps"],
            "bytes_up": sum(result["bytes_up"]),
            "bytes_down": sum(result["bytes_down"]),
            "evaluations": len(next(iter(result["views"].values()))["rounds"]),
            "training_passes": counted.training,
            "training_images": counted.training_images,
            "scoring_passes": counted.scoring,
            "scored_images": counted.scored_images,
            "operators": recorder.operators.calls,
            "operator_bytes": recorder.operators.bytes,
        },
    }

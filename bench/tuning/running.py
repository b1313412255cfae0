"""Trials are computed: by the same processes, records and rules of resuming as results."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any

from bench.execution import forecast, preflight
from bench.execution.bundles import bundles
from bench.execution.execute import execute, pending
from bench.execution.progress import duration, progress
from bench.execution.worker import TOGETHER, Job
from bench.records.store import Store
from bench.tuning.study import Study


@dataclass(frozen=True)
class How:
    """Where and how trials run."""

    jobs: int
    data_root: Path | None
    plugins: tuple[str, ...]
    rerun: str | None  # statuses to compute again, see bench.execution.execute.RERUN
    provenance: Mapping[str, Any]
    function: str | None = None  # see bench.execution.worker.Job
    together: str = TOGETHER


def compute(study: Study, how: How) -> Signals | None:
    """Run what has no record yet; the signal that stopped it early, or None.

    Raises DataError, StoreError, WorkersError.
    """
    store = Store(study.out)
    store.check_owner(study.declaration)
    preflight.check(study.cells if how.rerun else study.missing(), how.data_root)
    with store.lock():
        store.write_manifest(_manifest(study, how.provenance))
        todo, _ = pending(study.cells, store, how.rerun)
        for notice in store.notices:
            print(f"{notice}; it is computed again", file=sys.stderr)
        costs = forecast.expected(todo)
        print(_opening(study, len(todo), forecast.wall_clock(costs, how.jobs), how.jobs), flush=True)
        job = Job(
            out=study.out,
            suite={"name": study.declaration["name"], "version": study.suite.version},
            data_root=how.data_root,
            plugins=how.plugins,
            function=how.function,
            together=how.together,
            provenance={key: how.provenance[key] for key in ("commit", "dirty", "versions", "processor", "threads")},
        )
        with progress(study.cells, todo, lambda cell: costs[cell.hash]) as show:
            work = bundles(todo, lambda cell: costs[cell.hash], how.jobs)
            return execute(work, job, jobs=how.jobs, time_limit=study.suite.time_limit, show=show).stopped


def _manifest(study: Study, provenance: Mapping[str, Any]) -> dict[str, Any]:
    cells = study.cells
    return {
        "suite": study.declaration,
        "tuning": True,
        "cells": list(dict.fromkeys(cell.hash for cell in cells)),
        **{key: getattr(cells[0], key) for key in ("engine", "device", "precision")},
        "data": cells[0].data,
        "provenance": dict(provenance),
    }


def _opening(study: Study, todo: int, seconds: float, jobs: int) -> str:
    suite = study.suite
    each = len(study.of_algorithm(suite.algorithms[0]))
    head = f"tuning {', '.join(suite.algorithms)} of suite {suite.name} {suite.version} on {study.dataset}: "
    head += f"{each} settings each, {len(study.cells)} cells"
    kept = len(study.cells) - todo
    if not todo:
        return f"{head}, all finished before"
    before = f", {kept} of them finished before" if kept else ""
    return f"{head}{before}; about {duration(seconds)} on {forecast.processes(min(jobs, todo))}"

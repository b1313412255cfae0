"""One communication round and its scoring, for every engine, algorithm and zoo of a suite.

`bench.gate.runtime` runs this file in fresh processes; without it (in the ordinary tests) each round runs once.
"""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from bench.declaration.suite import Suite, load
from bench.engines import NAMES
from bench.gate.runtime import PLUGINS, ROOT_OF_DATA, SUITE, Waits
from bench.gate.workload import Workload, first_cell
from bench.registry import load_file
from bench.rounds.group import one_thread
from tests.benchmarks import frozen

SECONDS = 0.4  # for the rounds of one id
LEAST, MOST = 5, 12  # rounds


def declared() -> Suite:
    for plugin in filter(None, os.environ.get(PLUGINS, "").split(os.pathsep)):
        load_file(plugin)
    return load(os.environ.get(SUITE, "ci"))


DECLARED = declared()
CASES = [(engine, name, zoo) for engine in NAMES for zoo in DECLARED.zoos for name in DECLARED.algorithms]


@pytest.mark.parametrize(("engine", "algorithm", "zoo"), CASES, ids=["-".join(case) for case in CASES])
def test_round(benchmark: Any, engine: str, algorithm: str, zoo: str) -> None:
    root = os.environ.get(ROOT_OF_DATA)
    with one_thread():
        work = Workload(first_cell(DECLARED, engine, algorithm, zoo), Path(root) if root else None)
        if reason := work.skipped:
            pytest.skip(reason)
        compare_with = frozen.reference(work.convolutional, engine != "reference")
        reference: list[float] = []
        waits = Waits()

        def before() -> None:
            begin = time.thread_time()
            compare_with()
            reference.append(time.thread_time() - begin)

        def timed() -> None:
            with waits:
                work()

        begin = time.perf_counter()
        before()
        work()
        rounds = int(SECONDS / (time.perf_counter() - begin))
        reference.clear()
        benchmark.pedantic(timed, setup=before, rounds=min(MOST, max(LEAST, rounds)), iterations=1)
        benchmark.extra_info.update(reference=min(reference), waits=waits.least)
    assert work.trained

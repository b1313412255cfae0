"""Checking the present against a baseline."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.gate import baseline as baselines
from bench.gate import rows, runtime
from bench.gate.accuracy import Outcome, looks
from bench.gate.asked import Asked, operators_of
from bench.gate.baseline import Baseline, BaselineError, Runtimes
from bench.gate.measure import Measured
from bench.gate.runtime import BenchmarkFailed, Level, Pace
from bench.gate.verdict import Report, Row, Verdict, complete

OF_CELLS = ("accuracy", "fingerprint", "counted")
"""The gates that need cells to be run."""


def check(asked: Asked, path: Path, provenance: dict[str, Any]) -> Report:
    """Compare. Raises BaselineError, DataError, StoreError, WorkersError, RuntimeUnavailable, Stopped."""
    begin = time.perf_counter()
    baseline = baselines.load(path, asked.bench.suite)
    _holds(baseline, asked.gates, path)
    found: list[Row] = []
    if set(asked.gates) & set(OF_CELLS):
        found += _check_cells(asked, baseline)
    if "runtime" in asked.gates:
        here = str(provenance["processor"])
        found += _check_runtime(asked, expected(baseline.runtime or {}, here, path))
    return Report(
        suite=asked.title,
        baseline=str(path),
        rows=tuple(complete(found, asked.gates)),
        gates=asked.gates,
        seconds=time.perf_counter() - begin,
        provenance=provenance,
    )


def _holds(baseline: Baseline, gates: Sequence[str], path: Path) -> None:
    parts = {
        "accuracy": baseline.accuracy,
        "fingerprint": baseline.fingerprints,
        "counted": baseline.counts,
        "runtime": baseline.runtime,
    }
    if lacks := [gate for gate in gates if parts[gate] is None]:
        raise BaselineError(
            f"the baseline {path} holds nothing for {', '.join(lacks)}: add it with --accept --gates "
            f"{','.join(lacks)}, or name the other gates with --gates"
        )


def _check_cells(asked: Asked, baseline: Baseline) -> list[Row]:
    suite, measured = asked.bench.suite, Measured()
    by_accuracy = "accuracy" in asked.gates
    look = None
    for number in looks(suite.replicates) if by_accuracy else (1,):
        asked.tell(f"running replicates {measured.replicates + 1} to {number} of {suite.replicates}")
        asked.bench.measure(measured, number)
        if measured.broken or not by_accuracy:
            break
        look = rows.judgement(baseline.accuracy or {}, measured, suite.gate.margin, suite.replicates)
        if look is None or look[1].outcome is not Outcome.OPEN:
            break
        asked.tell("inconclusive: more replicates")
    found = rows.broken(measured, next(gate for gate in asked.gates if gate in OF_CELLS))
    if by_accuracy:
        found += rows.skips(baseline.skipped, measured.skipped)
        found += rows.accuracy(baseline.accuracy or {}, measured, suite.gate, look)
        found += rows.bands(measured, suite.gate)
    if "fingerprint" in asked.gates:
        found += rows.fingerprints(baseline, measured)
    if "counted" in asked.gates:
        found += rows.counts(baseline, measured, operators_of())
    return found


def expected(runtimes: Mapping[str, Runtimes], here: str, path: Path) -> dict[str, Level]:
    """What each benchmark is measured against on the processor `here`. Raises BaselineError."""
    kept = comparable(runtimes)
    if not kept:
        raise BaselineError(
            f"the baseline {path} has runtimes relative to other work than {runtime.FROZEN.name} does: undo the change "
            "of that file, or renew them with --accept --gates runtime"
        )
    return levels(kept, here)


def comparable(runtimes: Mapping[str, Runtimes]) -> dict[str, Runtimes]:
    """Those that are relative to the frozen work as it is now."""
    frozen = runtime.frozen_work()
    return {processor: each for processor, each in runtimes.items() if each.frozen == frozen}


def levels(runtimes: Mapping[str, Runtimes], here: str) -> dict[str, Level]:
    """`bench.gate.runtime.levels` of what a baseline keeps."""
    kept = {
        processor: {name: Pace(speed.ratio, speed.waits) for name, speed in each.speeds.items()}
        for processor, each in runtimes.items()
    }
    return runtime.levels(kept, here)


def _check_runtime(asked: Asked, before: Mapping[str, Level]) -> list[Row]:
    asked.tell(f"taking runtimes in {runtime.PROCESSES} fresh processes")
    try:
        now = asked.paces(runtime.PROCESSES)
        if runtime.suspicious(before, now):
            asked.tell(f"slower than expected: {runtime.MORE} processes more")
            for name, paces in asked.paces(runtime.MORE).items():
                now.setdefault(name, []).extend(paces)
    except BenchmarkFailed as error:
        return [Row("runtime", "benchmarks", Verdict.FAIL, note=str(error))]
    return rows.runtimes(before, now)

"""Checking the present against a baseline, and accepting it as the new one."""

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.gate import baseline as baselines
from bench.gate import rows, runtime
from bench.gate.accuracy import Outcome, looks
from bench.gate.baseline import Baseline, BaselineError, Fingerprint, Speed
from bench.gate.measure import REFERENCE, Bench, Measured
from bench.gate.runtime import BenchmarkFailed, Pace
from bench.gate.verdict import Report, Row, Verdict, complete

Tell = Callable[[str], None]
"""Tells a person what is being done."""
_OF_CELLS = ("accuracy", "fingerprint", "counted")


@dataclass(frozen=True)
class Asked:
    """What is to be checked, and how."""

    bench: Bench
    suite_file: str  # where the benchmark processes find it
    gates: tuple[str, ...]
    tell: Tell

    @property
    def title(self) -> str:
        """The suite's name and version."""
        return f"{self.bench.suite.name} {self.bench.suite.version}"


def operators_of() -> str:
    """What decides of which operators a step is made."""
    build = "with" if torch.backends.mkldnn.enabled and torch._C._has_mkldnn else "without"
    return f"torch {torch.__version__.partition('+')[0]} {build} oneDNN on {platform.machine()}"


def check(asked: Asked, path: Path, provenance: dict[str, Any]) -> Report:
    """Compare. Raises BaselineError, DataError, StoreError, WorkersError, RuntimeUnavailable, Stopped."""
    begin = time.perf_counter()
    baseline = baselines.load(path, asked.bench.suite)
    _holds(baseline, asked.gates, path)
    found: list[Row] = []
    if set(asked.gates) & set(_OF_CELLS):
        found += _check_cells(asked, baseline)
    if "runtime" in asked.gates:
        found += _check_runtime(asked, {name: Pace(s.ratio, s.waits) for name, s in (baseline.runtime or {}).items()})
    return Report(
        suite=asked.title,
        baseline=str(path),
        rows=tuple(complete(found, asked.gates)),
        gates=asked.gates,
        seconds=time.perf_counter() - begin,
        provenance=provenance,
    )


def _holds(baseline: Baseline, gates: Sequence[str], path: Path) -> None:
    parts = dict(
        zip(
            ("accuracy", "fingerprint", "counted", "runtime"),
            ("accuracy", "fingerprints", "counts", "runtime"),
            strict=True,
        )
    )
    if lacks := [gate for gate in gates if getattr(baseline, parts[gate]) is None]:
        raise BaselineError(
            f"the baseline {path} holds nothing for {', '.join(lacks)}: renew it with --accept, or name the other "
            "gates with --gates"
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
    found = rows.broken(measured, next(gate for gate in asked.gates if gate in _OF_CELLS))
    if by_accuracy:
        found += rows.skips(baseline.skipped, measured.skipped)
        found += rows.accuracy(baseline.accuracy or {}, measured, suite.gate, look)
        found += rows.bands(measured, suite.gate)
    if "fingerprint" in asked.gates:
        found += rows.fingerprints(baseline, measured)
    if "counted" in asked.gates:
        found += rows.counts(baseline, measured, operators_of())
    return found


def _check_runtime(asked: Asked, before: dict[str, Pace]) -> list[Row]:
    asked.tell(f"taking runtimes in {runtime.PROCESSES} fresh processes")
    try:
        now = _take(asked, runtime.PROCESSES)
        if runtime.suspicious(before, now):
            asked.tell(f"slower than expected: {runtime.MORE} processes more")
            for name, paces in _take(asked, runtime.MORE).items():
                now.setdefault(name, []).extend(paces)
    except BenchmarkFailed as error:
        return [Row("runtime", "benchmarks", Verdict.FAIL, note=str(error))]
    return rows.runtimes({name: Speed(ratio=p.ratio, waits=p.waits) for name, p in before.items()}, now)


def _take(asked: Asked, processes: int) -> dict[str, list[Pace]]:
    return runtime.take(asked.suite_file, asked.bench.plugins, asked.bench.data_root, processes)


@dataclass(frozen=True)
class Acceptance:
    """What came of an attempt to renew a baseline."""

    baseline: Baseline | None  # None: refused
    refusals: tuple[Row, ...]
    rows: tuple[Row, ...]  # old against new


def accept(asked: Asked, old: Baseline | None, provenance: dict[str, Any]) -> Acceptance:
    """Measure everything; a present with broken cells or accuracies outside of their bands is refused."""
    suite, measured = asked.bench.suite, Measured()
    paces: dict[str, list[Pace]] = {}
    try:
        looks(suite.replicates)
    except ValueError as error:
        raise BaselineError(f"suite {suite.name}: replicates: {error}") from None
    asked.tell(f"running all {suite.replicates} replicates")
    asked.bench.measure(measured, suite.replicates)
    refusals = rows.broken(measured) + [r for r in rows.bands(measured, suite.gate) if r.verdict is Verdict.FAIL]
    if not measured.accuracy:
        refusals.append(Row("accuracy", "anything", Verdict.FAIL, note="no cell has finished"))
    if refusals:
        return Acceptance(None, tuple(refusals), ())
    if "runtime" in asked.gates:
        asked.tell(f"taking runtimes in {runtime.PROCESSES + runtime.MORE} fresh processes")
        try:
            paces = _take(asked, runtime.PROCESSES + runtime.MORE)
        except BenchmarkFailed as error:
            return Acceptance(None, (Row("runtime", "benchmarks", Verdict.FAIL, note=str(error)),), ())
    new = _baseline(asked, measured, paces, provenance)
    return Acceptance(new, (), tuple(_old_against_new(asked, old, new, measured, paces)) if old else ())


def _baseline(asked: Asked, measured: Measured, paces: dict[str, list[Pace]], provenance: dict[str, Any]) -> Baseline:
    suite, gates = asked.bench.suite, asked.gates
    numbers = range(suite.replicates)
    reference = measured.witnesses[REFERENCE]
    summaries = {name: runtime.summary(each) for name, each in paces.items()}
    counts = {f"{engine} {n}": w["counts"] for engine, each in measured.witnesses.items() for n, w in each.items()}
    fingerprints = {
        name: Fingerprint(exact=w["exact"], numbers=baselines.rounded(w["numbers"]), one_image=w["one_image"])
        for name, w in reference.items()
    }
    accuracy = {name: [values[r] for r in numbers] for name, values in measured.accuracy.items()}
    origin = ("commit", "dirty", "versions", "processor", "started")
    return Baseline(
        suite=suite.model_dump(mode="json"),
        provenance={name: provenance[name] for name in origin},
        operators_of=operators_of(),
        accuracy=accuracy if "accuracy" in gates else None,
        skipped=dict(measured.skipped),
        fingerprints=fingerprints if "fingerprint" in gates else None,
        counts=counts if "counted" in gates else None,
        runtime={n: Speed(ratio=p.ratio, waits=p.waits) for n, p in summaries.items()} if "runtime" in gates else None,
    )


def _old_against_new(
    asked: Asked, old: Baseline, new: Baseline, measured: Measured, paces: dict[str, list[Pace]]
) -> list[Row]:
    """The ordinary comparison; what fails in it is what the acceptance changes."""
    gate = asked.bench.suite.gate
    found: list[Row] = []
    if old.accuracy is not None and new.accuracy is not None:
        of = min(len(next(iter(old.accuracy.values()))), measured.replicates)
        measured.replicates = of
        found += rows.skips(old.skipped, new.skipped)
        found += rows.accuracy(old.accuracy, measured, gate, rows.judgement(old.accuracy, measured, gate.margin, of))
    if old.fingerprints is not None and new.fingerprints is not None:
        found += rows.fingerprints(old, measured)
    if old.counts is not None and new.counts is not None:
        found += rows.counts(old, measured, new.operators_of)
    if old.runtime is not None and new.runtime is not None:
        found += rows.runtimes(old.runtime, paces)
    return found

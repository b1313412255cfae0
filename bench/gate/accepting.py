"""Accepting the present as the new baseline."""

from dataclasses import dataclass
from typing import Any

from bench.gate import baseline as baselines
from bench.gate import rows, runtime
from bench.gate.accuracy import looks
from bench.gate.asked import Asked, operators_of
from bench.gate.baseline import Baseline, BaselineError, Fingerprint, Speed
from bench.gate.measure import REFERENCE, Measured
from bench.gate.runtime import BenchmarkFailed, Pace
from bench.gate.verdict import Row, Verdict


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
    refusals += [
        Row("accuracy", name, Verdict.FAIL, note=f"expected {suite.replicates} replicates, found {len(values)}")
        for name, values in measured.accuracy.items()
        if len(values) != suite.replicates
    ]
    if not measured.accuracy:
        refusals.append(Row("accuracy", "anything", Verdict.FAIL, note="no cell has finished"))
    if refusals:
        return Acceptance(None, tuple(refusals), ())
    if "runtime" in asked.gates:
        asked.tell(f"taking runtimes in {runtime.PROCESSES + runtime.MORE} fresh processes")
        try:
            paces = asked.paces(runtime.PROCESSES + runtime.MORE)
        except BenchmarkFailed as error:
            return _refused(str(error))
        if not paces:
            return _refused("nothing was measured")
    new = _baseline(asked, measured, paces, provenance)
    return Acceptance(new, (), tuple(_old_against_new(asked, old, new, measured, paces)) if old else ())


def _refused(note: str) -> Acceptance:
    return Acceptance(None, (Row("runtime", "benchmarks", Verdict.FAIL, note=note),), ())


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
        engines=sorted(measured.witnesses),
        frozen=runtime.frozen_work(),
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

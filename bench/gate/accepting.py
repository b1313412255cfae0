"""Accepting the present as the new baseline: all of it, or the parts of some gates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.gate import baseline as baselines
from bench.gate import rows, runtime
from bench.gate.accuracy import looks
from bench.gate.asked import Asked, operators_of
from bench.gate.baseline import Baseline, BaselineError, Fingerprint, Runtimes, Speed
from bench.gate.checking import OF_CELLS, comparable, levels
from bench.gate.measure import REFERENCE, Measured
from bench.gate.runtime import BenchmarkFailed, Pace
from bench.gate.verdict import GATES, Row, Verdict

_ORIGIN = ("commit", "dirty", "versions", "processor", "started")


@dataclass(frozen=True)
class Acceptance:
    """What came of an attempt to renew a baseline."""

    baseline: Baseline | None  # None: refused
    refusals: tuple[Row, ...]
    rows: tuple[Row, ...]  # old against new


def accept(asked: Asked, old: Baseline | None, provenance: dict[str, Any], path: Path) -> Acceptance:
    """Measure what is asked for; a present with broken cells is refused, and accuracies outside of their bands are.

    The parts of gates that are not asked for stay as they are in `old`, and so do runtimes on other processors where
    `old` is of this suite. Raises BaselineError where parts of two declarations would stand side by side.
    """
    if old is not None and (difference := baselines.differs(old.suite, asked.bench.suite)):
        if set(asked.gates) != set(GATES):
            raise BaselineError(
                f"the baseline {path} {difference}. New parts for {', '.join(asked.gates)} cannot stand beside its "
                "others: accept all gates at once"
            )
        old = old.model_copy(update={"runtime": None})
    measured = Measured()
    paces: dict[str, list[Pace]] = {}
    if set(asked.gates) & set(OF_CELLS) and (refusals := _measure(asked, measured)):
        return Acceptance(None, tuple(refusals), ())
    if "runtime" in asked.gates:
        asked.tell(f"taking runtimes in {runtime.PROCESSES + runtime.MORE} fresh processes")
        try:
            paces = asked.paces(runtime.PROCESSES + runtime.MORE)
        except BenchmarkFailed as error:
            return _refused(str(error))
        if not paces:
            return _refused("nothing was measured")
    origin = {name: provenance[name] for name in _ORIGIN}
    new = _baseline(asked, old, measured, paces, origin)
    return Acceptance(new, (), tuple(_old_against_new(asked, old, measured, paces, origin)) if old else ())


def _measure(asked: Asked, measured: Measured) -> list[Row]:
    """Run the cells; reasons against accepting them."""
    suite = asked.bench.suite
    by_accuracy = "accuracy" in asked.gates
    number = 1
    if by_accuracy:
        number = suite.replicates
        try:
            looks(number)
        except ValueError as error:
            raise BaselineError(f"suite {suite.name}: replicates: {error}") from None
    asked.tell(f"running {number} of {suite.replicates} replicates")
    asked.bench.measure(measured, number)
    refusals = rows.broken(measured, asked.gates[0])
    if by_accuracy:
        refusals += [row for row in rows.bands(measured, suite.gate) if row.verdict is Verdict.FAIL]
    refusals += [
        Row(asked.gates[0], name, Verdict.FAIL, note=f"expected {number} replicates, found {len(values)}")
        for name, values in measured.accuracy.items()
        if len(values) != number
    ]
    if not measured.accuracy:
        refusals.append(Row(asked.gates[0], "anything", Verdict.FAIL, note="no cell has finished"))
    return refusals


def _refused(note: str) -> Acceptance:
    return Acceptance(None, (Row("runtime", "benchmarks", Verdict.FAIL, note=note),), ())


def _baseline(
    asked: Asked, old: Baseline | None, measured: Measured, paces: dict[str, list[Pace]], origin: dict[str, Any]
) -> Baseline:
    """The old parts, and the new ones in their places."""
    suite, gates = asked.bench.suite, asked.gates
    parts: dict[str, Any] = {
        "suite": old.suite if old and set(gates) != set(GATES) else suite.model_dump(mode="json"),
        "provenance": {**(old.provenance if old else {}), **{gate: origin for gate in gates if gate in OF_CELLS}},
        "operators_of": old.operators_of if old else "",
        "engines": old.engines if old else [],
        "accuracy": old.accuracy if old else None,
        "skipped": old.skipped if old else {},
        "fingerprints": old.fingerprints if old else None,
        "counts": old.counts if old else None,
        "runtime": old.runtime if old else None,
    }
    if "accuracy" in gates:
        numbers = range(suite.replicates)
        parts["accuracy"] = {name: [values[r] for r in numbers] for name, values in measured.accuracy.items()}
        parts["skipped"] = dict(measured.skipped)
    if "fingerprint" in gates:
        parts["engines"] = sorted(measured.witnesses)
        parts["fingerprints"] = {
            name: Fingerprint(exact=w["exact"], numbers=baselines.rounded(w["numbers"]), one_image=w["one_image"])
            for name, w in measured.witnesses[REFERENCE].items()
        }
    if "counted" in gates:
        parts["operators_of"] = operators_of()
        parts["counts"] = {
            f"{engine} {name}": w["counts"] for engine, each in measured.witnesses.items() for name, w in each.items()
        }
    if "runtime" in gates:
        parts["runtime"] = _runtimes(parts["runtime"] or {}, paces, origin)
    return Baseline(**parts)


def _runtimes(old: dict[str, Runtimes], paces: dict[str, list[Pace]], origin: dict[str, Any]) -> dict[str, Runtimes]:
    """Those of this processor anew; of the others what is still measured, against the same frozen work."""
    summaries = {name: runtime.summary(each) for name, each in paces.items()}
    speeds = {name: Speed(ratio=pace.ratio, waits=pace.waits) for name, pace in summaries.items()}
    kept = {}
    for processor, each in comparable(old).items():
        if still := {name: speed for name, speed in each.speeds.items() if name in speeds}:
            kept[processor] = each.model_copy(update={"speeds": still})
    new = Runtimes(provenance=origin, frozen=runtime.frozen_work(), speeds=speeds)
    return {**kept, str(origin["processor"]): new}


def _old_against_new(
    asked: Asked,
    old: Baseline,
    measured: Measured,
    paces: dict[str, list[Pace]],
    origin: dict[str, Any],
) -> list[Row]:
    """The ordinary comparison; what fails in it is what the acceptance changes."""
    gate = asked.bench.suite.gate
    found: list[Row] = []
    if old.accuracy is not None and "accuracy" in asked.gates:
        of = min(len(next(iter(old.accuracy.values()))), measured.replicates)
        measured.replicates = of
        found += rows.skips(old.skipped, measured.skipped)
        found += rows.accuracy(old.accuracy, measured, gate, rows.judgement(old.accuracy, measured, gate.margin, of))
    if old.fingerprints is not None and "fingerprint" in asked.gates:
        found += rows.fingerprints(old, measured)
    if old.counts is not None and "counted" in asked.gates:
        found += rows.counts(old, measured, operators_of())
    if paces and (before := comparable(old.runtime or {})):
        found += rows.runtimes(levels(before, str(origin["processor"])), paces)
    return found

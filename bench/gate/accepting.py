"""Accepting the present as the new baseline: all of it, or the parts of some gates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.gate import baseline as baselines
from bench.gate import rows, runtime
from bench.gate.accuracy import looks
from bench.gate.asked import Asked, operators_of
from bench.gate.baseline import Baseline, BaselineError, Fingerprint, Runtimes, Speed
from bench.gate.checking import OF_CELLS, expected
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
    """Measure what is asked for; a present with broken cells or accuracies outside of their bands is refused.

    The parts of gates that are not asked for stay as they are in `old`, and so do runtimes on other processors.
    Raises BaselineError where they cannot.
    """
    _joins(asked, old, path)
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
    return Acceptance(new, (), tuple(_old_against_new(asked, old, measured, paces, origin, path)) if old else ())


def _joins(asked: Asked, old: Baseline | None, path: Path) -> None:
    """Refuse to put new parts beside those of another declaration."""
    if set(asked.gates) == set(GATES) or old is None:
        return
    if old.suite != asked.bench.suite.model_dump(mode="json"):
        raise BaselineError(
            f"the baseline {path} is of another declaration of the suite, so its other parts cannot stay beside new "
            f"ones for {', '.join(asked.gates)}: accept all gates at once"
        )


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
        Row("accuracy", name, Verdict.FAIL, note=f"expected {number} replicates, found {len(values)}")
        for name, values in measured.accuracy.items()
        if len(values) != number
    ]
    if not measured.accuracy:
        refusals.append(Row("accuracy", "anything", Verdict.FAIL, note="no cell has finished"))
    return refusals


def _refused(note: str) -> Acceptance:
    return Acceptance(None, (Row("runtime", "benchmarks", Verdict.FAIL, note=note),), ())


def _baseline(
    asked: Asked, old: Baseline | None, measured: Measured, paces: dict[str, list[Pace]], origin: dict[str, Any]
) -> Baseline:
    """The old parts, and the new ones in their places."""
    suite, gates = asked.bench.suite, asked.gates
    parts: dict[str, Any] = {
        "suite": suite.model_dump(mode="json"),
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
    frozen = runtime.frozen_work()
    summaries = {name: runtime.summary(each) for name, each in paces.items()}
    speeds = {name: Speed(ratio=pace.ratio, waits=pace.waits) for name, pace in summaries.items()}
    kept = {}
    for processor, each in old.items():
        still = {name: speed for name, speed in each.speeds.items() if name in speeds}
        if each.frozen == frozen and still:
            kept[processor] = each.model_copy(update={"speeds": still})
    return {**kept, str(origin["processor"]): Runtimes(provenance=origin, frozen=frozen, speeds=speeds)}


def _old_against_new(
    asked: Asked,
    old: Baseline,
    measured: Measured,
    paces: dict[str, list[Pace]],
    origin: dict[str, Any],
    path: Path,
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
    if old.runtime is not None and paces:
        # Ratios to other frozen work say nothing beside each other.
        same = {name: each for name, each in old.runtime.items() if each.frozen == runtime.frozen_work()}
        if same:
            found += rows.runtimes(expected(same, str(origin["processor"]), path), paces)
    return found

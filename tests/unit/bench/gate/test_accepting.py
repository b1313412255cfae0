"""Accepting the parts of some gates: what was not asked for stays as it was."""

from pathlib import Path
from typing import Any

import pytest

from bench.declaration.cell import cells
from bench.declaration.gate import Band, Gate
from bench.gate import accepting, checking
from bench.gate.baseline import Baseline, BaselineError
from bench.gate.runtime import BenchmarkFailed, Pace, frozen_work
from bench.gate.verdict import GATES, Verdict
from tests.unit.bench.gate.baselines import CELL, COUNTS, NUMBERS, VIEW, baseline, runtimes, suite

SUITE = suite().model_copy(update={"gate": Gate()})  # without bands
DECLARED = SUITE.model_dump(mode="json")
HERE = {"commit": "new", "dirty": False, "versions": {}, "processor": "two", "started": "today", "argv": []}
ORIGIN = {name: value for name, value in HERE.items() if name != "argv"}
WHERE = Path("base.json")


class Bench:
    """Measures made-up cells."""

    def __init__(self) -> None:
        self.suite = SUITE
        self.upto: list[int] = []

    def measure(self, measured: Any, upto: int) -> None:
        self.upto.append(upto)
        witness = {"exact": {"plans": "new"}, "numbers": NUMBERS, "one_image": 0.1, "counts": {**COUNTS, "steps": 81}}
        measured.replicates = upto
        measured.accuracy[VIEW] = dict.fromkeys(range(upto), 0.9)
        measured.headline[CELL] = "global"
        measured.cells[CELL] = next(
            c for c in cells(suite()) if (c.algorithm, c.partition, c.zoo) == ("fedavg", "iid", "mlp")
        )
        measured.witnesses["reference"] = {CELL: witness}


class Asked:
    """What `accept` asks for, with cells and paces made up."""

    def __init__(self, *gates: str, paces: dict[str, list[Pace]] | Exception | None = None) -> None:
        self.bench, self.gates, self.found = Bench(), gates, paces

    def tell(self, text: str) -> None:
        pass

    def paces(self, processes: int) -> dict[str, list[Pace]]:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found or {}


def kept(**changes: Any) -> Baseline:
    return baseline(**{"suite": DECLARED, **changes})


def accepted(asked: Asked, old: Baseline | None) -> accepting.Acceptance:
    return accepting.accept(asked, old, HERE, WHERE)  # type: ignore[arg-type]


def test_runtimes_of_another_processor_join_those_that_are_there():
    asked = Asked("runtime", paces={"a": [Pace(3.0, 0)], "b": [Pace(1.0, 0)]})
    old = kept(runtime={"one": runtimes(frozen_work(), a=2.0, gone=1.0), "older": runtimes("other work", a=9.0)})
    made = accepted(asked, old)
    assert made.baseline is not None
    assert made.baseline.runtime is not None
    assert asked.bench.upto == []  # no cell was run for it
    assert made.baseline.model_copy(update={"runtime": old.runtime}) == old
    assert list(made.baseline.runtime) == ["one", "two"]
    assert made.baseline.runtime["one"] == runtimes(frozen_work(), a=2.0)  # what is no longer measured is gone
    assert made.baseline.runtime["two"].provenance == ORIGIN
    assert {n: s.ratio for n, s in made.baseline.runtime["two"].speeds.items()} == {"a": 3.0, "b": 1.0}
    seen = {row.name: (row.verdict, row.difference) for row in made.rows}
    assert seen["a"] == (Verdict.FAIL, "1.50 x")  # against the other processor: the only one known

    again = accepted(Asked("runtime", paces={"a": [Pace(3.3, 0)], "b": [Pace(1.0, 0)]}), made.baseline)
    assert {row.name: row.difference for row in again.rows} == {"a": "1.10 x", "b": "1.00 x"}  # against itself


def test_runtimes_relative_to_other_work_are_dropped():
    made = accepted(Asked("runtime", paces={"a": [Pace(3.0, 0)]}), kept(runtime={"one": runtimes("x", a=2.0)}))
    assert made.baseline is not None
    assert list(made.baseline.runtime or {}) == ["two"]
    assert made.rows == ()


def test_counts_alone_need_one_replicate_and_leave_the_rest():
    asked, old = Asked("counted"), kept()
    made = accepted(asked, old)
    assert made.baseline is not None
    assert asked.bench.upto == [1]
    assert made.baseline.counts == {f"reference {CELL}": {**COUNTS, "steps": 81}}
    assert made.baseline.provenance == {**old.provenance, "counted": ORIGIN}
    same = {"counts": old.counts, "provenance": old.provenance, "operators_of": old.operators_of}
    assert made.baseline.model_copy(update=same) == old
    assert [row.gate for row in made.rows] == ["counted"]


def test_fingerprints_alone_leave_the_accuracies():
    made = accepted(Asked("fingerprint"), kept())
    assert made.baseline is not None
    assert (made.baseline.fingerprints or {})[CELL].exact == {"plans": "new"}
    assert made.baseline.accuracy == kept().accuracy


def test_accuracies_need_every_replicate_and_their_bands():
    asked = Asked("accuracy")
    old = kept()
    made = accepted(asked, old)
    assert made.refusals == ()
    assert made.baseline is not None
    assert asked.bench.upto == [3]
    assert made.baseline.accuracy == {VIEW: [0.9] * 3}
    assert made.baseline.skipped == {}
    assert made.baseline.counts == old.counts

    band = Band(algorithm="fedavg", low=0.95)
    asked.bench.suite = SUITE.model_copy(update={"gate": Gate(bands=(band,))})
    (row,) = accepted(asked, None).refusals
    assert "outside of what makes sense" in row.note


def test_all_gates_at_once_leave_nothing_of_another_declaration():
    asked = Asked(*GATES, paces={"a": [Pace(3.0, 0)]})
    other = baseline(suite={**DECLARED, "version": "0.9"}, runtime={"one": runtimes(frozen_work(), a=2.0)})
    made = accepted(asked, other)
    assert made.baseline is not None
    assert list(made.baseline.runtime or {}) == ["two"]  # the same names of benchmarks mean other work
    assert "runtime" not in {row.gate for row in made.rows}
    same = accepted(asked, kept(runtime={"one": runtimes(frozen_work(), a=2.0)}))
    assert same.baseline is not None
    assert list(same.baseline.runtime or {}) == ["one", "two"]
    assert set(same.baseline.provenance) == {"accuracy", "fingerprint", "counted"}
    assert all(origin == ORIGIN for origin in same.baseline.provenance.values())


def test_parts_do_not_join_those_of_another_declaration():
    other = baseline(suite={**DECLARED, "replicates": 4, "training": {}}, accuracy=None)
    asked = Asked("counted")
    with pytest.raises(BaselineError, match=r"another declaration .* for counted cannot .* accept all gates at once"):
        accepted(asked, other)
    assert asked.bench.upto == []


def test_parts_join_where_nothing_that_decides_numbers_differs():
    old = baseline(suite={**DECLARED, "target_accuracy": 0.5, "version": f"{DECLARED['version']}.7"})
    made = accepted(Asked("counted"), old)
    assert made.baseline is not None
    assert made.baseline.suite == old.suite


def test_benchmarks_that_break_or_are_missing_are_not_accepted():
    (row,) = accepted(Asked("runtime", paces=BenchmarkFailed("boom")), kept()).refusals
    assert row.note == "boom"
    (row,) = accepted(Asked("runtime"), kept()).refusals
    assert row.note == "nothing was measured"


def test_a_check_refuses_runtimes_of_other_work_only_where_no_processor_has_the_present():
    known = {"one": runtimes("x", a=2.0), "two": runtimes(frozen_work(), a=3.0)}
    assert checking.expected(known, "one", WHERE)["a"].elsewhere == "two"
    with pytest.raises(BaselineError, match="relative to other work"):
        checking.expected({"one": known["one"]}, "one", WHERE)

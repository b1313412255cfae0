"""Accepting the parts of some gates: what was not asked for stays as it was."""

from pathlib import Path
from typing import Any

import pytest

from bench.gate import accepting, checking
from bench.gate.baseline import Baseline, BaselineError
from bench.gate.runtime import BenchmarkFailed, Pace, frozen_work
from bench.gate.verdict import Verdict
from tests.unit.bench.gate.baselines import CELL, COUNTS, NUMBERS, VIEW, baseline, runtimes, suite

HERE = {"commit": "new", "dirty": False, "versions": {}, "processor": "two", "started": "today", "argv": []}
ORIGIN = {name: value for name, value in HERE.items() if name != "argv"}
WHERE = Path("base.json")


class Bench:
    """Measures made-up cells."""

    def __init__(self) -> None:
        self.suite = suite()
        self.upto: list[int] = []

    def measure(self, measured: Any, upto: int) -> None:
        self.upto.append(upto)
        witness = {"exact": {"plans": "new"}, "numbers": NUMBERS, "one_image": 0.1, "counts": {**COUNTS, "steps": 81}}
        measured.replicates = upto
        measured.accuracy[VIEW] = dict.fromkeys(range(upto), 0.9)
        measured.headline[CELL] = "global"
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


def accepted(asked: Asked, old: Baseline | None) -> accepting.Acceptance:
    return accepting.accept(asked, old, HERE, WHERE)  # type: ignore[arg-type]


def test_runtimes_of_another_processor_join_those_that_are_there():
    asked = Asked("runtime", paces={"a": [Pace(3.0, 0)], "b": [Pace(1.0, 0)]})
    old = baseline(runtime={"one": runtimes(frozen_work(), a=2.0, gone=1.0), "older": runtimes("other work", a=9.0)})
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
    made = accepted(Asked("runtime", paces={"a": [Pace(3.0, 0)]}), baseline(runtime={"one": runtimes("x", a=2.0)}))
    assert made.baseline is not None
    assert list(made.baseline.runtime or {}) == ["two"]
    assert made.rows == ()


def test_counts_alone_need_one_replicate_and_leave_the_rest():
    asked, old = Asked("counted"), baseline()
    made = accepted(asked, old)
    assert made.baseline is not None
    assert asked.bench.upto == [1]
    assert made.baseline.counts == {f"reference {CELL}": {**COUNTS, "steps": 81}}
    assert made.baseline.provenance == {**old.provenance, "counted": ORIGIN}
    kept = {"counts": old.counts, "provenance": old.provenance, "operators_of": old.operators_of}
    assert made.baseline.model_copy(update=kept) == old
    assert [row.gate for row in made.rows] == ["counted"]


def test_fingerprints_alone_leave_the_accuracies():
    made = accepted(Asked("fingerprint"), baseline())
    assert made.baseline is not None
    assert (made.baseline.fingerprints or {})[CELL].exact == {"plans": "new"}
    assert made.baseline.accuracy == baseline().accuracy


def test_accuracies_need_every_replicate():
    asked = Asked("accuracy")
    made = accepted(asked, None)
    assert made.refusals  # the suite's bands name cells that these made-up ones lack
    assert asked.bench.upto == [3]


def test_parts_do_not_join_those_of_another_declaration():
    other = baseline(suite={**suite().model_dump(mode="json"), "target_accuracy": 0.5})
    asked = Asked("counted")
    with pytest.raises(BaselineError, match=r"base.json is of another declaration .* for counted: accept all gates"):
        accepted(asked, other)
    assert asked.bench.upto == []


def test_benchmarks_that_break_or_are_missing_are_not_accepted():
    (row,) = accepted(Asked("runtime", paces=BenchmarkFailed("boom")), baseline()).refusals
    assert row.note == "boom"
    (row,) = accepted(Asked("runtime"), baseline()).refusals
    assert row.note == "nothing was measured"


def test_a_check_refuses_runtimes_of_other_work_only_where_no_processor_has_the_present():
    kept = {"one": runtimes("x", a=2.0), "two": runtimes(frozen_work(), a=3.0)}
    assert checking.expected(kept, "one", WHERE)["a"].elsewhere == "two"
    with pytest.raises(BaselineError, match="relative to other work"):
        checking.expected({"one": kept["one"]}, "one", WHERE)

"""Each gate's decision on made-up measurements."""

from typing import Any

import pytest

from bench.declaration.cell import cells
from bench.declaration.gate import Band, Gate
from bench.gate import rows
from bench.gate.measure import Measured
from bench.gate.runtime import Level, Pace
from bench.gate.verdict import Row, Verdict
from tests.unit.bench.gate.baselines import CELL, COUNTS, NUMBERS, VIEW, baseline, suite

BEFORE = {VIEW: [0.8, 0.81, 0.82]}


def measured(accuracies: dict[int, float] | None = None, **witness: Any) -> Measured:
    seen = {"exact": {"plans": "abc"}, "numbers": NUMBERS, "one_image": 0.1, "counts": COUNTS, **witness}
    return Measured(
        replicates=3,
        accuracy={VIEW: accuracies or {0: 0.8, 1: 0.81, 2: 0.82}},
        headline={CELL: "global"},
        skipped={"fedavg digits iid mixed": "mixed"},
        witnesses={"reference": {CELL: seen}},
        cells={CELL: next(c for c in cells(suite()) if (c.algorithm, c.partition, c.zoo) == ("fedavg", "iid", "mlp"))},
    )


def accuracy(now: Measured, before: dict[str, list[float]] | None = None) -> list[Row]:
    expected = BEFORE if before is None else before
    gate = Gate()
    return rows.accuracy(expected, now, gate, rows.judgement(expected, now, gate.margin, 3))


def failed(found: list[Row]) -> list[str]:
    return [row.name for row in found if row.verdict is Verdict.FAIL]


def test_the_same_accuracies_pass():
    found = accuracy(measured())
    assert [row.verdict for row in found] == [Verdict.PASS] * 2
    assert "identical" in found[0].note
    assert (found[1].baseline, found[1].now, found[1].difference, found[1].margin) == (
        *("81.00 %", "81.00 %", "+0.00", "-2.00"),
    )


def test_a_loss_fails_and_says_how_much():
    found = accuracy(measured({0: 0.75, 1: 0.76, 2: 0.77}))
    assert failed(found) == [rows.OVERALL, VIEW]
    assert found[1].difference == "-5.00"
    assert found[1].values["low"] == pytest.approx(-0.05)


def test_what_is_not_shown_fails_with_advice():
    found = accuracy(measured({0: 0.85, 1: 0.76, 2: 0.82}))
    assert failed(found) == [rows.OVERALL]
    assert "raise the suite's replicates" in found[0].note


def test_what_is_open_when_something_else_has_failed_is_a_warning():
    other = "local digits iid mlp, personal"
    before = {name: [0.8] * 10 for name in (VIEW, other)}
    now = measured({0: 0.86, 1: 0.8, 2: 0.9})
    now.accuracy[other] = {0: 0.7, 1: 0.71, 2: 0.69}
    gate = Gate()
    found = rows.accuracy(before, now, gate, rows.judgement(before, now, gate.margin, 10))
    assert failed(found) == [other]
    assert (found[0].name, found[0].verdict) == (rows.OVERALL, Verdict.WARN)


def test_a_cell_that_is_missing_or_new_or_incomplete_fails():
    assert failed(accuracy(measured(), {**BEFORE, "gone, global": [0.5] * 3})) == ["gone, global"]
    assert failed(accuracy(measured(), {"renamed, global": [0.8] * 3})) == ["renamed, global", VIEW]
    assert VIEW in failed(accuracy(measured({0: 0.8, 2: 0.82})))


def test_a_cell_that_is_skipped_now_or_no_longer_fails():
    now = measured()
    assert failed(rows.skips({}, now.skipped)) == ["skipped: fedavg digits iid mixed"]
    assert failed(rows.skips(now.skipped, {})) == ["skipped: fedavg digits iid mixed"]
    assert rows.skips(now.skipped, now.skipped) == []


def test_cells_that_broke_fail():
    now = measured()
    now.broken["reference x #1"] = "diverged: the loss is not finite"
    (row,) = rows.broken(now)
    assert row.verdict is Verdict.FAIL
    assert "the loss is not finite" in row.note


@pytest.mark.parametrize(
    ("band", "verdict"),
    [
        (Band(algorithm="fedavg", partition="iid", low=0.8), Verdict.PASS),
        (Band(algorithm="fedavg", low=0.82), Verdict.FAIL),
        (Band(high=0.8), Verdict.FAIL),
        (Band(algorithm="local", low=0.1), Verdict.FAIL),  # no such cell has finished
    ],
)
def test_bands_hold_whatever_the_baseline_says(band: Band, verdict: Verdict):
    assert [row.verdict for row in rows.bands(measured(), Gate(bands=(band,)))] == [verdict]


def test_fingerprints_compare_both_ways_and_name_what_changed():
    assert failed(rows.fingerprints(baseline(), measured())) == []
    other = measured(numbers={**NUMBERS, "losses 2": [0.9, 0.4]}, exact={"plans": "xyz"})
    (row,) = rows.fingerprints(baseline(), other)
    assert row.verdict is Verdict.FAIL
    assert "explain, then --accept" in row.note
    assert row.values["changed"] == ["plans", "losses 2"]


def test_an_engine_or_a_cell_without_fingerprint_fails():
    now = measured()
    now.witnesses["fast"] = {}
    assert failed(rows.fingerprints(baseline(), now)) == ["fast", f"fast {CELL}"]
    assert failed(rows.fingerprints(baseline(engines=["reference", "fast"]), measured())) == ["fast"]
    now = measured()
    now.witnesses["reference"] = {}
    assert failed(rows.fingerprints(baseline(), now)) == [f"reference {CELL}"]


def test_counts_compare_exactly():
    assert failed(rows.counts(baseline(), measured(), "torch 2")) == []
    (row,) = rows.counts(baseline(), measured(counts={**COUNTS, "bytes_up": 101}), "torch 2")
    assert (row.verdict, row.note) == (Verdict.FAIL, "bytes up 100 -> 101")
    fewer = measured(counts={**COUNTS, "operators": 901})
    assert failed(rows.counts(baseline(), fewer, "torch 2")) == [f"reference {CELL}"]
    (row,) = rows.counts(baseline(), fewer, "torch 3")
    assert (row.verdict, row.note) == (Verdict.PASS, "operators not compared: the baseline's are of torch 2")


LEVELS = {"a": Level(Pace(2.0, 0))}


@pytest.mark.parametrize(
    ("ratio", "waits", "verdict", "note"),
    [
        (2.0, 0, Verdict.PASS, ""),
        (2.29, 0, Verdict.PASS, ""),
        (2.31, 0, Verdict.WARN, "slower"),
        (2.59, 0, Verdict.WARN, "slower"),
        (2.61, 0, Verdict.FAIL, "slower"),
        (1.0, 0, Verdict.PASS, "faster: --accept --gates runtime holds the new level"),
        (2.0, 80, Verdict.FAIL, "waits 80 times, 0 before"),
        (2.0, None, Verdict.WARN, "waits not compared"),
    ],
)
def test_runtimes(ratio: float, waits: int | None, verdict: Verdict, note: str):
    (row,) = rows.runtimes(LEVELS, {"a": [Pace(ratio, waits)] * 3})
    assert row.verdict is verdict
    assert note in row.note


def test_one_slow_process_of_three_is_no_alarm():
    (row,) = rows.runtimes(LEVELS, {"a": [Pace(2.0, 0), Pace(9.0, 7), Pace(2.1, 0)]})
    assert row.verdict is Verdict.PASS


def test_benchmarks_that_are_missing_renamed_or_new_fail():
    assert failed(rows.runtimes(LEVELS, {})) == ["a"]
    assert failed(rows.runtimes(LEVELS, {"b": [Pace(4.0, 0)]})) == ["a", "b"]


def test_a_slow_row_names_a_foreign_processor():
    (row,) = rows.runtimes({"a": Level(Pace(2.0, 0), "Pentium")}, {"a": [Pace(2.4, 0)]})
    assert "another processor, Pentium: where the code is as fast as before, add this one" in row.note
    (row,) = rows.runtimes({"a": Level(Pace(2.0, 0), "Pentium")}, {"a": [Pace(2.0, 3)]})
    assert "waits 3 times" in row.note
    assert "another processor" in row.note
    (row,) = rows.runtimes({"a": Level(Pace(2.0, 0), "Pentium")}, {"a": [Pace(0.5, 0)]})
    assert (row.verdict, row.note) == (Verdict.PASS, "")  # which may be the processor's merit

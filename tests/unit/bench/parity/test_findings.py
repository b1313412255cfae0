"""What is made of runs: parity, cost, and the page."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.parity.costs import costs
from bench.parity.gaps import TOLERANCE, gaps
from bench.parity.page import MIB, Findings
from bench.parity.runs import Run, Stamp, read, read_all
from tests import world
from tests.unit.bench.parity.fakes import RESULT, write_trace

W = np.array([1.0, 2.0], np.float32)


def run(framework: str, kind: str = "parity", session: str = "s", **outcome: Any) -> Run:
    cell = replace(world.cell(), framework=framework)
    return Run.of(cell, kind, session, **{"result": RESULT, **outcome})


def stamps(*walls: float) -> tuple[Stamp, ...]:
    return tuple(Stamp(i + 1, wall, wall / 2, 100 * MIB + i) for i, wall in enumerate(walls))


def pair(out: Path, theirs: dict[int, dict[str, np.ndarray]], hashes: str = "other", **changes: Any) -> Any:
    """The gap between our trace of two rounds and theirs."""
    ours, other = run("native"), run("pfl", **changes)
    write_trace(ours.trace(out), {1: {"global/w": W}, 2: {"global/w": W}})
    write_trace(other.trace(out), theirs, hashes)
    (gap,) = gaps([ours, other], out)
    return gap


def test_the_largest_difference_of_each_round(tmp_path: Path) -> None:
    gap = pair(tmp_path, {1: {"global/w": W}, 2: {"global/w": W + np.array([0, -5e-7], np.float32)}})
    assert gap.rounds[0] == 0
    assert gap.largest == pytest.approx(5e-7, rel=0.2)
    assert (gap.where, gap.verdict) == ("global/w", "within 1e-06")
    assert gap.accuracies == (0.5, 0.5)


def test_beyond_the_tolerance(tmp_path: Path) -> None:
    gap = pair(tmp_path, {1: {"global/w": W}, 2: {"global/w": W + np.float32(10 * TOLERANCE)}})
    assert gap.verdict == "beyond 1e-06"


def test_equal_bits_are_said_only_where_all_hashes_are_equal(tmp_path: Path) -> None:
    assert pair(tmp_path / "a", {1: {"global/w": W}, 2: {"global/w": W}}, "same").verdict == "bit for bit"
    assert pair(tmp_path / "b", {1: {"global/w": W}, 2: {"global/w": W}}, "other").verdict == "within 1e-06"


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        ({1: {"global/w": W}}, "other scored rounds: 2"),
        ({1: {"global/w": W}, 2: {"personal/0/w": W}}, "other models after round 2: global, personal/0"),
        ({1: {"global/v": W}, 2: {"global/w": W}}, "other tensors after round 1: global/v, global/w"),
        ({1: {"global/w": W[:1]}, 2: {"global/w": W}}, "other shape of global/w"),
    ],
)
def test_what_cannot_be_compared_is_no_parity(theirs: Any, words: str, tmp_path: Path) -> None:
    gap = pair(tmp_path, theirs)
    assert words in gap.verdict
    assert gap.largest is None


def test_what_was_not_run_is_said(tmp_path: Path) -> None:
    assert gaps([run("pfl")], tmp_path)[0].verdict == "no native run to compare with"
    (gap,) = gaps([run("native"), run("pfl", status="skipped", reason="no")], tmp_path)
    assert gap.verdict == "skipped by pfl"


def test_a_round_costs_what_the_middle_ones_do() -> None:
    some = [
        run("native", "cost-1", stamps=stamps(10, 12, 15, 40)),
        run("native", "cost-2", stamps=stamps(9, 11, 13, 50)),
    ]
    (cost,) = costs(some)
    assert (cost.wall.median, cost.wall.low, cost.wall.high) == (2.0, 2.0, 2.25)  # of 2, 3, 2, 2
    assert cost.cpu.median == 1.0
    assert cost.start.median == 7.5  # of 10 - 2 and 9 - 2
    assert cost.peak == 100 * MIB + 3
    assert cost.counted == (2 * MIB, MIB)
    assert (cost.wire, cost.ratio, cost.repeats, cost.interleaved) == (None, 1.0, 2, True)


def test_ratios_and_the_wire_are_against_the_native_run() -> None:
    wire = {way: {"tensors": [100, 100], "repeats": [10, 10], "framing": [5, 7]} for way in ("up", "down")}
    theirs = run("flower", "cost-1", "other session", stamps=stamps(1, 5, 9, 10), timing={"wire": wire})
    found = {cost.framework: cost for cost in costs([run("native", "cost-1", stamps=stamps(1, 3, 5, 6)), theirs])}
    assert found["flower"].ratio == 2.0
    assert found["flower"].wire == (96.0, 96.0)
    assert not found["flower"].interleaved
    alone = costs([theirs])
    assert alone[0].ratio is None


def test_parity_runs_and_failures_cost_nothing() -> None:
    assert costs([run("native", stamps=stamps(1, 2, 3)), run("native", "cost-1", status="failed")]) == []


def test_files_written_apart_make_one_page(tmp_path: Path) -> None:
    for framework in ("native", "pfl"):
        run(framework, "cost-1", session=framework, stamps=stamps(1, 2, 3, 4)).write(tmp_path)
        traced = run(framework, session=framework)
        traced.write(tmp_path)
        write_trace(traced.trace(tmp_path), {1: {"global/w": W}})
    findings = Findings.of(tmp_path)
    assert [run.framework for run in findings.runs] == ["native", "native", "pfl", "pfl"]
    page, numbers = (path.read_text() for path in reversed(findings.write(tmp_path)))
    assert "bit for bit" in page
    assert "not interleaved with the native runs, so that ratios are rough: pfl" in page
    told = json.loads(numbers)
    assert told["parity"][0]["verdict"] == "bit for bit"
    assert {cost["framework"] for cost in told["cost"]} == {"native", "pfl"}


def test_reasons_of_skips_and_failures_stand_in_the_notes(tmp_path: Path) -> None:
    run("pfl", status="skipped", reason="not for me").write(tmp_path)
    run("native", status="failed", reason="broken").write(tmp_path)
    notes = Findings.of(tmp_path).notes()
    assert "skipped by pfl: not for me" in notes
    assert any(note.endswith("parity: failed: broken") for note in notes)


def test_a_run_survives_its_file(tmp_path: Path) -> None:
    written = run("pfl", "cost-1", stamps=stamps(1, 2))
    written.write(tmp_path)
    assert list(read_all(tmp_path)) == [written]


@pytest.mark.parametrize("text", ["{}", "not json", '{"schema": 99}'])
def test_a_file_that_is_no_run_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "runs" / "pfl" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ValueError, match=r"x\.json: expected"):
        read(path)

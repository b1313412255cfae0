"""Whole runs on Flower: equal to the reference, and nothing left afterwards, however they end."""

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.frameworks.keeper import descendants
from bench.parity.gaps import TOLERANCE
from bench.records.store import Store
from bench.rounds import group
from bench.rounds.group import Skip
from tests.frameworks.cells import cell
from tests.frameworks.flower.arithmetic import FedAvg32, FedProx32
from tests.frameworks.flower.leftovers import Run

BREAKS = """
from dataclasses import dataclass
from algorithms.fedavg import FedAvg
from bench.plugin import algorithm

@algorithm("breaks")
@dataclass(frozen=True)
class Breaks(FedAvg):
    '''Fails on a client, in the second round.'''

    source = "none"

    def loss(self, nets, work, client, down, batch, at):
        if at.round == 1:
            raise RuntimeError("as it was meant to")
        return super().loss(nets, work, client, down, batch, at)
"""
SMALL = ("--suite", "smoke", "--alphas", "0.1", "--zoo", "mlp", "--clients", "2", "--jobs", "1")


def records(run: Run) -> list[Mapping[str, Any]]:
    """What was written down."""
    return list(Store(run.out).latest())


def assert_equal_to_reference(run: Run, algorithms: str, zoos: str, **choices: str) -> None:
    """Every record holds the numbers of the native reference engine, to the bit."""
    native = {}
    for algorithm in algorithms.split(","):
        for zoo in zoos.split(","):
            chosen = cell(algorithm, zoo, **choices)
            try:
                native[algorithm, zoo] = group.run(chosen)["result"]
            except Skip:
                native[algorithm, zoo] = None
    found = {(r["identity"]["algorithm"], r["identity"]["zoo"]): r for r in records(run)}
    assert found.keys() == native.keys()
    for key, record in found.items():
        assert record["status"] == ("done" if native[key] else "skipped"), record["reason"]
        assert record["result"] == native[key]
        if native[key]:
            for way, counted in (("down", "bytes_down"), ("up", "bytes_up")):
                assert record["timing"]["wire"][way]["tensors"] == native[key][counted]


@pytest.mark.parametrize(
    ("algorithms", "zoos"),
    [
        pytest.param("fml", "mixed", id="one"),
        pytest.param("fedavg,fedprox,fml,local", "mlp,mixed", id="all", marks=pytest.mark.long),
    ],
)
def test_simulation_equals_the_reference_to_the_bit(algorithms: str, zoos: str):
    with Run(
        *("--suite", "smoke", "--alphas", "0.1", "--zoo", zoos, "--algorithms", algorithms),
        *("--rounds", "5", "--clients", "4", "--jobs", "1", "--framework", "flower"),
    ) as run:
        assert run.end(seconds=1500) == 0, run.said
        run.assert_nothing_is_left()
        assert_equal_to_reference(run, algorithms, zoos, rounds="5", clients="4")


@pytest.mark.parametrize("algorithm", ["fml", pytest.param("fedavg", marks=pytest.mark.long)])
def test_deployment_equals_the_reference_to_the_bit(algorithm: str):
    with Run(*SMALL, "--algorithms", algorithm, "--rounds", "2", "--framework", "flower-grpc") as run:
        assert run.end(seconds=1500) == 0, run.said
        run.assert_nothing_is_left()
        assert_equal_to_reference(run, algorithm, "mlp", rounds="2", clients="2")


def test_flowers_own_strategies_equal_the_reference_within_rounding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    theirs = tmp_path / "theirs"
    with Run(
        *("--suite", "frameworks", "--zoo", "mlp", "--algorithms", "fedavg,fedprox,fml", "--clients", "4"),
        *("--jobs", "1", "--framework", "flower-own", "--trace", str(theirs)),
    ) as run:
        assert run.end(seconds=1500) == 0, run.said
        run.assert_nothing_is_left()
        found = {record["identity"]["algorithm"]: record for record in records(run)}
    ends = {name: record["status"] for name, record in found.items()}
    assert ends == {"fedavg": "done", "fedprox": "done", "fml": "skipped"}
    for algorithm, explained in (("fedavg", FedAvg32), ("fedprox", FedProx32)):
        record, native = found[algorithm], cell(algorithm, suite="frameworks", alphas="0.5", clients="4")
        result = group.run(native, trace=tmp_path / "ours")["result"]
        assert len(set(result["partition"]["train_sizes"])) == 4  # unequal, so that weights count
        assert record["timing"]["wire"]["up"]["tensors"] == result["bytes_up"]
        with monkeypatch.context() as patch:
            patch.setattr(group.ALGORITHMS, "get", lambda name, explained=explained: explained)
            group.run(native, trace=tmp_path / "explained")
        assert 0 < largest_gap(tmp_path / "ours" / native.hash, theirs / record["cell"]) <= TOLERANCE
        assert largest_gap(tmp_path / "explained" / native.hash, theirs / record["cell"]) == 0


def largest_gap(mine: Path, other: Path) -> float:
    """The largest difference of any tensor of two traces of five rounds."""
    gaps = []
    for number in range(1, 6):
        with np.load(mine / f"round-{number:04d}.npz") as a, np.load(other / f"round-{number:04d}.npz") as b:
            assert set(a.files) == set(b.files)
            gaps += [float(np.abs(a[name] - b[name]).max()) for name in a.files]
    return max(gaps)


@pytest.mark.parametrize("framework", ["flower", pytest.param("flower-grpc", marks=pytest.mark.long)])
def test_a_client_that_fails_ends_its_cell(framework: str, tmp_path: Path):
    plugin = tmp_path / "breaks.py"
    plugin.write_text(BREAKS)
    with Run(
        *SMALL, "--algorithms", "breaks", "--rounds", "3", "--framework", framework, "--plugin", str(plugin)
    ) as run:
        assert run.end() == 3, run.said
        run.assert_nothing_is_left()
        (record,) = records(run)
        assert record["status"] == "failed"
        assert re.search(
            r"client \d failed in round 2: RuntimeError: as it was meant to \(breaks.py, line 15\)", record["reason"]
        )


@pytest.mark.parametrize(
    ("framework", "number"),
    [
        pytest.param("flower", signal.SIGINT, id="flower-Ctrl-C"),
        pytest.param("flower", signal.SIGTERM, id="flower-SIGTERM", marks=pytest.mark.long),
        pytest.param("flower-grpc", signal.SIGINT, id="flower-grpc-Ctrl-C", marks=pytest.mark.long),
        pytest.param("flower-grpc", signal.SIGTERM, id="flower-grpc-SIGTERM"),
    ],
)
def test_nothing_is_left_after_a_signal(framework: str, number: signal.Signals):
    with Run(*SMALL, "--algorithms", "fedavg", "--rounds", "500", "--framework", framework) as run:
        if framework == "flower":
            run.until_started("raylet")
        else:
            run.until("SuperNode-of-client-1", "ROUND 1]")
        run.look()
        os.kill(run.process.pid, number)
        assert run.end(seconds=60) == 130, run.said
        run.assert_nothing_is_left()


def test_a_lost_node_is_reported_and_ends_its_cell():
    with Run(*SMALL, "--algorithms", "fedavg", "--rounds", "500", "--framework", "flower-grpc") as run:
        run.until("SuperNode-of-client-1", "ROUND 1]")
        (lost,) = [
            pid
            for pid in descendants(run.process.pid)
            if b"partition-id=1" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        os.kill(lost, signal.SIGKILL)
        assert run.end(seconds=120) == 3, run.said
        run.assert_nothing_is_left()
        (record,) = records(run)
        assert record["status"] == "failed"
        assert "SuperNode of client 1 was killed by signal 9" in record["reason"]

"""Taking runtimes: what counts as waiting, when to look again, and one real process."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.gate import runtime
from bench.gate.runtime import (
    BenchmarkFailed,
    Level,
    Pace,
    RuntimeUnavailable,
    Waits,
    frozen_work,
    levels,
    suspicious,
    take,
)

SUITE = """
name = "tiny"
datasets = ["digits"]
partitions = ["iid"]
zoos = ["mlp"]
algorithms = ["fedavg"]
replicates = 3
reference = "fedavg"
target_accuracy = 0.8
[training]
rounds = 2
clients = 3
local_epochs = 1
batch_size = 64
optimizer = {name = "sgd", lr = 0.05, momentum = 0.9}
"""

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts a thread's waits")


@linux_only
def test_sleeping_and_waiting_for_a_thread_count_and_computing_does_not():
    waits = Waits()
    with waits:
        time.sleep(0.001)
        time.sleep(0.001)
    assert waits.least == 2
    threads = Waits()
    with threads:
        helper = threading.Thread(target=time.sleep, args=(0.002,))
        helper.start()
        helper.join()
    assert threads.least is not None
    assert threads.least >= 1
    for _ in range(5):
        with waits:
            sum(range(10_000))
    assert waits.least == 0


def test_a_slow_or_waiting_id_is_looked_at_again():
    before = {"a": Level(Pace(2.0, 0))}
    assert not suspicious(before, {"a": [Pace(2.2, 0)] * 3})
    assert suspicious(before, {"a": [Pace(2.4, 0)] * 3})
    assert suspicious(before, {"a": [Pace(2.0, 1)] * 3})
    assert not suspicious(before, {"b": [Pace(9.0, 0)]})  # fails anyway


def test_a_processor_is_measured_against_itself_and_an_unknown_one_against_the_slowest():
    kept = {"A": {"x": Pace(2.0, 0)}, "B": {"x": Pace(3.0, 1), "y": Pace(1.0, 0)}, "C": {"y": Pace(4.0, 0)}}
    assert levels(kept, "A") == {"x": Level(Pace(2.0, 0)), "y": Level(Pace(4.0, 0), "C")}
    assert levels(kept, "B") == {"x": Level(Pace(3.0, 1)), "y": Level(Pace(1.0, 0))}
    assert levels(kept, "D") == {"x": Level(Pace(3.0, 1), "B"), "y": Level(Pace(4.0, 0), "C")}
    uncounted = {"mac": {"x": Pace(3.0, None)}, "A": {"x": Pace(2.0, 0)}}  # not every system counts waits
    assert levels(uncounted, "D") == {"x": Level(Pace(3.0, 0), "mac")}


def test_a_fresh_process_measures_every_engine(tmp_path: Path):
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE)
    found = take(str(path), processes=1)
    assert sorted(found) == ["reference-fedavg-mlp", "vectorised-fedavg-mlp"]
    assert all(0.01 < pace.ratio < 10 for paces in found.values() for pace in paces)


def failing(monkeypatch: pytest.MonkeyPatch, code: int, text: str) -> None:
    done = subprocess.CompletedProcess([], code, stdout="", stderr=text)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)


def test_benchmarks_that_fail_are_a_failure(monkeypatch: pytest.MonkeyPatch):
    failing(monkeypatch, 1, "ValueError: uploads of one shape expected")
    with pytest.raises(BenchmarkFailed, match="uploads of one shape expected"):
        take("ci", processes=1)


def test_a_machine_without_benchmarks_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch):
    failing(monkeypatch, 4, "error: unrecognized arguments: --benchmark-enable")
    with pytest.raises(RuntimeUnavailable, match="pip install"):
        take("ci", processes=1)
    monkeypatch.setattr(runtime, "BENCHMARKS", Path("nowhere.py"))
    with pytest.raises(RuntimeUnavailable, match="--gates"):
        take("ci", processes=1)


def test_the_frozen_work_is_known_by_its_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    copy = tmp_path / "frozen.py"
    copy.write_text(runtime.FROZEN.read_text() + "\n# a comment\n")
    usual = frozen_work()
    monkeypatch.setattr(runtime, "FROZEN", copy)
    assert frozen_work() == usual
    copy.write_text(runtime.FROZEN.read_text().replace("BATCH, CLIENTS = 32, 8", "BATCH, CLIENTS = 64, 8"))
    assert frozen_work() != usual

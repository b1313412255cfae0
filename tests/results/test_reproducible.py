"""The same command gives the same bits: on one process or two, whole or in part, with a SIGKILL in the middle."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SUITE = """
name = "same"
datasets = ["digits"]
partitions = ["dirichlet-capped"]
alphas = [0.5]
zoos = ["mlp", "mixed"]
algorithms = ["fml", "fedavg", "fedprox", "local"]
replicates = 2
reference = "fml"
target_accuracy = 0.8
[training]
rounds = 2
clients = 5
participation = 0.6
local_epochs = 1
batch_size = 32
optimizer = {name = "sgd", lr = 0.05, momentum = 0.9}
"""
CELLS = 16
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Start a run of the suite: ``start(folder, "--jobs", "2")``."""
    file = tmp_path_factory.mktemp("suite") / "same.toml"
    file.write_text(SUITE)

    def begin(out: Path, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bench.run", "--suite", str(file), "--out", str(out), "--no-report", *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)

    return begin


@pytest.fixture(scope="module")
def on_one_process(start: Start, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The results of an undisturbed run on one process."""
    out = tmp_path_factory.mktemp("one") / "out"
    run = start(out, "--jobs", "1")
    text, _ = run.communicate()
    assert run.returncode == 0, text
    return results(out)


def results(out: Path) -> dict[str, str]:
    """Cell -> status and the deterministic part of its record, as text."""
    found = {}
    for path in (out / "cells").glob("*.json"):
        record = json.loads(path.read_text())
        found[path.stem] = record["status"] + json.dumps(record["result"])
    return found


def test_on_two_processes_killed_and_resumed(start: Start, on_one_process: dict[str, str], tmp_path: Path) -> None:
    run = start(tmp_path / "out", "--jobs", "2")
    assert run.stdout is not None
    for line in run.stdout:
        if "done" in line:
            break
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    before = results(tmp_path / "out")
    assert 0 < len(before) < CELLS
    again = start(tmp_path / "out", "--jobs", "2")
    text, _ = again.communicate()
    assert again.returncode == 0, text
    assert f"{len(before)} of them finished before" in text
    assert results(tmp_path / "out") == on_one_process
    assert len(on_one_process) == CELLS


def test_a_part_of_the_suite_gives_the_same_cells(start: Start, on_one_process: dict[str, str], tmp_path: Path) -> None:
    """Whatever else is run, and in which order, a cell's numbers are its own."""
    run = start(tmp_path / "out", "--algorithms", "local,fml", "--zoo", "mixed,mlp", "--replicates", "1")
    text, _ = run.communicate()
    assert run.returncode == 0, text
    part = results(tmp_path / "out")
    assert len(part) == 4
    assert part.items() <= on_one_process.items()

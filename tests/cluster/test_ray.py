"""Cells on Ray: they end as on one machine, whatever happens to nodes, and nothing is left behind."""

import json
import os
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.execution.ray_session import PREFIX, installed
from bench.records.store import Store
from tests.cluster.conftest import PATIENCE, Place, TwoNodes
from tests.unit.bench.execution.test_execute import ENDINGS
from tests.unit.bench.faults import cells

pytestmark = pytest.mark.skipif(not installed(), reason="needs Ray: tox -e ray has it")
# Not as __main__: cells travel, and nodes look up what they are.
FAULTS = (
    "-c",
    "import sys; from tests.unit.bench.faults import main; sys.exit(main())",
)
RUN = ("-m", "bench.run", "--executor", "ray")
SMALL = (
    *("--suite", "smoke", "--zoo", "mlp", "--alphas", "0.1,1,100", "--rounds", "3", "--clients", "4"),
    *("--replicates", "2", "--no-report"),
)


def results(out: Path) -> dict[str, bytes]:
    """Cell -> the bytes of its deterministic part."""
    lines = {path.stem: path.read_bytes().splitlines() for path in (out / "cells").glob("*.json")}
    return {cell: next(line for line in text if line.startswith(b'"result"')) for cell, text in lines.items()}


def computed(folder: Path) -> Counter[str]:
    """How often each fake cell was begun."""
    log = folder / "log"
    return Counter(log.read_text().split() if log.exists() else [])


def test_every_ending_is_the_one_of_one_machine(place: Place, tmp_path: Path):
    done = place.run(*FAULTS, str(tmp_path), *ENDINGS, "works-last", "--ray", "--time-limit", "1")
    assert done.returncode == 0, done.stderr
    records = {record["identity"]["algorithm"]: record for record in Store(tmp_path / "out").records()}
    for algorithm, (status, reason) in {**ENDINGS, "works-last": ("done", None)}.items():
        assert (algorithm, records[algorithm]["status"]) == (algorithm, status), records[algorithm]["reason"]
        assert reason is None or re.search(reason, records[algorithm]["reason"])
    assert set(computed(tmp_path).values()) == {1}
    assert records["works"]["provenance"]["node"] == os.uname().nodename


def test_what_a_killed_node_had_in_hand_is_computed_elsewhere(
    place: Place, two_nodes: Callable[..., TwoNodes], tmp_path: Path
):
    cluster = two_nodes()
    names = ("gate-a", "gate-b", "works")
    with place.start(*FAULTS, str(tmp_path), *names, "--ray", "--address", cluster.address) as process:
        while computed(tmp_path).total() < 2 and process.poll() is None:  # until both nodes have a cell in hand
            threading.Event().wait(0.01)
        cluster.tell("kill")
        (tmp_path / "open").touch()
        out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert re.fullmatch(
        r"a cell lost with node \S+ \(127\.0\.0\.1, \w{8}\), given out again: NodeDiedError.*\n", errors
    )
    assert sorted(line.split()[2] for line in out.splitlines()) == sorted(names)
    begun = computed(tmp_path)
    assert sorted(begun[cell.hash] for cell in cells("gate-a", "gate-b")) == [1, 2]
    assert begun[cells("works")[0].hash] == 1


def test_a_node_that_is_killed_costs_no_cell_and_changes_no_number(
    place: Place, two_nodes: Callable[..., TwoNodes], tmp_path: Path
):
    cluster = two_nodes()
    command = (*RUN, "--address", cluster.address, *SMALL, "--engine", "reference", "--out", str(tmp_path / "ray"))
    with place.start(*command) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]  # the opening, and two cells
        cluster.tell("kill")
        rest, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    finished = re.findall(r"^\[ *(\d+)/24\] done ", "".join([*lines, rest]), re.MULTILINE)
    assert [int(number) for number in finished] == list(range(1, 25))
    local = place.run(
        "-m", "bench.run", *SMALL, "--engine", "reference", "--jobs", "1", "--out", str(tmp_path / "local")
    )
    assert local.returncode == 0
    assert results(tmp_path / "ray") == results(tmp_path / "local")
    assert len(results(tmp_path / "ray")) == 24
    manifests = [json.loads((tmp_path / name / "manifest.json").read_text())["cells"] for name in ("ray", "local")]
    assert manifests[0] == manifests[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_and_all_that_it_started(place: Place, tmp_path: Path, number: signal.Signals):
    with place.start(*FAULTS, str(tmp_path), "works", "gate-a", "gate-b", "--ray") as process:
        assert process.stdout is not None
        assert " works " in process.stdout.readline()
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        out, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, errors) == (130, "", "")
    assert place.left_behind() == []
    assert [r["identity"]["algorithm"] for r in Store(tmp_path / "out").records()] == ["works"]
    (tmp_path / "open").touch()
    done = place.run(*FAULTS, str(tmp_path), "works", "gate-a", "gate-b", "--ray")
    assert done.returncode == 0
    assert computed(tmp_path)[cells("works")[0].hash] == 1
    assert len(results(tmp_path / "out")) == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_ray_starts_leaves_nothing(place: Place, tmp_path: Path, number: signal.Signals):
    with place.start(*RUN, *SMALL, "--out", str(tmp_path / "out")) as process:
        while not any(place.temporary.glob(f"{PREFIX}*")) and process.poll() is None:  # until Ray's folder is there
            threading.Event().wait(0.01)
        process.send_signal(number)
        out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, errors
    assert "stopped; what was finished is kept" in out
    assert "Traceback" not in errors


def test_a_cluster_of_others_is_free_again_after_a_stop(
    place: Place, two_nodes: Callable[..., TwoNodes], tmp_path: Path
):
    cluster = two_nodes()
    command = (*FAULTS, str(tmp_path), "--ray", "--address", cluster.address)
    with place.start(*command, "works", "gate-a", "gate-b", "gate-c") as process:
        assert process.stdout is not None
        assert " works " in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    other = tmp_path / "other"
    other.mkdir()
    done = place.run(*FAULTS, str(other), "--ray", "--address", cluster.address, "works-a", "works-b", "works-c")
    assert done.returncode == 0, done.stderr
    assert len(results(other / "out")) == 3


PACKAGE = '''
import threading
from dataclasses import dataclass
from pathlib import Path
from bench.plugin import algorithm
from algorithms.fedavg import FedAvg

SEEN = Path({seen!r})
if {version!r} == "theirs":
    SEEN.touch()

@algorithm("test-packaged")
@dataclass(frozen=True)
class Packaged(FedAvg):
    """A method of an installed package. Our version begins once a node has looked at theirs."""

    source = "version {version}"

    def init_server(self, fresh, at):
        while not SEEN.exists():
            threading.Event().wait(0.01)
        return super().init_server(fresh, at)
'''


def package(folder: Path, version: str) -> str:
    """An installed package with an algorithm, as a folder for PYTHONPATH."""
    info = folder / version / "packaged-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: packaged\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[bench.algorithms]\ntest-packaged = packaged_method:Packaged\n")
    text = PACKAGE.format(version=version, seen=str(folder / "seen"))
    (folder / version / "packaged_method.py").write_text(text)
    return str(folder / version)


def test_a_node_with_another_version_of_a_plugin_gets_no_cells_and_is_named(
    place: Place, two_nodes: Callable[..., TwoNodes], tmp_path: Path
):
    ours, theirs = package(tmp_path, "ours"), package(tmp_path, "theirs")
    cluster = two_nodes({"PYTHONPATH": ours}, PYTHONPATH=theirs)
    # One cell a task, so that the other node is given some of the method's while this one waits.
    command = (
        *RUN,
        "--address",
        cluster.address,
        *SMALL,
        "--algorithms",
        "test-packaged,fedavg",
        "--engine",
        "reference",
    )
    done = place.run(*command, "--out", str(tmp_path / "out"), PYTHONPATH=ours)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen").exists()
    refused = [line for line in done.stderr.splitlines() if "gets no cells of this run" in line]
    assert len(refused) == 1
    assert re.match(
        r"node .* \(127\.0\.0\.1, \w{8}\) gets no cells of this run: another version of the algorithm", refused[0]
    )
    assert "'test-packaged' (source digest" in refused[0]
    assert len(results(tmp_path / "out")) == 12


def test_where_no_node_is_fit_the_run_ends_and_what_is_finished_stays(
    place: Place, two_nodes: Callable[..., TwoNodes], tmp_path: Path
):
    ours, theirs = package(tmp_path, "ours"), package(tmp_path, "theirs")
    cluster = two_nodes({"PYTHONPATH": theirs}, PYTHONPATH=theirs)
    out = tmp_path / "out"
    first = place.run("-m", "bench.run", *SMALL, "--algorithms", "fedavg", "--jobs", "1", "--out", str(out))
    assert first.returncode == 0
    command = (*RUN, "--address", cluster.address, *SMALL, "--algorithms", "test-packaged,fedavg")
    done = place.run(*command, "--out", str(out), PYTHONPATH=ours)
    assert done.returncode == 2
    assert "no node of the cluster can compute cells of this run:\n- " in done.stderr
    assert done.stderr.count("another version of the algorithm 'test-packaged'") == 4  # as it happens, and at the end
    assert len(results(out)) == 6


METHOD = '''
from dataclasses import dataclass
from bench.plugin import algorithm
from algorithms.fedavg import FedAvg

@algorithm("test-mine")
@dataclass(frozen=True)
class Mine(FedAvg):
    """A method in a file."""

    source = "a file"
'''


def test_a_plugin_file_travels_with_the_job(place: Place, two_nodes: Callable[..., TwoNodes], tmp_path: Path):
    cluster = two_nodes()
    plugin = tmp_path / "mine.py"
    plugin.write_text(METHOD)
    command = (*RUN, "--address", cluster.address, *SMALL, "--plugin", str(plugin), "--algorithms", "test-mine")
    done = place.run(*command, "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(results(tmp_path / "out")) == 6


def test_a_share_that_no_node_has_is_said(place: Place, tmp_path: Path):
    done = place.run(*RUN, *SMALL, "--jobs", "1", "--gpus-per-task", "64", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert re.search(r"no node .*has 1 CPUs and 64 GPUs for a task: .* has 1 CPUs and \d+ GPUs", done.stderr)


def test_addresses_that_are_of_no_use_are_refused_in_bounded_time(place: Place, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        cases = [("127.0.0.1:1", "nothing to connect to there (Connection refused)"), ("here", "expected HOST:PORT")]
        for address, words in [*cases, (f"127.0.0.1:{taken}", "what listens there is no head node of Ray")]:
            done = place.run(*RUN, *SMALL, "--address", address, "--out", str(tmp_path / "out"))
            assert done.returncode == 2
            assert f"--address {address}: {words}" in done.stderr or f"{words} of a Ray cluster" in done.stderr
            assert "Traceback" not in done.stderr
            assert results(tmp_path / "out") == {}

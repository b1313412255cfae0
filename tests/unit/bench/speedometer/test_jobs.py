import json
from pathlib import Path
from typing import Any

import pytest

from bench.rounds.evaluation import on_clients
from bench.speedometer import growth, jobs, memory, naive_job
from bench.speedometer.memory import Watched, peak, resident
from bench.speedometer.ours import ENGINES, Ours
from bench.speedometer.process import Worker, WorkerError
from bench.speedometer.results import Growth
from tests.unit.bench.speedometer.small import workload


@pytest.mark.parametrize("algorithm", ["fedavg", "fml"])
def test_a_naive_job_ends_where_our_engine_ends(
    algorithm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work, rounds = workload(algorithm=algorithm, lr=0.2), 3
    path = tmp_path / "job.pt"
    assert naive_job.Preparation(work.plain(), rounds, None).write(str(path)) == 1
    naive_job.main(str(path))
    accuracy = json.loads(capsys.readouterr().out)
    ours = Ours(work.cells("reference", rounds=rounds), None)
    for _ in range(rounds):
        ours.round()
    (federation,) = ours.federations
    images, net = federation.setting.test, federation.setting.nets["mlp"]
    ((right, _),) = on_clients(
        [(net, dict(next(iter(federation.server.values()))))], images, [images.y.new_tensor(range(len(images.y)))]
    )
    assert accuracy > 0.3
    assert accuracy == pytest.approx(float(right.double().mean()), abs=1 / len(right))  # one image may tip


def test_the_naive_job_starts_as_a_script_of_its_own() -> None:
    """It must not pay for imports of ours."""
    import subprocess
    import sys

    code = "import sys; import bench.speedometer.naive_job; print([m for m in sys.modules if m.startswith('bench')])"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=jobs.ROOT
    ).stdout
    assert set(json.loads(said.replace("'", '"'))) == {
        "bench", "bench.speedometer", "bench.speedometer.naive", "bench.speedometer.naive_job",
    }  # fmt: skip


def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(WorkerError, match=r"-m bench.run --suite ended with exit code 2: unknown suite 'nonsense'"):
        jobs._ours(["--suite", "nonsense"], 1, None)


def test_a_job_compares_accuracies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a stand-in for both processes; who is called how, and what is kept of it."""
    commands: list[list[str]] = []

    def told(command: list[str], environment: dict[str, str] | None) -> str:
        commands.append(command)
        if "bench.run" not in command:
            assert environment is not None
            assert "OMP_NUM_THREADS" not in environment
            return "0.75\n"
        out = Path(command[command.index("--out") + 1]) / "cells"
        out.mkdir(parents=True)
        for cell, accuracy in enumerate((0.7, 0.8)):
            result = {"at_headline": {"global": {"global_accuracy": accuracy}}}
            (out / f"{cell}.json").write_text(json.dumps({"result": result}))
        return ""

    class Prepared:
        def __init__(self, *_: object, **arguments: Any) -> None:
            assert arguments["workload"]["replicates"] == 5

        def call(self, method: str, path: str) -> int:
            return 20

        def __enter__(self) -> "Prepared":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(jobs, "_told", told)
    monkeypatch.setattr(jobs, "Worker", Prepared)
    found = list(jobs.run([], ["digits-mlp"], 2, 3, "/data", say=lambda text: None))
    assert [job.name for job in found] == ["digits-mlp", "noniid"]
    assert (len(found[0].naive), len(found[0].ours), len(found[1].naive), len(found[1].ours)) == (2, 2, 0, 1)
    assert (found[0].naive_accuracy, found[0].our_accuracy) == (0.75, pytest.approx(0.75))
    ours = commands[1]
    assert ours[ours.index("--jobs") + 1] == "3"
    assert ours[ours.index("--data-root") + 1] == "/data"
    assert "--no-report" in ours


def test_growth_gives_every_client_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "workload", lambda clients: workload(clients=clients, local_steps=5, partition="iid"))
    into: list[Growth] = []
    list(growth.grow(into, 2, None, say=lambda text: None, clients=(3, 6)))
    assert [(point.clients, point.steps) for point in into] == [(3, 15), (6, 30)]
    assert {name: len(taken) for name, taken in into[0].seconds.items()} == dict.fromkeys(("naive", *ENGINES), 2)


def test_memory_is_what_the_process_has() -> None:
    before = resident()
    block = bytearray(64 << 20)
    assert resident() - before > 60 << 20
    assert peak() >= resident() - (1 << 20)
    del block
    assert peak() > before + (60 << 20)


def test_a_whole_cell_is_watched() -> None:
    found = Watched(workload().plain(), "reference", None, rounds=1).whole()
    assert found["peak"] >= found["imports"] > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_memory_does_not_grow_with_rounds(engine: str) -> None:
    short = workload(local_steps=1, clients=10, algorithm="fml")
    with Worker(memory.WATCHED, workload=short.plain(), engine=engine, root=None) as worker:
        early, late = worker.call("rounds", count=20), worker.call("rounds", count=180)
    one_round = 10 * 2 * 4 * (64 * 64 * 2 + 650)  # bytes of what ten clients train
    assert late - early < 10 * one_round  # 180 rounds that were kept would be 180
